#include "daemon/demo_answers.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/printable.h"
#include "json/checker.h"
#include "json/quote.h"
#include "json/validate.h"

namespace linegate::daemon {
namespace {

constexpr long long kPages = 5;
constexpr long long kItemsPerPage = 3;
constexpr std::size_t kMaxDepth = 64;

struct City {
  std::string_view key;  // lower case
  std::string_view name;
  std::string_view celsius;  // text, because "3.50" is to arrive as "3.50"
  std::string_view fahrenheit;
};

constexpr City kCities[] = {
    {"cairo", "Cairo", "29.00", "84.2"},         {"lima", "Lima", "18.25", "64.9"},
    {"london", "London", "11.75", "53.2"},       {"nairobi", "Nairobi", "22.10", "71.8"},
    {"new york", "New York", "12.40", "54.3"},   {"oslo", "Oslo", "3.50", "38.3"},
    {"reykjavik", "Reykjavík", "-1.25", "29.8"}, {"reykjavík", "Reykjavík", "-1.25", "29.8"},
    {"sao paulo", "São Paulo", "21.80", "71.2"}, {"são paulo", "São Paulo", "21.80", "71.2"},
    {"tokyo", "Tokyo", "17.00", "62.6"},
};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

// RFC 9457.
DemoAnswer problem(unsigned status, std::string_view title, std::string_view detail) {
  json::Object body;
  body.text("type", "about:blank").text("title", title).number("status", status).text("detail", detail);
  DemoAnswer answer;
  answer.status = status;
  answer.type = "application/problem+json";
  answer.body = body.take();
  return answer;
}

DemoAnswer ok(std::string body) {
  DemoAnswer answer;
  answer.body = std::move(body);
  return answer;
}

// The query's whole number `name`, or `fallback` if there is none; nullopt if it is not one from `min` to
// `max`.
std::optional<long long> number(const DemoRequest& request, std::string_view name, long long fallback,
                                long long min, long long max) {
  auto found = request.query.find(name);
  if (found == request.query.end()) return fallback;
  const std::string& text = found->second;
  long long value = 0;
  auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc() || end != text.data() + text.size() || value < min || value > max)
    return std::nullopt;
  return value;
}

DemoAnswer bad_number(std::string_view name) {
  return problem(400, "Bad Request", std::string(name) + " is not a whole number in range");
}

std::string item(long long id) {
  std::string name = "item " + std::to_string(id);
  return json::Object().number("id", id).text("name", name).take();
}

}  // namespace

struct DemoAnswers::Endpoint {
  std::string_view method;
  std::string_view path;  // one that ends in "/" stands for everything behind it
  DemoAnswer (DemoAnswers::*answer)(const DemoRequest&);

  bool is_at(std::string_view where) const {
    return path.ends_with('/') ? where.starts_with(path) && where.size() > path.size() : where == path;
  }
};

const DemoAnswers::Endpoint DemoAnswers::kEndpoints[] = {
    {"GET", "/weather/", &DemoAnswers::weather}, {"GET", "/slow", &DemoAnswers::slow},
    {"GET", "/failing", &DemoAnswers::failing},  {"GET", "/flaky", &DemoAnswers::flaky},
    {"GET", "/large", &DemoAnswers::large},      {"GET", "/paged", &DemoAnswers::paged},
    {"POST", "/orders", &DemoAnswers::order},
};

DemoAnswer DemoAnswers::answer(const DemoRequest& request) {
  for (const Endpoint& endpoint : kEndpoints) {
    if (!endpoint.is_at(request.path)) continue;
    std::string_view method = request.method == "HEAD" ? "GET" : std::string_view(request.method);
    if (method == endpoint.method) return (this->*endpoint.answer)(request);
    DemoAnswer refused = problem(405, "Method Not Allowed", "only " + std::string(endpoint.method));
    refused.headers.emplace_back("Allow", endpoint.method);
    return refused;
  }
  return problem(404, "Not Found", "nothing is here");
}

DemoAnswer DemoAnswers::weather(const DemoRequest& request) {
  std::string_view wanted = std::string_view(request.path).substr(std::string_view("/weather/").size());
  std::string key = lower(wanted);
  auto city = std::find_if(std::begin(kCities), std::end(kCities),
                           [&](const City& known) { return known.key == key; });
  if (city == std::end(kCities)) {
    return problem(404, "Not Found", "no weather for \"" + std::string(cut_utf8(wanted, 64)) + "\"");
  }
  auto units = request.query.find("units");
  bool imperial = units != request.query.end() && units->second == "imperial";
  json::Object body;
  body.text("city", city->name);
  body.raw(imperial ? "temp_f" : "temp_c", imperial ? city->fahrenheit : city->celsius);
  return ok(body.take());
}

DemoAnswer DemoAnswers::slow(const DemoRequest& request) {
  auto ms = number(request, "ms", 1'500, 0, 60'000);
  if (!ms) return bad_number("ms");
  DemoAnswer answer = ok(json::Object().number("waited_ms", *ms).take());
  answer.delay = std::chrono::milliseconds(*ms);
  return answer;
}

DemoAnswer DemoAnswers::failing(const DemoRequest&) {
  return problem(500, "Internal Server Error", "this endpoint always fails");
}

DemoAnswer DemoAnswers::flaky(const DemoRequest&) {
  if (++flaky_calls_ % 2 == 0) return problem(503, "Service Unavailable", "every second call fails");
  return ok(json::Object().number("call", flaky_calls_).take());
}

DemoAnswer DemoAnswers::large(const DemoRequest& request) {
  auto kib = number(request, "kib", 64, 1, 8'192);
  if (!kib) return bad_number("kib");
  std::size_t size = static_cast<std::size_t>(*kib) * 1024;
  std::string body = "[\n";
  for (long long id = 1; body.size() < size; ++id) body += (id == 1 ? "  " : ",\n  ") + item(id);
  return ok(body + "\n]\n");
}

DemoAnswer DemoAnswers::paged(const DemoRequest& request) {
  auto page = number(request, "page", 1, 1, kPages);
  if (!page) return bad_number("page");
  json::Array items;
  for (long long i = 1; i <= kItemsPerPage; ++i) items.raw(item((*page - 1) * kItemsPerPage + i));
  DemoAnswer answer =
      ok(json::Object().number("page", *page).number("pages", kPages).raw("items", items.take()).take());
  std::string links;
  auto link = [&](long long to, std::string_view relation) {
    if (to < 1 || to > kPages) return;
    if (!links.empty()) links += ", ";
    links += "<" + url_ + "/paged?page=" + std::to_string(to) + ">; rel=\"" + std::string(relation) + "\"";
  };
  link(*page - 1, "prev");
  link(*page + 1, "next");
  answer.headers.emplace_back("Link", links);
  return answer;
}

DemoAnswer DemoAnswers::order(const DemoRequest& request) {
  if (request.body.size() > kMaxBody) return problem(413, "Content Too Large", "an order has at most 64 KiB");
  if (json::validate(request.body, kMaxDepth)) return problem(400, "Bad Request", "the body is not JSON");
  std::string order;
  json::append_minified(order, request.body);
  DemoAnswer answer = ok(json::Object().number("id", ++orders_).raw("order", order).take());
  answer.status = 201;
  answer.headers.emplace_back("Location", url_ + "/orders/" + std::to_string(orders_));
  return answer;
}

}  // namespace linegate::daemon
