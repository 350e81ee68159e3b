// What the route table says about itself: the texts behind help, routes and rpc.discover. Made once, at
// start.
#pragma once

#include <deque>
#include <string>

#include "daemon/route.h"

namespace linegate::daemon {

std::string help_text(const std::deque<Route>& routes);     // JSON array of strings, one a line
std::string route_help_text(const Route& route);            // the same for one route
std::string routes_text(const std::deque<Route>& routes);   // JSON array of objects (protocol.md section 2)
std::string openrpc_text(const std::deque<Route>& routes);  // OpenRPC 1.2.6 document

}  // namespace linegate::daemon
