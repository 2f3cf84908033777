#ifndef ORIEL_ENGINE_TOKENIZER_JINJA_TOKEN_STREAM_H_
#define ORIEL_ENGINE_TOKENIZER_JINJA_TOKEN_STREAM_H_

#include <cstddef>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "engine/tokenizer/jinja/token.h"

namespace oriel::jinja {

// The tokens of a template, read from left to right. The last is kEnd and is never passed.
class TokenStream {
 public:
  explicit TokenStream(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  const Token& current() const { return tokens_[position_]; }
  const Token& next() const { return tokens_[position_ + (at_end() ? 0 : 1)]; }
  int line() const { return current().line; }
  bool at_end() const { return current().kind == TokenKind::kEnd; }

  bool Is(TokenKind kind) const { return current().kind == kind; }
  bool IsName(std::string_view name) const {
    return Is(TokenKind::kName) && current().text == name;
  }

  // The current token; the stream moves past it.
  Token Take();

  // Moves past the current token if it is the one named.
  bool Skip(TokenKind kind);
  bool SkipName(std::string_view name);

  // The same, where anything else is an error: `what` says what was wanted.
  absl::Status Expect(TokenKind kind, std::string_view what);
  absl::Status ExpectName(std::string_view name);

  // An error at the current line.
  absl::Status Error(std::string_view what) const;
  absl::Status Unexpected(std::string_view wanted) const;

 private:
  std::vector<Token> tokens_;
  size_t position_ = 0;
};

}  // namespace oriel::jinja

#endif  // ORIEL_ENGINE_TOKENIZER_JINJA_TOKEN_STREAM_H_
