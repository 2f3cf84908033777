#include "tests/server/support/fake_text_model.h"

#include "absl/strings/str_cat.h"

namespace oriel {
namespace {

class ByteStream final : public TextStream {
 public:
  std::string Append(TokenId token) override {
    if (token == kFakeBeginToken) return "<begin>";
    return token < 256 ? std::string(1, static_cast<char>(token)) : "";
  }
  std::string Finish() override { return ""; }
};

}  // namespace

absl::StatusOr<std::vector<TokenId>> FakeTextModel::Encode(std::string_view text,
                                                           AddSpecialTokens add,
                                                           int32_t tokens_max) const {
  if (text.size() > static_cast<size_t>(tokens_max)) {
    return absl::InvalidArgumentError(absl::StrCat("more than ", tokens_max, " tokens"));
  }
  std::vector<TokenId> tokens;
  if (adds_begin_token && add == AddSpecialTokens::kYes) tokens.push_back(kFakeBeginToken);
  for (char c : text) tokens.push_back(static_cast<unsigned char>(c));
  return tokens;
}

std::string FakeTextModel::TokenBytes(TokenId token) const {
  if (token == kFakeBeginToken) return "<begin>";
  return token < 256 ? std::string(1, static_cast<char>(token)) : "<end>";
}

std::unique_ptr<TextStream> FakeTextModel::MakeTextStream(SkipSpecialTokens) const {
  return std::make_unique<ByteStream>();
}

absl::StatusOr<std::string> FakeTextModel::RenderChat(const ChatInput& chat) const {
  std::string text;
  for (const Json& message : chat.messages) {
    const Json content = message.value("content", Json());
    absl::StrAppend(&text, message["role"].get<std::string>(), ":",
                    content.is_string() ? content.get<std::string>() : "", "\n");
  }
  if (!chat.tools.is_null()) absl::StrAppend(&text, "tools:", chat.tools.dump(), "\n");
  return text;
}

}  // namespace oriel
