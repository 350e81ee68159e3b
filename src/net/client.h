// One TCP (or Unix-socket) connection: splits input into lines, buffers output. Knows nothing of JSON or
// routes. Owned by the server's serve() frame through Handle<Client>; dies in uv_close's callback.
// `uv_handle_t::data` of its handle is the Client*, and the context that all clients share is one hop
// further.
//
// At the end of input reads give nullopt while writes go on (a half-close is no cancel); a hard error (a
// reset) cancels the handler.
#pragma once

#include <uv.h>

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/buffer.h"
#include "base/compiler.h"
#include "base/link.h"
#include "coro/event.h"
#include "coro/task.h"
#include "coro/task_group.h"
#include "loop/loop.h"
#include "net/address.h"
#include "net/budget.h"

namespace linegate {

class Server;

// Limits of one connection. All have a name in linegate.toml's [server].
struct ClientLimits {
  std::size_t max_line = 64 * 1024;     // bytes, without the LF; a longer line is cut, and the rest skipped
  std::size_t max_unsent = 256 * 1024;  // bytes; above, write() waits
  Duration idle_timeout = 600s;         // no byte came while the handler waited for one
  Duration partial_line_timeout = 60s;  // from the first byte of a line to its LF
  Duration write_timeout = 20s;         // within which a client must take min_progress, if so much waits
  std::size_t min_progress = 16 * 1024;
};

// A line of input without its LF (and CR). Valid until the next read of this client.
struct Line : std::string_view {
  using std::string_view::string_view;
  bool too_long = false;  // these are its first max_line bytes; the rest is dropped
  bool late = false;      // it was completed after the server began to drain
};

// A Client as an element of its server's list of those with output to flush.
class DirtyClient : public Link {};

class Client final : DirtyClient {
 public:
  Client(Loop& loop, const ClientLimits& limits, Budget& budget, Peer::Family family);

  // ---- reading; one reader at a time

  // The next line; nullopt when no more will come. A last line without LF counts.
  auto read_line() { return Read<ReadLine>(*this, {}); }

  // Up to `n` bytes, at least one; nullopt at the end of input (asyncio's read(n)). Valid until the next
  // read.
  auto read(std::size_t n) { return Read<ReadBytes>(*this, {n}); }

  // Looks at the first `n` bytes of the next line as soon as they, its end, or the end of input are there,
  // without taking them. nullopt when no more will come.
  auto peek_line(std::size_t n) { return Read<PeekLine>(*this, {n}); }

  // ---- writing: collected, and written once per loop iteration

  // Adds `bytes` to the output; goes on when at most max_unsent bytes wait. False if the connection is lost.
  auto write(std::string_view bytes) {
    send(bytes);
    return Writable(*this);
  }
  // The same without waiting, for whoever bounds its output otherwise.
  void send(std::string_view bytes);
  // The output itself, for writers that need no copy: append to it, then sent() it.
  Buffer& output() { return out_; }
  void sent();
  // co_await client.writable(): until at most max_unsent bytes wait. False if the connection is lost.
  auto writable() { return Writable(*this); }
  std::size_t unsent() const { return out_.size() + handle_.stream.write_queue_size; }

  // No more input: reads give nullopt from now on; what was written is flushed when the handler returns.
  void close();
  // Ends the connection at once: output is dropped, the handler is cancelled.
  void abort(const char* reason);

  // ---- state

  template <typename Context>
  Context& context() const {
    return *static_cast<Context*>(context_);
  }
  const Peer& peer() const { return peer_; }
  Loop& loop() { return loop_; }
  bool lost() const { return lost_; }
  bool draining() const { return draining_; }

  // A handler that reads the next line while calls are in flight says so: a busy client is not idle, and is
  // not ended by a drain.
  void set_busy(bool busy);

  // Bytes that the handler holds for this client elsewhere (waiting requests, replies), counted with the
  // rest.
  void hold(std::size_t bytes);
  void let_go(std::size_t bytes);
  std::size_t held() const { return held_ + unsent() + in_.size(); }

  static Client& from(uv_handle_t* handle) { return *static_cast<Client*>(handle->data); }

  // For Handle<Client>.
  uv_handle_t* uv_handle() { return &handle_.any; }
  void closing();

 private:
  friend class Server;
  struct WriteRequest;

  struct ReadLine {
    using Result = std::optional<Line>;
    bool ready(const Client& client) const { return client.line_ready(); }
    Result take(Client& client) const { return client.take_line(); }
  };
  struct ReadBytes {
    using Result = std::optional<std::string_view>;
    std::size_t n;
    bool ready(const Client& client) const { return !client.in_.empty() || client.ended(); }
    Result take(Client& client) const { return client.take_bytes(n); }
  };
  struct PeekLine {
    using Result = std::optional<std::string_view>;
    std::size_t n;
    bool ready(const Client& client) const { return client.in_.size() >= n || client.line_ready(); }
    Result take(Client& client) const { return client.peek(n); }
  };

  // What a reader waits for, so that arriving bytes can be tested without resuming it.
  struct Reader : Waiter {
    virtual bool ready() const = 0;

   protected:
    ~Reader() = default;
  };

  template <typename What>
  class Read final : Reader {
   public:
    Read(Client& client, What what) : client_(client), what_(what) { client.give_back_lent(); }
    ~Read() {
      if (client_.reader_ == this) client_.reader_ = nullptr;
    }
    bool await_ready() { return what_.ready(client_) && client_.loop_.queue().take_turn(); }
    void await_suspend(std::coroutine_handle<> handle) {
      frame = handle;
      client_.reader_ = this;
      client_.wait_for_input();
    }
    typename What::Result await_resume() {
      client_.reader_ = nullptr;
      return what_.take(client_);
    }

   private:
    bool ready() const override { return what_.ready(client_); }
    Client& client_;
    What what_;
  };

  class Writable {
   public:
    explicit Writable(Client& client) : client_(client) {}
    bool await_ready() { return client_.may_write() && client_.loop_.queue().take_turn(); }
    void await_suspend(std::coroutine_handle<> frame) {
      waiter_.frame = frame;
      if (client_.may_write()) {
        client_.loop_.queue().post(waiter_);
      } else {
        client_.writers_.push_back(waiter_);
      }
    }
    bool await_resume() { return !client_.lost_; }

   private:
    Client& client_;
    Waiter waiter_;
  };

  // input
  bool line_ready() const;
  bool ended() const { return eof_ || closed_ || lost_ || (draining_ && !busy_); }
  std::optional<Line> take_line();
  std::optional<std::string_view> take_bytes(std::size_t n);
  std::optional<std::string_view> peek(std::size_t n);
  bool holds_enough() const { return in_.size() - lent_ > limits_.max_line + 1; }
  std::string_view lend(std::size_t visible, std::size_t taken);
  void give_back_lent();
  void wait_for_input();
  void start_reading();
  void stop_reading();
  void on_read(ssize_t count, const char* bytes);
  void receive(std::string_view bytes);
  void append_input(std::string_view bytes);
  void wake_reader();
  void drain();

  // output
  bool may_write() const { return lost_ || unsent() <= limits_.max_unsent; }
  void flush();
  void send_rest();
  void on_written(int status);
  void wake_writers();
  Task<> finish();
  void shut_down_writing();

  void sweep(Time now);
  void release_idle_buffers(Time now);
  void sweep_output(Time now);
  void end_input(const char* reason);
  void recount();

  union {
    uv_handle_t any;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  } handle_;
  Loop& loop_;
  const ClientLimits& limits_;
  Budget& budget_;
  Server* server_ = nullptr;
  TaskGroup* handler_ = nullptr;
  void* context_ = nullptr;  // the server owns it
  Peer peer_;

  Buffer in_;
  Buffer retired_;                   // holds a lent line whose block was full when more bytes came
  mutable std::size_t scanned_ = 0;  // bytes of in_ known to hold no LF
  std::size_t lent_ = 0;             // bytes of in_ that a reader was given: they leave at its next read
  Reader* reader_ = nullptr;
  std::size_t before_drain_ = 0;  // bytes of in_ that came before the drain
  Time last_input_;
  Time line_started_;  // when the first byte of an unfinished line came

  Buffer out_;
  List<Waiter> writers_;
  Event ended_event_;        // for finish(): everything written, lost, or the peer ended
  std::uint64_t taken_ = 0;  // bytes the kernel took by uv_try_write, or queued: for the progress rule
  std::uint64_t progress_mark_ = 0;
  Time progress_since_{};
  std::size_t counted_ = 0;  // what budget_ was last told
  std::size_t held_ = 0;
  std::size_t dropped_ = 0;  // bytes read and dropped while closing

  bool reading_ = false;
  bool writing_ = false;     // a uv_write is under way
  bool lent_alive_ = false;  // a reader's view points into in_
  bool skipping_ = false;    // dropping the rest of a line that was too long
  bool eof_ = false;
  bool closed_ = false;
  bool lost_ = false;
  bool draining_ = false;
  bool busy_ = false;
  bool finishing_ = false;
  bool admitted_ = false;  // counted by the server's Admission
};

}  // namespace linegate
