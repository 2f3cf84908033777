#ifndef ORIEL_SERVER_MODEL_TEXT_H_
#define ORIEL_SERVER_MODEL_TEXT_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/files/gguf_file.h"
#include "engine/tokenizer/chat_template.h"
#include "engine/tokenizer/tokenizer.h"
#include "server/text_model.h"

namespace oriel {

// The tokenizer and the chat template of a model file.
class ModelText final : public TextModel {
 public:
  // Errors of the tokenizer. A file without a template, or with one that cannot be parsed, still
  // serves completions; `template_status` says why chats are refused.
  static absl::StatusOr<std::unique_ptr<ModelText>> Load(const GgufFile& file);

  absl::StatusOr<std::vector<TokenId>> Encode(std::string_view text, AddSpecialTokens add,
                                              int32_t tokens_max) const override;
  std::string TokenBytes(TokenId token) const override;
  std::unique_ptr<TextStream> MakeTextStream(SkipSpecialTokens skip) const override;
  absl::StatusOr<std::string> RenderChat(const ChatInput& chat) const override;
  int32_t vocab_size() const override { return tokenizer_->vocab_size(); }
  std::vector<TokenId> end_tokens() const override;

  const Tokenizer& tokenizer() const { return *tokenizer_; }
  const absl::Status& template_status() const { return template_status_; }

 private:
  explicit ModelText(std::unique_ptr<Tokenizer> tokenizer) : tokenizer_(std::move(tokenizer)) {}

  std::optional<std::string> NameOf(std::optional<TokenId> token) const;

  std::unique_ptr<Tokenizer> tokenizer_;
  std::optional<ChatTemplate> template_;
  absl::Status template_status_;
};

}  // namespace oriel

#endif  // ORIEL_SERVER_MODEL_TEXT_H_
