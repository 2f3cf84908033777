#ifndef ORIEL_SERVER_TEXT_MODEL_H_
#define ORIEL_SERVER_TEXT_MODEL_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/base/token_id.h"
#include "server/json.h"

namespace oriel {

// The parts of a chat that a template sees. `messages` keep all their fields, but content given in
// text parts is joined to one string.
struct ChatInput {
  Json messages = Json::array();          // objects with a `role`
  Json tools = nullptr;                   // a list, or null
  Json template_kwargs = Json::object();  // further variables
  bool add_generation_prompt = true;
};

// Tokens to text as they come: what Append gives never ends inside a character.
class TextStream {
 public:
  virtual ~TextStream() = default;
  virtual std::string Append(TokenId token) = 0;
  virtual std::string Finish() = 0;
};

enum class AddSpecialTokens : bool { kNo, kYes };
enum class SkipSpecialTokens : bool { kNo, kYes };

// What the server needs of a model's tokenizer and chat template.
//
// Threads   all methods are const and may be called from several threads.
class TextModel {
 public:
  virtual ~TextModel() = default;

  // InvalidArgument: the text gives more than `tokens_max` tokens, or is beyond the tokenizer's
  // limits.
  virtual absl::StatusOr<std::vector<TokenId>> Encode(std::string_view text, AddSpecialTokens add,
                                                      int32_t tokens_max) const = 0;

  // The bytes of one token, 0 … vocab_size() - 1; they may be a part of a character.
  virtual std::string TokenBytes(TokenId token) const = 0;

  virtual std::unique_ptr<TextStream> MakeTextStream(SkipSpecialTokens skip) const = 0;

  // The text of a chat's prompt. FailedPrecondition: the model has no template; InvalidArgument:
  // the template refuses the messages, or passes its limits on them.
  virtual absl::StatusOr<std::string> RenderChat(const ChatInput& chat) const = 0;

  virtual int32_t vocab_size() const = 0;
  virtual std::vector<TokenId> end_tokens() const = 0;
};

}  // namespace oriel

#endif  // ORIEL_SERVER_TEXT_MODEL_H_
