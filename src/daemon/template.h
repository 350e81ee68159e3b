// Text with holes, compiled once: literals, `{param}`, `{{` and `}}` for braces, `${env:NAME}` and
// `${file:/path}`. Literals and secrets are escaped for their place when compiled, parameters when rendered.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/parameter.h"
#include "daemon/secret.h"
#include "wire/error.h"

namespace linegate::daemon {

// Where a template stands, which decides how a value is written there.
enum class Place {
  path,    // RFC 3986: unreserved kept, all else %HH; literal text keeps what a path may hold; values are
           // checked
  query,   // unreserved kept, all else %HH, literals too
  header,  // as it is; CR, LF and NUL refused
  json,    // the inside of a JSON string
  form,    // as query (a space is %20, which every form parser takes)
};

// A secret that a template refers to, for SecretSet and for the http:// warning.
using SecretValues = std::vector<std::string>;

class Template {
 public:
  struct Piece {
    enum class Kind { literal, secret, parameter };
    Kind kind = Kind::literal;
    std::string bytes;          // literal, secret: escaped for the place
    std::size_t parameter = 0;  // its place among the declared ones
  };

  Template() = default;

  // A template or the sentence that says what is wrong with `text`. Unknown parameters are reported with a
  // suggestion. Found secrets are appended to `secrets`.
  struct Compiled;
  static Compiled compile(std::string_view text, Place place, const std::vector<Parameter>& parameters,
                          SecretValues& secrets);

  const std::vector<Piece>& pieces() const { return pieces_; }
  bool fixed() const { return parameters_.empty(); }  // no parameter in it
  bool has_secret() const { return has_secret_; }
  // The parameters that stand in it, each once, in order of first appearance.
  const std::vector<std::size_t>& parameters() const { return parameters_; }
  // Exactly one parameter and nothing else: in a JSON body it becomes the parameter's JSON type.
  bool whole_parameter() const { return pieces_.size() == 1 && pieces_[0].kind == Piece::Kind::parameter; }

  // False when a parameter in it was not given: what the template stands for is to be left out.
  bool complete(const std::vector<Value>& values) const;

  // Appends the text for `values`, which must be complete(). A value that its place refuses is
  // invalid_params.
  std::optional<wire::Error> render(const std::vector<Parameter>& parameters,
                                    const std::vector<Value>& values, Rendered& out) const;

 private:
  std::optional<wire::Error> render_value(const Parameter& parameter, const std::string& value,
                                          Rendered& out) const;
  std::optional<wire::Error> check_joined(const std::vector<Parameter>& parameters,
                                          const std::vector<Value>& values) const;

  std::vector<Piece> pieces_;
  std::vector<std::size_t> parameters_;
  Place place_ = Place::path;
  bool has_secret_ = false;
  bool dots_beside_parameter_ = false;  // such a path is checked as a whole: "/{a}..{b}" with a = "x/"
};

struct Template::Compiled {
  Template value;
  std::string error;  // empty = compiled
};

// A `key = template` of query, headers or form.
struct Field {
  std::string name;  // query and form: percent-encoded; header: as written
  Template value;
};

// A JSON body: a tree whose parts without parameters are already text. A member or element with a parameter
// that was not given is left out.
struct JsonTemplate {
  enum class Kind {
    fixed,   // `text`: JSON
    text,    // `value`: a string with holes
    whole,   // `value` is one parameter: its JSON value
    object,  // children with keys
    array,   // children
  };
  Kind kind = Kind::fixed;
  std::string key;  // in an object: quoted, with its colon; else empty
  std::string text;
  Template value;
  std::vector<JsonTemplate> children;

  bool complete(const std::vector<Value>& values) const;
  std::optional<wire::Error> render(const std::vector<Parameter>& parameters,
                                    const std::vector<Value>& values, Rendered& out) const;

 private:
  std::optional<wire::Error> render_text(const std::vector<Parameter>& parameters,
                                         const std::vector<Value>& values, Rendered& out) const;
  std::optional<wire::Error> render_children(const std::vector<Parameter>& parameters,
                                             const std::vector<Value>& values, Rendered& out) const;
};

// RFC 3986 section 2.3: everything but ALPHA DIGIT - . _ ~ becomes %HH.
void append_percent_encoded(std::string& out, std::string_view text);

}  // namespace linegate::daemon
