// See secret.h. Resolving and rendering; searching foreign bytes is in secret_set.cc.
#include "daemon/secret.h"

#include <sys/stat.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "base/printable.h"

namespace linegate::daemon {
namespace {

constexpr std::size_t kLongestSecret = 64 * 1024;

Resolved failed(std::string_view reference, const std::string& why) {
  return {"", "\"${" + printable(reference, 200) + "}\" " + why};
}

// `printf secret` and `echo secret` shall make the same file.
std::string without_newline(std::string text) {
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  return text;
}

Resolved found(std::string_view reference, std::string text) {
  std::string value = without_newline(std::move(text));
  if (value.empty()) return failed(reference, "is empty");
  if (value.size() > kLongestSecret) return failed(reference, "is longer than 64 KiB");
  return {std::move(value), ""};
}

Resolved from_environment(std::string_view reference, const std::string& variable) {
  const char* value = std::getenv(variable.c_str());
  if (!value) return failed(reference, "is not set in the environment");
  return found(reference, value);
}

Resolved from_file(std::string_view reference, const std::string& path) {
  struct stat about;
  if (path.empty() || path[0] != '/') return failed(reference, "needs an absolute path");
  if (path.find('\0') != std::string::npos) return failed(reference, "cannot be read");
  if (stat(path.c_str(), &about) != 0) return failed(reference, "cannot be read");
  if (!S_ISREG(about.st_mode)) return failed(reference, "is not a regular file");
  std::ifstream file(path, std::ios::binary);
  if (!file) return failed(reference, "cannot be read");
  std::string text(kLongestSecret + 3,
                   '\0');  // one byte more than the longest with CR LF, to see that it is longer
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (file.bad()) return failed(reference, "cannot be read");
  return found(reference, std::move(text));
}

}  // namespace

void Rendered::append_secret(std::string_view secret) {
  if (secret.empty()) return;
  std::size_t begin = bytes.size();
  bytes += secret;
  if (!secrets.empty() && secrets.back().end == begin) {
    secrets.back().end = bytes.size();
  } else {
    secrets.push_back({begin, bytes.size()});
  }
}

void Rendered::append(const Rendered& other) {
  std::size_t offset = bytes.size();
  bytes += other.bytes;
  for (Span span : other.secrets) secrets.push_back({offset + span.begin, offset + span.end});
}

std::string Rendered::masked() const {
  std::string out;
  std::size_t at = 0;
  for (Span span : secrets) {
    out.append(bytes, at, span.begin - at);
    out += kMask;
    at = span.end;
  }
  return out.append(bytes, at);
}

Resolved resolve_secret(std::string_view reference) {
  std::size_t colon = reference.find(':');
  std::string_view kind = reference.substr(0, colon);
  std::string name(colon == std::string_view::npos ? "" : reference.substr(colon + 1));
  if (kind == "env" && !name.empty()) return from_environment(reference, name);
  if (kind == "file" && !name.empty()) return from_file(reference, name);
  return failed(reference, "is neither ${env:NAME} nor ${file:/path}");
}

std::string base64(std::string_view bytes) {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::string_view group = bytes.substr(i, 3);
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k)
      bits = bits << 8 | (k < group.size() ? static_cast<unsigned char>(group[k]) : 0);
    for (std::size_t k = 0; k < 4; ++k) out += k <= group.size() ? kDigits[bits >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

}  // namespace linegate::daemon
