#ifndef ORIEL_ENGINE_TOKENIZER_TOKENIZER_H_
#define ORIEL_ENGINE_TOKENIZER_TOKENIZER_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/base/token_id.h"
#include "engine/files/gguf_file.h"
#include "engine/tokenizer/byte_pair_encoder.h"
#include "engine/tokenizer/pre_tokenizer.h"
#include "engine/tokenizer/special_token_matcher.h"
#include "engine/tokenizer/vocabulary.h"

namespace oriel {

struct EncodeOptions {
  // Puts the begin token first and the end token last, where the model wants them.
  bool add_special_tokens = true;
  // Reads <|im_start|> and the like as the tokens they name. Off for text that a user typed: there
  // they are plain characters. Tokens of kind kUserDefined are part of the text and are always
  // read.
  bool parse_special_tokens = true;
  size_t tokens_max = size_t{1} << 20;
};

struct DecodeOptions {
  // Leaves out control and unknown tokens. Tokens of kind kUserDefined stay: they are part of the
  // text.
  bool skip_special_tokens = true;
};

// Text to tokens and back, for the byte-level BPE models that GGUF calls "gpt2".
//
// Every byte string without special tokens in it comes back: Decode(Encode(x)) == x, valid UTF-8 or
// not. The exception are bytes that the vocabulary has no token for (SmolLM2: 21 of the 256,
// control characters and bytes that UTF-8 never or hardly ever has). They are left out, as the
// models' own tokenizers do.
//
// Ids are those of llama.cpp. Like it, we normalize nothing, put no space before the text
// (tokenizer.ggml.add_space_prefix is for another kind of model) and clean up no spaces when
// decoding. Unlike it, we keep bytes that are no UTF-8, and of special tokens that overlap in a
// text the leftmost counts.
//
// Lifecycle   copies what it needs; the file may be closed afterwards.
// Threads     all methods are const and may be called from several threads.
// Limits      those of Vocabulary and BytePairEncoder.
// Errors      at FromGguf: NotFound or InvalidArgument with file and key, also for a kind of model
//             or a pre-tokenizer (tokenizer.ggml.pre) that is not known.
class Tokenizer {
 public:
  static absl::StatusOr<std::unique_ptr<Tokenizer>> FromGguf(const GgufFile& file);

  // Errors: InvalidArgument if the text gives more than options.tokens_max tokens, or if it takes
  // the patterns that split it past their limits.
  absl::StatusOr<std::vector<TokenId>> Encode(std::string_view text,
                                              const EncodeOptions& options) const;

  // The bytes of one token, which may be a part of a character; of a special token, its name. The
  // id must be 0 … vocab_size() - 1, here and below.
  std::string_view TokenBytes(TokenId id) const { return vocabulary_.Bytes(id); }
  // The token as the vocabulary writes it, one printable character for each byte.
  std::string_view TokenText(TokenId id) const { return vocabulary_.Text(id); }
  std::string Decode(std::span<const TokenId> ids, const DecodeOptions& options) const;

  TokenId vocab_size() const { return vocabulary_.size(); }
  std::optional<TokenId> bos_id() const { return bos_id_; }
  std::optional<TokenId> eos_id() const { return eos_id_; }
  std::optional<TokenId> unknown_id() const { return unknown_id_; }
  std::optional<TokenId> padding_id() const { return padding_id_; }
  bool adds_bos() const { return adds_bos_; }
  bool adds_eos() const { return adds_eos_; }
  // The value of tokenizer.ggml.pre.
  std::string_view pre_tokenizer_name() const { return pre_tokenizer_name_; }

  std::optional<TokenId> FindToken(std::string_view text) const { return vocabulary_.Find(text); }
  // Control and unknown tokens: what skip_special_tokens leaves out.
  bool IsSpecial(TokenId id) const;
  // Whether generation ends with this token; which they are says end_of_generation.h.
  bool IsEndOfGeneration(TokenId id) const;
  std::span<const TokenId> end_of_generation_ids() const { return end_of_generation_ids_; }

 private:
  struct Workspace;

  Tokenizer(Vocabulary vocabulary, const PreTokenizerRule& rule, PreTokenizer pre_tokenizer);

  absl::Status ReadSpecialTokens(const GgufMetadata& metadata, const PreTokenizerRule& rule);
  absl::Status EncodePlain(std::string_view text, size_t tokens_max, Workspace& workspace,
                           std::vector<TokenId>& ids) const;

  Vocabulary vocabulary_;
  std::string_view pre_tokenizer_name_;  // of a rule, which lives for ever
  PreTokenizer pre_tokenizer_;
  std::optional<BytePairEncoder> encoder_;  // set by FromGguf; borrows vocabulary_
  SpecialTokenMatcher user_defined_tokens_;
  SpecialTokenMatcher special_tokens_;  // user-defined ones too
  std::optional<TokenId> bos_id_;
  std::optional<TokenId> eos_id_;
  std::optional<TokenId> unknown_id_;
  std::optional<TokenId> padding_id_;
  bool adds_bos_ = false;
  bool adds_eos_ = false;
  std::vector<TokenId> end_of_generation_ids_;  // sorted
};

}  // namespace oriel

#endif  // ORIEL_ENGINE_TOKENIZER_TOKENIZER_H_
