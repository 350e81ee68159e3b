#include "daemon/cli.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/printable.h"
#include "base/suggest.h"
#include "base/units.h"
#include "daemon/version.h"

namespace linegate::daemon {
namespace {

constexpr int kUsage = 2;

constexpr char kAbout[] =
    "A gateway from raw TCP lines to REST: a line comes in, the API's JSON goes out as one line.";
constexpr char kExamples[] = R"(
Try it:
  linegate demo                                  a built-in API and config; prints what to type
  printf 'weather oslo\n' | nc -N localhost 15555

Put your own API behind it:
  linegate demo --print-config > my.toml         a config to start from
  linegate check my.toml                         what is wrong with it, or its routes
  linegate serve -c my.toml

Exit codes: 0 fine, 1 failed (the reason is on stderr), 2 wrong command line; those of `call` are in its --help.)";

constexpr char kServeExamples[] = R"(
With a file:      linegate serve -c my.toml
Without a file:   linegate serve --upstream https://api.example/v1 --route 'weather=/current/{city}?units={units}'
                  Each {name} is a required parameter: `weather oslo metric` is sent as GET /current/oslo?units=metric.

When all listeners are up, stderr has `linegate: listening on ADDR` for each and then `linegate: ready`.
SIGTERM and SIGINT finish the calls that run (at most server.drain_timeout) and end with 0; a second one ends at once.)";

constexpr char kCheckExamples[] = R"(
Mistakes are printed as FILE:LINE:COLUMN with what was probably meant, and the exit code is 1. If there are none, the
routes are printed. Opens no port and calls no API, but reads the ${env:NAME} and ${file:/path} that the file refers to.)";

constexpr char kCallExamples[] = R"(
linegate call [OPTIONS] WORDS...
Quotes its words itself, since the shell has taken yours away; name=value and @options stay what they are:
  linegate call weather "New York"
  linegate call weather city="New York" units=imperial @meta @timeout=2s
A first word that begins with { or [ is sent as it is:
  linegate call '{"jsonrpc":"2.0","id":1,"method":"weather","params":["oslo"]}'
Its own options stand before the words.

Exit codes: 0 OK, 1 the answer is an error, 2 wrong command line, 3 no connection, 4 no answer in time.)";

constexpr char kDemoExamples[] = R"(
Needs no network: the API (some cities' weather; a slow, a failing, a flaky, a large, a paged and a POST endpoint) is built
in, listens on a free port of 127.0.0.1 and is called over HTTP like any other. Listening off loopback serves anybody.)";

// One parse: the options are bound to the members of `line_`.
class Cli {
 public:
  Cli() {
    app_.set_version_flag(
        "--version", [] { return version_text(); }, "Versions of linegate and of its libraries");
    app_.footer(kExamples);
    app_.require_subcommand(1);
    add_serve();
    add_check();
    add_call();
    add_demo();
  }

  CommandLine parse(std::vector<std::string> arguments) {
    if (!known_command(arguments)) return std::move(line_);
    std::reverse(arguments.begin(), arguments.end());  // CLI11's order
    try {
      app_.parse(std::move(arguments));
      finish();
    } catch (const CLI::CallForHelp&) {
      say(0, app_.help());
    } catch (const CLI::CallForVersion&) {
      say(0, version_text() + "\n");
    } catch (const CLI::ParseError& error) {
      refuse(error.what());
    }
    return std::move(line_);
  }

 private:
  using Command = CommandLine::Command;

  CLI::App* add(const char* name, const char* what, const char* examples) {
    CLI::App* command = app_.add_subcommand(name, what);
    command->footer(examples);
    return command;
  }

  void add_serve() {
    CLI::App* serve = add("serve", "Serve the routes of a file, or of flags, until SIGTERM", kServeExamples);
    serve->add_option("-c,--config", line_.file, "The config")->type_name("FILE");
    serve
        ->add_option("--listen", line_.flags.listen,
                     "host:port, [::1]:port, :port, unix:/path; may be repeated")
        ->type_name("ADDR");
    serve->add_option("--upstream", line_.flags.upstream, "The API: http(s)://host[:port][/path]")
        ->type_name("URL");
    serve
        ->add_option("--route", line_.flags.routes,
                     "A GET, as NAME=/path/{param}?key={param}; may be repeated")
        ->type_name("NAME=PATH");
    serve->add_flag("--allow-unauthenticated", line_.flags.allow_unauthenticated,
                    "Listen off loopback for anybody");
    serve->callback([this] { line_.command = Command::serve; });
  }

  void add_check() {
    CLI::App* check = add("check", "Validate a config and print its routes", kCheckExamples);
    check->add_option("FILE", line_.file, "The config")->required()->type_name("");
    check->callback([this] { line_.command = Command::check; });
  }

  void add_call() {
    call_ = add("call", "Send one request and print its answer", kCallExamples);
    call_->add_option("-c,--config", line_.file, "Call the first listen address of this config")
        ->type_name("FILE");
    call_->add_option("--to", to_, "host:port, :port or unix:/path (127.0.0.1:15555)")->type_name("ADDR");
    call_->add_option("--timeout", timeout_, "For all of it: 500ms, 10s (10s)")->type_name("DURATION");
    call_->prefix_command();  // from the first word on nothing is an option of ours
    call_->callback([this] { line_.command = Command::call; });
  }

  void add_demo() {
    CLI::App* demo = add("demo", "Try it: a built-in config in front of a built-in API", kDemoExamples);
    demo->add_option("-c,--config", line_.demo.config_file,
                     "Serve this config; if it has no routes, with the demo's")
        ->type_name("FILE");
    demo->add_option("--listen", line_.demo.listen, "Instead of 127.0.0.1:15555; may be repeated")
        ->type_name("ADDR");
    demo->add_flag("--print-config", line_.demo.print_config, "Print the built-in config and end");
    demo->callback([this] { line_.command = Command::demo; });
  }

  // What CLI11 cannot check, or says in a way that helps less.
  bool known_command(const std::vector<std::string>& arguments) {
    static const std::vector<std::string> kWords = {"serve",  "check", "call",     "demo",
                                                    "--help", "-h",    "--version"};
    if (arguments.empty()) return refuse("a command is missing: serve, check, call or demo");
    if (std::find(kWords.begin(), kWords.end(), arguments[0]) != kWords.end()) return true;
    std::vector<std::string> near = suggest(arguments[0], kWords);
    std::string hint = near.empty() ? "" : "; did you mean \"" + near[0] + "\"?";
    return refuse("\"" + printable(arguments[0]) + "\" is not a command" + hint);
  }

  bool finish() {
    if (line_.command == Command::serve) return finish_serve();
    if (line_.command == Command::call) return finish_call();
    if (line_.command == Command::demo) return finish_demo();
    return true;
  }

  bool finish_serve() {
    const ConfigFlags& flags = line_.flags;
    bool any = !flags.listen.empty() || !flags.upstream.empty() || !flags.routes.empty() ||
               flags.allow_unauthenticated;
    if (!line_.file.empty() && any) return refuse("serve takes -c FILE or the other flags, not both");
    if (!line_.file.empty()) return true;
    return (!flags.upstream.empty() && !flags.routes.empty()) ||
           refuse("serve needs -c FILE, or --upstream and --route");
  }

  bool finish_call() {
    std::vector<std::string>& words = line_.call.words = call_->remaining();
    if (!words.empty() && words[0] == "--") words.erase(words.begin());
    if (words.empty()) return refuse("call needs the name of a route");
    if (words[0].starts_with('-')) return refuse("\"" + printable(words[0]) + "\" is not an option of call");
    if (!to_.empty() && !line_.file.empty()) return refuse("call takes -c FILE or --to ADDR, not both");
    if (!to_.empty()) line_.call.to = to_;
    if (timeout_.empty()) return true;
    auto timeout = parse_duration(timeout_);
    if (!timeout || *timeout <= Duration::zero())
      return refuse("--timeout is a duration above zero, like 500ms or 10s");
    line_.call.timeout = *timeout;
    return true;
  }

  bool finish_demo() {
    bool any = !line_.demo.listen.empty() || line_.demo.print_config;
    return line_.demo.config_file.empty() || !any ||
           refuse("demo takes -c FILE or the other flags, not both");
  }

  // False, for who found it to return.
  bool refuse(std::string sentence) {
    std::replace(sentence.begin(), sentence.end(), '\n', ' ');
    say(kUsage, "linegate: " + sentence + (sentence.ends_with('?') ? "" : "; see linegate --help") + "\n");
    return false;
  }

  void say(int code, std::string text) {
    line_.command = Command::none;
    line_.exit_code = code;
    line_.text = std::move(text);
  }

  CommandLine line_;
  std::string to_;
  std::string timeout_;
  CLI::App app_{kAbout, "linegate"};
  CLI::App* call_ = nullptr;
};

}  // namespace

CommandLine parse_command_line(const std::vector<std::string>& arguments) {
  return Cli().parse(arguments);
}

}  // namespace linegate::daemon
