#include "server/model_text.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/tokenizer/detokenizer.h"
#include "kernels/core/status.h"

namespace oriel {
namespace {

class DetokenizerStream final : public TextStream {
 public:
  DetokenizerStream(const Tokenizer& tokenizer, const DecodeOptions& options)
      : detokenizer_(tokenizer, options) {}
  std::string Append(TokenId token) override { return detokenizer_.Append(token); }
  std::string Finish() override { return detokenizer_.Finish(); }

 private:
  Detokenizer detokenizer_;
};

constexpr char kTemplateKey[] = "tokenizer.chat_template";

}  // namespace

absl::StatusOr<std::unique_ptr<ModelText>> ModelText::Load(const GgufFile& file) {
  ORIEL_ASSIGN_OR_RETURN(std::unique_ptr<Tokenizer> tokenizer, Tokenizer::FromGguf(file));
  std::unique_ptr<ModelText> text(new ModelText(std::move(tokenizer)));
  const absl::StatusOr<std::string_view> source = file.metadata().GetString(kTemplateKey);
  if (!source.ok()) {
    text->template_status_ =
        absl::FailedPreconditionError(absl::StrCat("the model has no ", kTemplateKey));
    return text;
  }
  absl::StatusOr<ChatTemplate> parsed = ChatTemplate::Parse(std::string(*source));
  if (parsed.ok()) {
    text->template_ = *std::move(parsed);
  } else {
    text->template_status_ = absl::FailedPreconditionError(parsed.status().message());
  }
  return text;
}

absl::StatusOr<std::vector<TokenId>> ModelText::Encode(std::string_view text, AddSpecialTokens add,
                                                       int32_t tokens_max) const {
  return tokenizer_->Encode(text, {.add_special_tokens = add == AddSpecialTokens::kYes,
                                   .tokens_max = static_cast<size_t>(tokens_max)});
}

std::string ModelText::TokenBytes(TokenId token) const {
  return std::string(tokenizer_->TokenBytes(token));
}

std::unique_ptr<TextStream> ModelText::MakeTextStream(SkipSpecialTokens skip) const {
  return std::make_unique<DetokenizerStream>(
      *tokenizer_, DecodeOptions{.skip_special_tokens = skip == SkipSpecialTokens::kYes});
}

absl::StatusOr<std::string> ModelText::RenderChat(const ChatInput& chat) const {
  if (!template_) {
    return absl::FailedPreconditionError(
        absl::StrCat("this model takes no chats: ", template_status_.message()));
  }
  ChatTemplateInput input;
  input.messages = chat.messages;
  input.tools = chat.tools;
  input.add_generation_prompt = chat.add_generation_prompt;
  input.bos_token = NameOf(tokenizer_->bos_id());
  input.eos_token = NameOf(tokenizer_->eos_id());
  input.extra = chat.template_kwargs;
  absl::StatusOr<std::string> prompt = template_->Render(input);
  if (prompt.ok()) return prompt;
  // A chat that takes the template past its limits will do so again: no reason to repeat it.
  return absl::InvalidArgumentError(prompt.status().message());
}

std::vector<TokenId> ModelText::end_tokens() const {
  const auto ids = tokenizer_->end_of_generation_ids();
  return {ids.begin(), ids.end()};
}

std::optional<std::string> ModelText::NameOf(std::optional<TokenId> token) const {
  if (!token) return std::nullopt;
  return TokenBytes(*token);
}

}  // namespace oriel
