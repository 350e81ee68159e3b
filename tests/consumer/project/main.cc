// Somebody else's program, with nothing but the installed library: a line server that asks a REST API for
// each line, a small API for it to ask, and one client. Ends with 0 if the API's answer came back as one
// line.
#include <arpa/inet.h>
#include <linegate.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>
#include <thread>

using namespace linegate;

struct Context {
  Session& session;
  Event& answered;
  std::string url;
};

// The gateway: a line in, the API's JSON out.
Task<> handle(Client& client, Context& context) {
  while (auto line = co_await client.read_line()) {
    Fields params{{"city", std::string(*line)}};
    auto reply = co_await context.session.get(context.url, params);
    co_await client.write(reply.json_line());
  }
  context.answered.set();
}

// The API: answers any one HTTP request.
Task<> api(Client& client) {
  while (auto line = co_await client.read_line()) {
    if (line->empty()) break;
  }
  co_await client.write(
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"temp_c\": 3.50}");
}

// What a client gets for one line, read to the end; blocking, in a thread of its own.
std::string ask(int port, const std::string& line) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  std::string answer;
  char bytes[256];
  if (connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
    send(socket, line.data(), line.size(), 0);
    shutdown(socket, SHUT_WR);
    for (ssize_t size = 0; (size = recv(socket, bytes, sizeof bytes, 0)) > 0;)
      answer.append(bytes, static_cast<size_t>(size));
  }
  ::close(socket);
  return answer;
}

int port_of(const Server& server) {
  std::string address = server.addresses().front();
  return std::stoi(address.substr(address.rfind(':') + 1));
}

Task<> wait(Event& event) {
  co_await event.wait();
}

int main() {
  Loop loop;
  Session session(loop);
  Event answered(loop);
  auto backend = start_server(loop, {}, api);
  auto url = "http://127.0.0.1:" + std::to_string(port_of(*backend)) + "/current";
  auto gateway = start_server(loop, {}, std::make_shared<Context>(Context{session, answered, url}), handle);

  std::string answer;
  std::thread client([&] { answer = ask(port_of(*gateway), "oslo\n"); });
  loop.run(wait(answered));
  loop.run(gateway->drain(1s));
  client.join();
  std::printf("%s", answer.c_str());
  return answer == "{\"temp_c\":3.50}\n" ? 0 : 1;
}
