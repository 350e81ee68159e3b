// Writes replies: one line each, in the dialect of the request. A notification's reply writes nothing. An LF
// or CR in `json` or `meta` (where it can only be white space) is written as a space, so that no caller can
// break a line in two.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "wire/message.h"

namespace linegate::wire {

// `json` is valid JSON; `meta` is a JSON object or empty, and is left out unless the request asked for it.
void write_result(Buffer& out, const ReplyTo& to, std::string_view json, std::string_view meta = {});
void write_error(Buffer& out, const ReplyTo& to, const Error& error);

// The same in two steps, for a caller that minifies straight into `out`. Between them stands exactly one JSON
// value. Not for notifications.
void begin_result(Buffer& out, const ReplyTo& to);
void end_result(Buffer& out, const ReplyTo& to, std::string_view meta = {});

// How many bytes write_result() would write at most, so that a reply can be held to a limit before it is
// written.
std::size_t result_size(const ReplyTo& to, std::size_t json_bytes, std::size_t meta_bytes = 0);

// The one line that answers a batch: an array in request order. Takes the answers in any order, and holds the
// array to `max_reply` bytes, LF included: each call has room for a reply_too_large error set aside from the
// start, and an answer that does not fit in what the others left becomes that error. (So many calls that not
// even these errors fit go beyond.) Owned by whoever runs the batch.
class BatchReply {
 public:
  BatchReply(const Batch& batch, std::size_t max_reply);

  // The answer to item `index`, once for each, notifications too. A Refusal among the items is answered from
  // the start.
  void result(std::size_t index, std::string_view json, std::string_view meta = {});
  void error(std::size_t index, const Error& error);

  // Items without an answer so far.
  std::size_t pending() const { return pending_; }

  // Bytes held for answers so far; they count against the client.
  std::size_t held() const { return size_; }

  // Call once, when nothing is pending. Writes nothing if all items were notifications.
  void write_to(Buffer& out) const;

 private:
  struct Element {
    ReplyTo to;
    std::string text;  // empty: nothing is answered
  };

  void put(std::size_t index, std::string text);

  std::vector<Element> elements_;
  std::size_t max_reply_;
  std::size_t size_ =
      2;  // of the line as it stands: each element has a comma or bracket before it, then `]` and LF
  std::size_t pending_ = 0;
};

}  // namespace linegate::wire
