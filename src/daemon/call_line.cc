#include "daemon/call_line.h"

#include <algorithm>
#include <variant>

#include "json/quote.h"
#include "json/scan.h"
#include "json/utf8.h"
#include "wire/parse.h"

namespace linegate::daemon {
namespace {

constexpr std::size_t kMaxName = 64;

bool breaks_a_word(char c) {
  return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f;
}
bool breaks_a_line(char c) {
  return static_cast<unsigned char>(c) < 0x20 && c != '\t';
}

std::string value(std::string_view text) {
  bool bare = !text.empty() && text[0] != '"' && std::none_of(text.begin(), text.end(), breaks_a_word);
  return bare ? std::string(text) : json::quoted(text);
}

// Behind the "=" of `name=value`; 0 if the word is none.
std::size_t after_name(std::string_view word) {
  std::size_t end = word.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_");
  bool named = end != word.npos && word[end] == '=' && end <= kMaxName && word[0] >= 'a' && word[0] <= 'z';
  return named ? end + 1 : 0;
}

std::size_t after_option_name(std::string_view word) {
  std::size_t equals = word.find('=');
  return equals == word.npos ? word.size() : equals + 1;
}

std::string argument(std::string_view word) {
  std::size_t start = after_name(word);
  return std::string(word.substr(0, start)) + value(word.substr(start));
}

// "@timeout=2s"; an option's name with a blank in it would be two words.
std::string option(std::string_view word, CallLine& call) {
  std::size_t start = after_option_name(word);
  std::string_view name = word.substr(0, start);
  if (std::any_of(name.begin(), name.end(), breaks_a_word))
    call.error = "an option's name cannot hold a blank";
  call.raw |= name == "@raw";
  return start == word.size() ? std::string(name) : std::string(name) + value(word.substr(start));
}

std::string route(std::string_view word, CallLine& call) {
  if (word.find_first_not_of(" \t") == word.npos) call.error = "the name of the route is empty";
  if (std::any_of(word.begin(), word.end(), breaks_a_line))
    call.error = "a route's name cannot hold a line break";
  return std::string(word);
}

CallLine quote_words(const std::vector<std::string>& words) {
  CallLine call;
  bool named = false;
  for (const std::string& word : words) {
    if (!call.line.empty()) call.line += ' ';
    if (word.starts_with('@')) {
      call.line += option(word, call);
    } else if (named) {
      call.line += argument(word);
    } else {
      call.line += route(word, call);
      named = true;
    }
  }
  if (!named && call.error.empty()) call.error = "the name of a route is missing";
  return call;
}

bool has_answer(const wire::Item& item) {
  return !std::visit([](const auto& request) { return request.to.notification; }, item);
}

bool has_answer(const wire::Message& message) {
  if (auto* batch = std::get_if<wire::Batch>(&message)) {
    return std::any_of(batch->items.begin(), batch->items.end(),
                       [](const wire::Item& item) { return has_answer(item); });
  }
  if (auto* call = std::get_if<wire::Call>(&message)) return !call->to.notification;
  if (auto* cancel = std::get_if<wire::Cancel>(&message)) return !cancel->to.notification;
  return true;
}

CallLine send_as_it_is(const std::vector<std::string>& words) {
  CallLine call;
  call.json = true;
  for (const std::string& word : words) call.line += (call.line.empty() ? "" : " ") + word;
  // Between tokens a line break is white space, within strings JSON has none: a document of many lines is one
  // line.
  std::replace_if(call.line.begin(), call.line.end(), breaks_a_line, ' ');
  call.answered = has_answer(wire::parse(call.line));
  return call;
}

bool has_error(std::string_view reply) {
  return json::find(reply, "error").has_value();
}

bool is_json_error(std::string_view reply) {
  if (!reply.starts_with('[')) return has_error(reply);
  for (json::Elements element(reply); element.next();) {
    if (has_error(element.value())) return true;
  }
  return false;
}

}  // namespace

CallLine make_call_line(const std::vector<std::string>& words) {
  CallLine refused;
  if (words.empty()) refused.error = "the name of a route is missing";
  for (const std::string& word : words) {
    if (!json::is_utf8(word)) refused.error = "the words are not UTF-8";
  }
  if (!refused.error.empty()) return refused;
  bool json = words[0].starts_with('{') || words[0].starts_with('[');
  return json ? send_as_it_is(words) : quote_words(words);
}

bool is_error_reply(const CallLine& call, std::string_view reply) {
  if (call.json) return !reply.starts_with('{') && !reply.starts_with('[') ? true : is_json_error(reply);
  if (reply.starts_with('#')) reply.remove_prefix(std::min(reply.find(' '), reply.size() - 1) + 1);
  return call.raw ? reply.starts_with("ERR ") : !reply.starts_with("OK ");
}

}  // namespace linegate::daemon
