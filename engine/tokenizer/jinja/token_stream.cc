#include "engine/tokenizer/jinja/token_stream.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "engine/tokenizer/jinja/lexer.h"
#include "kernels/core/status.h"

namespace oriel::jinja {
namespace {

// How messages show a token; long text is cut.
std::string Describe(const Token& token) {
  constexpr size_t kShownMax = 40;
  switch (token.kind) {
    case TokenKind::kEnd:
      return "end of template";
    case TokenKind::kData:
      return "template data";
    case TokenKind::kBlockBegin:
      return "begin of statement block";
    case TokenKind::kBlockEnd:
      return "end of statement block";
    case TokenKind::kVariableBegin:
      return "begin of print statement";
    case TokenKind::kVariableEnd:
      return "end of print statement";
    default:
      return absl::StrCat("'", token.text.substr(0, kShownMax), "'");
  }
}

}  // namespace

Token TokenStream::Take() {
  if (at_end()) {
    return current();
  }
  return std::move(tokens_[position_++]);
}

bool TokenStream::Skip(TokenKind kind) {
  if (!Is(kind)) {
    return false;
  }
  position_ += at_end() ? 0 : 1;
  return true;
}

bool TokenStream::SkipName(std::string_view name) { return IsName(name) && Skip(TokenKind::kName); }

absl::Status TokenStream::Expect(TokenKind kind, std::string_view what) {
  return Skip(kind) ? absl::OkStatus() : Unexpected(what);
}

absl::Status TokenStream::ExpectName(std::string_view name) {
  return SkipName(name) ? absl::OkStatus() : Unexpected(absl::StrCat("'", ToAbsl(name), "'"));
}

absl::Status TokenStream::Error(std::string_view what) const { return ErrorAtLine(line(), what); }

absl::Status TokenStream::Unexpected(std::string_view wanted) const {
  return Error(absl::StrCat("expected ", ToAbsl(wanted), ", got ", Describe(current())));
}

}  // namespace oriel::jinja
