// The program's log: a thin front of spdlog, which only log.cc knows. Asynchronous; when a slow reader of
// stderr lets the queue fill, the oldest lines go, never the loop's time. Usable before init_log() and after
// flush_log().
//
// Callers pass foreign bytes through printable(); secrets never come here.
#pragma once

#include <exception>
#include <string>
#include <string_view>

#include "daemon/config.h"

namespace linegate::daemon {

void init_log(const LogConfig& config);

void log_debug(std::string_view sentence);
void log_info(std::string_view sentence);
void log_warning(std::string_view sentence);
void log_error(std::string_view sentence);

// "linegate: TEXT" on stderr, at once and whatever the level: what scripts wait for.
void announce(std::string_view text);

// For TaskGroup: an exception that escaped from a task.
void log_exception(std::exception_ptr error);

// Everything logged so far is written; call before _exit().
void flush_log();

}  // namespace linegate::daemon
