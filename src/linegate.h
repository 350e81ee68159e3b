// The library in one include: everything that a line server and its REST calls need.
//
//   Loop, Task, TaskGroup, sleep, with_timeout, Event, Semaphore, Signals: the event loop and its coroutines
//   start_server, Client: raw TCP lines in, lines out
//   Session, Response: HTTP calls, one pool of connections
//   Upstream, Cache, CallPolicy: one REST API behind a cache, shared requests, retries, breaker, rate
//   json::Checker, json::Object, json::validate: JSON checked, minified, written
//   wire::parse, wire::write_result, wire::write_error: the gateway's two line dialects
#pragma once

#include "base/clock.h"
#include "base/compiler.h"
#include "coro/event.h"
#include "coro/semaphore.h"
#include "coro/task.h"
#include "coro/task_group.h"
#include "http/session.h"
#include "json/checker.h"
#include "json/quote.h"
#include "json/validate.h"
#include "loop/loop.h"
#include "loop/signals.h"
#include "loop/sleep.h"
#include "net/client.h"
#include "net/server.h"
#include "upstream/upstream.h"
#include "wire/parse.h"
#include "wire/reply.h"
