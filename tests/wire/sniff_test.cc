// Other protocols on a line port: what is recognised, when, and what is answered.
#include "wire/sniff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace linegate::wire {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

TEST(Sniff, KnowsTlsAndTelnetByTheFirstBytes) {
  EXPECT_EQ(sniff_start("\x16\x03\x01"), Foreign::tls);
  EXPECT_EQ(sniff_start("\x16"), std::nullopt);
  EXPECT_EQ(sniff_start("\x16x"), Foreign::none);
  EXPECT_EQ(sniff_start("\xff"), Foreign::telnet);
  EXPECT_EQ(sniff_start("\xff\xfd\x03"), Foreign::telnet);
  EXPECT_EQ(sniff_start("p"), Foreign::none);
  EXPECT_EQ(sniff_start("{"), Foreign::none);
  EXPECT_EQ(sniff_start("\xef\xbb\xbf"), Foreign::none);
}

TEST(Sniff, KnowsEveryHttpMethodBeforeTheLineEnds) {
  for (std::string method :
       {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "PRI"}) {
    EXPECT_EQ(sniff_partial(method), Foreign::none) << "it may go on: " << method;
    EXPECT_EQ(sniff_partial(method + "X y"), Foreign::none);
    EXPECT_EQ(sniff_partial(method + " /"), Foreign::http) << method;
    EXPECT_EQ(sniff_line(method, true), Foreign::http);
    EXPECT_EQ(sniff_line(method + " / HTTP/1.1", false), Foreign::http);
  }
  EXPECT_EQ(sniff_partial("PRI * HTTP/2.0"), Foreign::http);
  EXPECT_EQ(sniff_partial(" \tGET "), Foreign::http);
  EXPECT_EQ(sniff_partial("get /"), Foreign::none);
}

TEST(Sniff, KnowsAHostHeaderWithoutCase) {
  EXPECT_EQ(sniff_partial("Host:"), Foreign::http);
  EXPECT_EQ(sniff_partial("Host"), Foreign::none);
  EXPECT_EQ(sniff_line("host: 127.0.0.1:15555", false), Foreign::http);
  EXPECT_EQ(sniff_line("hosts: x", false), Foreign::none);
}

TEST(Sniff, KnowsAnyHttpVersionAtTheEndOfALine) {
  for (std::string version : {"1.0", "1.1", "2.0", "2", "3", "0.9"}) {
    EXPECT_EQ(sniff_line("FOO /x HTTP/" + version, false), Foreign::http) << version;
  }
  for (std::string line : {"weather HTTP/", "weather HTTP/x", "weather xHTTP/1.1", "weather HTTP/1.1 x",
                           "HTTP/1.1", "weather HTTP/1.", "weather \"a HTTP/1.1\"", "weather HTTP/1.1.x"}) {
    EXPECT_EQ(sniff_line(line, false), Foreign::none) << line;
  }
}

TEST(Sniff, AVersionBehindALongLineIsSeenWhenTheLineEnds) {
  EXPECT_EQ(sniff_line("x " + std::string(5000, 'a') + " HTTP/1.1", false), Foreign::http);
}

TEST(Sniff, LooksAtTheFirst1024BytesOfAnUnfinishedLine) {
  EXPECT_EQ(sniff_partial(std::string(1020, ' ') + "GET "), Foreign::http);
  EXPECT_EQ(sniff_partial(std::string(1021, ' ') + "GET "), Foreign::none);
}

TEST(Sniff, AfterAValidRequestOnlyARequestLineCounts) {
  EXPECT_EQ(sniff_later_line("weather oslo HTTP/1.1"), Foreign::http);
  EXPECT_EQ(sniff_later_line("POST /x HTTP/1.0 "), Foreign::http);
  EXPECT_EQ(sniff_later_line("x HTTP/2.0"), Foreign::http);
  EXPECT_EQ(sniff_later_line("x HTTP/2"), Foreign::none);
  EXPECT_EQ(sniff_later_line("GET oslo"), Foreign::none);
  EXPECT_EQ(sniff_later_line("Host: x"), Foreign::none);
}

TEST(Sniff, KnowsHeaderFramingOnTheFirstLineOnly) {
  EXPECT_EQ(sniff_line("Content-Length: 52", true), Foreign::header_framing);
  EXPECT_EQ(sniff_line("content-type: application/vscode-jsonrpc", true), Foreign::header_framing);
  EXPECT_EQ(sniff_line("Content-Length: 52", false), Foreign::none);
}

TEST(Sniff, LeavesOurOwnDialectsAlone) {
  for (std::string line : {"ping", "weather oslo", R"({"jsonrpc":"2.0","id":1,"method":"GET "})", "[",
                           "GETTER x", "", " ", "@id=1 ping", "get x"}) {
    EXPECT_EQ(sniff_line(line, true), Foreign::none) << line;
    EXPECT_EQ(sniff_partial(line), Foreign::none) << line;
    EXPECT_EQ(sniff_later_line(line), Foreign::none) << line;
  }
}

TEST(Sniff, HttpIsAnsweredWithACompleteResponse) {
  std::string answer(farewell(Foreign::http));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 Bad Request\r\n"));
  EXPECT_THAT(answer, HasSubstr("\r\nConnection: close\r\n"));
  std::size_t body = answer.find("\r\n\r\n") + 4;
  EXPECT_THAT(answer, HasSubstr("\r\nContent-Length: " + std::to_string(answer.size() - body) + "\r\n"));
}

TEST(Sniff, HeaderFramingIsAnsweredInJsonRpc) {
  EXPECT_EQ(farewell(Foreign::header_framing),
            R"({"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Invalid Request","data":)"
            R"({"symbol":"invalid_request","message":"one message a line, without headers"}}})"
            "\n");
}

TEST(Sniff, TlsAndTelnetGetNoAnswerButAReason) {
  EXPECT_EQ(farewell(Foreign::tls), "");
  EXPECT_EQ(farewell(Foreign::telnet), "");
  for (auto foreign : {Foreign::tls, Foreign::telnet, Foreign::http, Foreign::header_framing}) {
    EXPECT_NE(reason(foreign), "");
  }
  EXPECT_EQ(reason(Foreign::none), "");
}

}  // namespace
}  // namespace linegate::wire
