// An HTTP server for tests that does exactly what a script says, right or wrong: each connection runs the
// script in a thread of its own, on blocking sockets. Not a web server: it parses only as much of a request
// as it needs to find its end.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace linegate {

// Set once by one thread, waited for by others. Waiting is bounded: a test that hangs fails.
class Latch {
 public:
  void set() {
    std::lock_guard lock(mutex_);
    set_ = true;
    changed_.notify_all();
  }
  bool wait() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return set_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool set_ = false;
};

// A complete response.
inline std::string reply(std::string_view body, std::string_view status = "200 OK",
                         std::string_view headers = "") {
  std::string text = "HTTP/1.1 " + std::string(status) + "\r\nContent-Type: application/json\r\n";
  text += headers;
  text += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  text += body;
  return text;
}

class ScriptedApi {
 public:
  class Connection {
   public:
    Connection(ScriptedApi& api, int fd, int order) : number(order), api_(api), fd_(fd) {
      timeval limit{20, 0};
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
      int on = 1;
      ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    ~Connection() { finish(); }

    const int number;  // 0 is the first connection of the server

    // The next request with its body (by Content-Length), or "" at the end of input. It is counted, and can
    // be seen in ScriptedApi::requests().
    std::string read_request() {
      std::size_t head = std::string::npos;
      while ((head = input_.find("\r\n\r\n")) == std::string::npos) {
        if (!receive()) return {};
      }
      std::size_t size = head + 4 + content_length(input_.substr(0, head));
      while (input_.size() < size) {
        if (!receive()) return {};
      }
      std::string request = input_.substr(0, size);
      input_.erase(0, size);
      api_.note(request);
      return request;
    }

    bool send(std::string_view bytes) {
      while (!bytes.empty()) {
        ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (n <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(n));
      }
      return true;
    }

    // True when the other side has closed; drops what it sends before.
    bool wait_for_end() {
      while (receive()) input_.clear();
      return errno != EAGAIN;
    }

    void finish() { api_.close(fd_); }  // FIN
    void reset() {                      // RST
      linger hard{1, 0};
      ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
      finish();
    }

   private:
    static std::size_t content_length(const std::string& head) {
      std::size_t at = head.find("Content-Length: ");
      return at == std::string::npos ? 0 : static_cast<std::size_t>(std::atol(head.c_str() + at + 16));
    }
    bool receive() {
      char bytes[4096];
      errno = 0;
      ssize_t n = ::recv(fd_, bytes, sizeof bytes, 0);
      if (n > 0) input_.append(bytes, static_cast<std::size_t>(n));
      return n > 0;
    }

    ScriptedApi& api_;
    int fd_;
    std::string input_;
  };

  using Script = std::function<void(Connection&)>;

  // Answers each request of each connection with what `answer` says.
  static Script answering(std::function<std::string(const std::string& request)> answer) {
    return [answer](Connection& connection) {
      for (std::string request; !(request = connection.read_request()).empty();) {
        if (!connection.send(answer(request))) return;
      }
    };
  }

  explicit ScriptedApi(Script script, const std::string& address = "127.0.0.1", std::uint16_t port = 0)
      : script_(std::move(script)), address_(address) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(port);
    ::inet_pton(AF_INET, address.c_str(), &name.sin_addr);
    socklen_t size = sizeof name;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&name), size) != 0 || ::listen(listener_, 512) != 0) {
      throw std::system_error(errno, std::generic_category(), "listen");
    }
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&name), &size);
    port_ = ntohs(name.sin_port);
    acceptor_ = std::thread([this] { accept(); });
  }
  ScriptedApi(const ScriptedApi&) = delete;
  ScriptedApi& operator=(const ScriptedApi&) = delete;
  ~ScriptedApi() {
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    {
      std::lock_guard lock(mutex_);
      for (int fd : open_) ::shutdown(fd, SHUT_RDWR);
    }
    for (auto& thread : threads_) thread.join();
    ::close(listener_);
  }

  std::uint16_t port() const { return port_; }
  std::string url(const std::string& path = "/") const { return at(address_, path); }
  std::string at(const std::string& host, const std::string& path = "/") const {
    return "http://" + host + ":" + std::to_string(port_) + path;
  }

  std::vector<std::string> requests() {
    std::lock_guard lock(mutex_);
    return requests_;
  }
  std::size_t request_count() { return requests().size(); }
  int connection_count() {
    std::lock_guard lock(mutex_);
    return connections_;
  }
  bool wait_for_requests(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return requests_.size() >= count; });
  }

 private:
  void accept() {
    for (;;) {
      int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      std::lock_guard lock(mutex_);
      open_.push_back(fd);
      threads_.emplace_back([this, fd, number = connections_++] {
        Connection connection(*this, fd, number);
        script_(connection);
      });
    }
  }
  void note(const std::string& request) {
    std::lock_guard lock(mutex_);
    requests_.push_back(request);
    changed_.notify_all();
  }
  void close(int& fd) {
    std::lock_guard lock(mutex_);
    if (fd < 0) return;
    std::erase(open_, fd);
    ::close(std::exchange(fd, -1));
  }

  Script script_;
  std::string address_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> requests_;
  std::vector<int> open_;
  int connections_ = 0;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace linegate
