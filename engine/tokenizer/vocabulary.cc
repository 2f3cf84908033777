#include "engine/tokenizer/vocabulary.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "engine/tokenizer/byte_encoding.h"
#include "kernels/core/check.h"
#include "kernels/core/status.h"

namespace oriel {
namespace {

constexpr std::string_view kTokensKey = "tokenizer.ggml.tokens";
constexpr std::string_view kTypesKey = "tokenizer.ggml.token_type";

// Zero stands for "undefined" in the file format: such a token is treated as a normal one.
std::optional<TokenKind> KindOf(int64_t number) {
  switch (number) {
    case 0:
    case 1:
      return TokenKind::kNormal;
    case 2:
      return TokenKind::kUnknown;
    case 3:
      return TokenKind::kControl;
    case 4:
      return TokenKind::kUserDefined;
    case 5:
      return TokenKind::kUnused;
    case 6:
      return TokenKind::kByte;
  }
  return std::nullopt;
}

// The byte of a text <0xNN>; any other text stands for itself.
std::string DecodeByteToken(std::string_view text) {
  unsigned value = 0;
  if (text.size() == 6 && text.starts_with("<0x") && text.back() == '>') {
    const auto [end, error] = std::from_chars(text.data() + 3, text.data() + 5, value, 16);
    if (error == std::errc() && end == text.data() + 5) {
      return std::string(1, static_cast<char>(value));
    }
  }
  return std::string(text);
}

std::string BytesOf(std::string_view text, TokenKind kind) {
  switch (kind) {
    case TokenKind::kNormal:
      return DecodeByteText(text);
    case TokenKind::kUnknown:
    case TokenKind::kControl:
    case TokenKind::kUserDefined:
      return std::string(text);
    case TokenKind::kUnused:
      return "";
    case TokenKind::kByte:
      return DecodeByteToken(text);
  }
  ORIEL_CHECK(false);
}

}  // namespace

absl::StatusOr<Vocabulary> Vocabulary::FromGguf(const GgufMetadata& metadata) {
  ORIEL_ASSIGN_OR_RETURN(const std::vector<std::string_view> texts,
                         metadata.GetStringArray(kTokensKey));
  ORIEL_ASSIGN_OR_RETURN(const std::optional<std::vector<int64_t>> kinds,
                         metadata.FindIntArray(kTypesKey));
  if (texts.empty() || texts.size() > kTokensMax) {
    return absl::InvalidArgumentError(absl::StrCat("metadata key '", ToAbsl(kTokensKey), "' has ",
                                                   texts.size(), " tokens, must be 1 to ",
                                                   kTokensMax));
  }
  if (kinds.has_value() && kinds->size() != texts.size()) {
    return absl::InvalidArgumentError(absl::StrCat("metadata key '", ToAbsl(kTypesKey), "' has ",
                                                   kinds->size(), " entries, but there are ",
                                                   texts.size(), " tokens"));
  }
  Vocabulary vocabulary;
  vocabulary.tokens_.reserve(texts.size());  // the lookup points into it: it must never move
  vocabulary.id_of_text_.reserve(texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    ORIEL_RETURN_IF_ERROR(vocabulary.Add(texts[i], kinds.has_value() ? (*kinds)[i] : 1));
  }
  return vocabulary;
}

absl::Status Vocabulary::Add(std::string_view text, int64_t kind_number) {
  const TokenId id = size();
  const std::optional<TokenKind> kind = KindOf(kind_number);
  if (!kind.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat("token ", id, " has the unknown type ", kind_number, ", types are 0 to 6"));
  }
  if (text.size() > kTextBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat("token ", id, " has ", text.size(),
                                                   " bytes of text, at most ", kTextBytesMax,
                                                   " are allowed"));
  }
  tokens_.push_back({std::string(text), BytesOf(text, *kind), *kind});
  longest_token_bytes_ = std::max(longest_token_bytes_, tokens_.back().bytes.size());
  // An empty text can be found by nothing, so several may have it.
  if (text.empty()) return absl::OkStatus();
  const auto [found, is_new] = id_of_text_.emplace(tokens_.back().text, id);
  if (is_new) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("tokens ", found->second, " and ", id, " have the same text"));
}

const Vocabulary::Token& Vocabulary::At(TokenId id) const {
  ORIEL_CHECK(Contains(id));
  return tokens_[static_cast<size_t>(id)];
}

std::optional<TokenId> Vocabulary::Find(std::string_view text) const {
  const auto found = id_of_text_.find(text);
  if (found == id_of_text_.end()) return std::nullopt;
  return found->second;
}

void Vocabulary::MarkControl(TokenId id) {
  ORIEL_CHECK(Contains(id));
  Token& token = tokens_[static_cast<size_t>(id)];
  token.kind = TokenKind::kControl;
  token.bytes = token.text;
  longest_token_bytes_ = std::max(longest_token_bytes_, token.bytes.size());
}

}  // namespace oriel
