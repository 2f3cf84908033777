#ifndef ORIEL_TESTS_SERVER_SUPPORT_FAKE_TEXT_MODEL_H_
#define ORIEL_TESTS_SERVER_SUPPORT_FAKE_TEXT_MODEL_H_

#include "server/text_model.h"

namespace oriel {

// Bytes, the end and the begin token, and room for the fake engine's neighbours of the last byte.
inline constexpr TokenId kFakeEndToken = 256;
inline constexpr TokenId kFakeBeginToken = 257;
inline constexpr int32_t kFakeVocab = 300;

// A tokenizer in which a token is a byte, and a chat template that writes "role:content\n".
class FakeTextModel final : public TextModel {
 public:
  bool adds_begin_token = false;  // to texts, if special tokens are wanted

  absl::StatusOr<std::vector<TokenId>> Encode(std::string_view text, AddSpecialTokens add,
                                              int32_t tokens_max) const override;
  std::string TokenBytes(TokenId token) const override;
  std::unique_ptr<TextStream> MakeTextStream(SkipSpecialTokens skip) const override;
  absl::StatusOr<std::string> RenderChat(const ChatInput& chat) const override;
  int32_t vocab_size() const override { return kFakeVocab; }
  std::vector<TokenId> end_tokens() const override { return {kFakeEndToken}; }
};

}  // namespace oriel

#endif  // ORIEL_TESTS_SERVER_SUPPORT_FAKE_TEXT_MODEL_H_
