#include "net/client.h"

#include <sys/socket.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "loop/sleep.h"
#include "net/server.h"

namespace linegate {
namespace {

constexpr Duration kLinger = 1s;  // how long a closing connection is read and dropped, at most
constexpr std::size_t kLingerBytes = 256 * 1024;  // and how much

std::string_view without_cr(std::string_view line) {
  return !line.empty() && line.back() == '\r' ? line.substr(0, line.size() - 1) : line;
}

// An idle client holds no buffer. One that is between two requests keeps small ones for a moment, which
// spares busy ones an allocation for each read and each write.
constexpr Duration kBuffersKept = 250ms;
constexpr std::size_t kLargeBuffer = 4 * 1024;

void give_back_large(Buffer& empty) {
  if (empty.capacity() > kLargeBuffer) empty.release();
}

}  // namespace

// Bytes that the kernel did not take at once. libuv holds it, so it is on the heap.
struct Client::WriteRequest {
  uv_write_t request;
  Buffer bytes;
  Client* owner;
};

Client::Client(Loop& loop, const ClientLimits& limits, Budget& budget, Peer::Family family)
    : loop_(loop), limits_(limits), budget_(budget), last_input_(loop.now()), ended_event_(loop.queue()) {
  if (family == Peer::Family::local) {
    uv_pipe_init(loop.uv(), &handle_.pipe, 0);
  } else {
    uv_tcp_init(loop.uv(), &handle_.tcp);
  }
  handle_.any.data = this;
}

void Client::closing() {
  lost_ = true;
  unlink();
  budget_.give_back(counted_);
  counted_ = 0;
  if (server_) std::exchange(server_, nullptr)->left(*this);
}

// ---------------------------------------------------------------- input

bool Client::line_ready() const {
  std::string_view view = in_.view();
  scanned_ = std::min(view.find('\n', scanned_), view.size());
  if (scanned_ < view.size() || view.size() > limits_.max_line + 1) return true;
  return ended();
}

std::optional<Line> Client::take_line() {
  if (closed_ || lost_ || !line_ready()) return std::nullopt;
  std::string_view view = in_.view();
  bool complete = scanned_ < view.size();
  bool last = eof_ && !complete && !view.empty();
  bool too_long = view.size() > limits_.max_line + 1 && !complete;
  if (!complete && !last && !too_long) return std::nullopt;

  Line line;
  std::string_view text = without_cr(view.substr(0, scanned_));
  line.too_long = text.size() > limits_.max_line;
  line.late = draining_ && scanned_ >= before_drain_;
  skipping_ = !complete && !last;
  text = lend(std::min(text.size(), limits_.max_line), complete ? scanned_ + 1 : view.size());
  static_cast<std::string_view&>(line) = text;
  return line;
}

std::optional<std::string_view> Client::take_bytes(std::size_t n) {
  if (closed_ || lost_ || in_.empty()) return std::nullopt;
  std::size_t taken = std::min(n, in_.size());
  return lend(taken, taken);
}

std::optional<std::string_view> Client::peek(std::size_t n) {
  if (closed_ || lost_ || in_.empty()) return std::nullopt;
  std::string_view view = in_.view().substr(0, n);
  return lend(std::min(view.find('\n'), view.size()), 0);
}

// Lets a reader see the first `visible` bytes of input; `taken` of them leave at its next read.
std::string_view Client::lend(std::size_t visible, std::size_t taken) {
  lent_ = taken;
  lent_alive_ = true;
  if (!holds_enough()) start_reading();  // so that a cancel and a reset are seen while the handler works
  return in_.view().substr(0, visible);
}

void Client::give_back_lent() {
  retired_.release();
  if (!lent_alive_) return;
  lent_alive_ = false;
  if (lent_ == 0) return;
  before_drain_ -= std::min(lent_, before_drain_);
  in_.consume(std::exchange(lent_, 0));
  scanned_ = 0;
  line_started_ = loop_.now();
  recount();
}

void Client::wait_for_input() {
  if (reader_->ready()) return loop_.queue().post(*reader_);  // it only gave up its turn
  if (in_.empty()) give_back_large(in_);
  last_input_ = loop_.now();
  start_reading();
}

void Client::start_reading() {
  if (reading_ || eof_ || lost_) return;
  reading_ = true;
  int rc = uv_read_start(
      &handle_.stream,
      [](uv_handle_t* handle, size_t, uv_buf_t* buffer) {
        auto scratch = from(handle).loop_.scratch();
        *buffer = uv_buf_init(scratch.data(), static_cast<unsigned>(scratch.size()));
      },
      [](uv_stream_t* stream, ssize_t count, const uv_buf_t* buffer) {
        from(reinterpret_cast<uv_handle_t*>(stream)).on_read(count, buffer->base);
      });
  if (rc < 0) abort(uv_strerror(rc));
}

void Client::stop_reading() {
  reading_ = false;
  uv_read_stop(&handle_.stream);
}

void Client::on_read(ssize_t count, const char* bytes) {
  if (count > 0) return receive({bytes, static_cast<std::size_t>(count)});
  if (count == 0) return;
  stop_reading();
  if (count != UV_EOF) return abort(uv_strerror(static_cast<int>(count)));
  eof_ = true;
  ended_event_.set();
  wake_reader();
}

void Client::receive(std::string_view bytes) {
  last_input_ = loop_.now();
  if (finishing_ || closed_) {
    dropped_ += bytes.size();
    if (dropped_ > kLingerBytes) {
      stop_reading();
      ended_event_.set();
    }
    return;
  }
  if (skipping_) {
    std::size_t end = bytes.find('\n');
    if (end == std::string_view::npos) return;
    skipping_ = false;
    bytes.remove_prefix(end + 1);
    if (bytes.empty()) return;
  }
  append_input(bytes);
  recount();
  wake_reader();
  if (holds_enough()) stop_reading();  // TCP pushes back; whoever reads is ready now
}

void Client::append_input(std::string_view bytes) {
  if (in_.size() == lent_) line_started_ = last_input_;
  if (lent_alive_ && in_.room() < bytes.size()) {  // growing would move the bytes that a reader looks at
    Buffer fresh;
    fresh.append(in_.view().substr(lent_));
    retired_ = std::move(in_);
    in_ = std::move(fresh);
    before_drain_ -= std::min(lent_, before_drain_);
    scanned_ = lent_ = 0;
    lent_alive_ = false;
  }
  in_.append(bytes);
}

void Client::wake_reader() {
  if (reader_ && reader_->ready()) loop_.queue().post(*reader_);
}

void Client::drain() {
  draining_ = true;
  before_drain_ = in_.size() + (eof_ ? 1 : 0);  // the end of input completed the last line, like an LF
  wake_reader();
}

void Client::set_busy(bool busy) {
  busy_ = busy;
  last_input_ = loop_.now();
  if (!busy) wake_reader();
}

// ---------------------------------------------------------------- output

void Client::send(std::string_view bytes) {
  out_.append(bytes);
  sent();
}

void Client::sent() {
  if (lost_) return out_.release();
  if (!linked() && server_) server_->mark_dirty(*this);
  recount();
}

void Client::flush() {
  if (lost_ || writing_ || out_.empty()) return;
  uv_buf_t bytes = uv_buf_init(const_cast<char*>(out_.view().data()), static_cast<unsigned>(out_.size()));
  int count = uv_try_write(&handle_.stream, &bytes, 1);
  if (count < 0 && count != UV_EAGAIN) return abort(uv_strerror(count));
  if (count > 0) {
    taken_ += static_cast<std::uint64_t>(count);
    out_.consume(static_cast<std::size_t>(count));
  }
  out_.empty() ? give_back_large(out_) : send_rest();
  wake_writers();
}

void Client::send_rest() {
  auto* rest = new WriteRequest{{}, std::move(out_), this};
  rest->request.data = rest;
  uv_buf_t bytes =
      uv_buf_init(const_cast<char*>(rest->bytes.view().data()), static_cast<unsigned>(rest->bytes.size()));
  writing_ = true;
  taken_ += rest->bytes.size();
  int rc = uv_write(&rest->request, &handle_.stream, &bytes, 1, [](uv_write_t* request, int status) {
    std::unique_ptr<WriteRequest> done(static_cast<WriteRequest*>(request->data));
    done->owner->on_written(status);
  });
  if (rc < 0) {
    delete rest;
    abort(uv_strerror(rc));
  }
}

void Client::on_written(int status) {
  writing_ = false;
  if (!server_) return;  // closing
  if (status < 0) return abort(uv_strerror(status));
  if (!out_.empty()) server_->mark_dirty(*this);
  wake_writers();
}

void Client::wake_writers() {
  recount();
  if (unsent() == 0) ended_event_.set();
  if (!may_write()) return;
  while (!writers_.empty()) loop_.queue().post(writers_.front());
}

// ---------------------------------------------------------------- the end

void Client::close() {
  closed_ = true;
  if (lent_alive_) retired_ = std::move(in_);  // a reader may still look at it
  lent_alive_ = false;
  in_.release();
  scanned_ = lent_ = before_drain_ = 0;
  wake_reader();
}

void Client::abort(const char* reason) {
  if (lost_) return;
  lost_ = true;
  if (reading_) stop_reading();
  out_.release();
  ended_event_.set();
  wake_reader();
  wake_writers();
  if (server_) server_->dropped(*this, reason);
  if (handler_) handler_->cancel();
}

void Client::end_input(const char* reason) {
  if (server_) server_->dropped(*this, reason);
  close();
}

// Flush, shut down writing, read and drop for a moment: so that the kernel's RST for unread input cannot
// destroy the last replies on their way (RFC 9112 section 9.6 describes the problem).
Task<> Client::finish() {
  close();
  finishing_ = true;
  while (!lost_ && unsent() > 0) {
    ended_event_.clear();
    co_await ended_event_.wait();
  }
  if (lost_) co_return;
  shut_down_writing();
  if (eof_) co_return;
  ended_event_.clear();
  start_reading();
  auto until_ended = [](Event& ended) -> Task<> { co_await ended.wait(); };
  auto ended = co_await with_timeout(loop_, kLinger, until_ended(ended_event_));
  static_cast<void>(ended);
}

void Client::shut_down_writing() {
  uv_os_fd_t fd;
  if (uv_fileno(&handle_.any, &fd) == 0) ::shutdown(fd, SHUT_WR);
}

// ---------------------------------------------------------------- limits

void Client::sweep(Time now) {
  if (lost_) return;
  release_idle_buffers(now);
  sweep_output(now);
  if (closed_ || !reader_ || reader_->ready()) return;
  bool partial = skipping_ || !in_.empty();
  if (partial && now - line_started_ >= limits_.partial_line_timeout)
    return end_input("its line was not finished in time");
  if (!partial && !busy_ && now - last_input_ >= limits_.idle_timeout) end_input("it was idle");
}

void Client::release_idle_buffers(Time now) {
  if (now - last_input_ < kBuffersKept) return;
  if (in_.empty() && !lent_alive_) in_.release();
  if (out_.empty()) out_.release();
}

void Client::sweep_output(Time now) {
  if (unsent() == 0) {
    progress_since_ = Time{};
    return;
  }
  std::uint64_t gone = taken_ - handle_.stream.write_queue_size;
  if (progress_since_ == Time{}) {
    progress_since_ = now;
    progress_mark_ = gone;
  } else if (now - progress_since_ >= limits_.write_timeout) {
    if (gone - progress_mark_ < limits_.min_progress) return abort("it does not read its replies");
    progress_since_ = now;
    progress_mark_ = gone;
  }
}

void Client::hold(std::size_t bytes) {
  held_ += bytes;
  recount();
}

void Client::let_go(std::size_t bytes) {
  held_ -= bytes;
  recount();
}

void Client::recount() {
  std::size_t now = server_ && !lost_ ? held() : 0;
  budget_.give_back(counted_);
  budget_.add(now);
  counted_ = now;
}

}  // namespace linegate
