// Secrets: where they come from, bytes that know which of them are secret, and masking in bytes that others
// wrote. Masking is by construction: what is rendered here carries its secret spans, nobody has to remember
// them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace linegate::daemon {

inline constexpr std::string_view kMask = "***";

// Half-open range of bytes.
struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool operator==(const Span&) const = default;
};

// Bytes ready to be sent, some of them secret.
struct Rendered {
  std::string bytes;
  std::vector<Span> secrets;  // ascending, disjoint, not empty

  void append(std::string_view plain) { bytes += plain; }
  void append_secret(std::string_view secret);
  void append(const Rendered& other);

  // The bytes with each secret span replaced by `***`: what logs, errors and explain may show.
  std::string masked() const;
};

// `${env:NAME}` or `${file:/path}`, resolved once, when the config is read.
struct Resolved {
  std::string value;
  std::string error;  // empty = resolved; else a sentence that names the reference, never its value
};
// `reference` is what stands between `${` and `}`: "env:NAME" or "file:/path". One trailing newline (LF or CR
// LF) is cut. Unset, empty, unreadable, not a regular file, over 64 KiB, unknown kind: an error.
Resolved resolve_secret(std::string_view reference);

// Finds known secrets in foreign bytes (an API's error body) and masks them, however each of their bytes is
// written: as it is, percent-encoded in either case, `+` for a space, or as a JSON escape (\n, \/, \u002d);
// and base64 of the whole secret. A secret of which only a beginning stands at the very end (a body cut off)
// is masked too. Secrets under kShortest bytes are not looked for: masking each "7" would garble every reply
// and tell what the secret is by its holes; `linegate check` warns about them.
class SecretSet {
 public:
  static constexpr std::size_t kShortest = 4;

  void add(std::string_view secret);
  bool empty() const { return secrets_.empty(); }

  // Mask first, then cut: half a secret is not found. One pass; costs nothing where there are no secrets.
  std::string mask(std::string_view foreign) const;
  // The same for valid JSON text; the result is valid JSON: a number or literal that is a secret becomes
  // "***".
  std::string mask_json(std::string_view json) const;

 private:
  // The length of the secret that begins at `text`'s front, in bytes of `text`; 0 = none.
  std::size_t match(std::string_view text) const;
  std::size_t match_in_string(std::string_view text) const;
  std::string mask_string(std::string_view content) const;

  std::vector<std::string> secrets_;  // longest first
  bool first_[256] = {};              // bytes that a secret's written form can begin with
};

// RFC 4648 section 4, with padding.
std::string base64(std::string_view bytes);

}  // namespace linegate::daemon
