#ifndef ORIEL_ENGINE_TOKENIZER_VOCABULARY_H_
#define ORIEL_ENGINE_TOKENIZER_VOCABULARY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/base/token_id.h"
#include "engine/files/gguf_metadata.h"

namespace oriel {

// What a token is for, with the numbers of tokenizer.ggml.token_type.
enum class TokenKind : uint8_t {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,      // structure, such as <|im_start|>: not part of what a user reads or may write
  kUserDefined = 4,  // added by the model's makers, such as <tool_call>: part of the text
  kUnused = 5,       // fills the vocabulary up to a round size; stands for no text
  kByte = 6,         // one byte, written <0xNN>
};

// The tokens of a byte-level model: id <-> text, and the bytes each stands for.
//
// Lifecycle   copies what it needs of the metadata. Moved, never copied: lookups point into the
//             tokens.
// Threads     const after it was made.
// Limits      1 to 2^20 tokens of at most 4096 bytes of text each; every text occurs once.
class Vocabulary {
 public:
  static constexpr size_t kTokensMax = size_t{1} << 20;
  static constexpr size_t kTextBytesMax = 4096;

  // Reads tokenizer.ggml.tokens and .token_type. Errors: InvalidArgument or NotFound, naming key
  // and token.
  static absl::StatusOr<Vocabulary> FromGguf(const GgufMetadata& metadata);

  Vocabulary(Vocabulary&&) = default;
  Vocabulary& operator=(Vocabulary&&) = default;
  Vocabulary(const Vocabulary&) = delete;
  Vocabulary& operator=(const Vocabulary&) = delete;

  TokenId size() const { return static_cast<TokenId>(tokens_.size()); }
  bool Contains(TokenId id) const { return id >= 0 && id < size(); }

  // The id must be of this vocabulary.
  std::string_view Text(TokenId id) const { return At(id).text; }
  std::string_view Bytes(TokenId id) const { return At(id).bytes; }
  TokenKind Kind(TokenId id) const { return At(id).kind; }

  std::optional<TokenId> Find(std::string_view text) const;
  size_t longest_token_bytes() const { return longest_token_bytes_; }

  // Makes a token a control token although the file does not say so.
  void MarkControl(TokenId id);

 private:
  struct Token {
    std::string text;
    std::string bytes;
    TokenKind kind = TokenKind::kNormal;
  };

  Vocabulary() = default;
  const Token& At(TokenId id) const;
  absl::Status Add(std::string_view text, int64_t kind_number);

  std::vector<Token> tokens_;
  std::unordered_map<std::string_view, TokenId> id_of_text_;  // keys point into tokens_
  size_t longest_token_bytes_ = 1;
};

}  // namespace oriel

#endif  // ORIEL_ENGINE_TOKENIZER_VOCABULARY_H_
