#ifndef ORIEL_ENGINE_TOKENIZER_CHAT_TEMPLATE_H_
#define ORIEL_ENGINE_TOKENIZER_CHAT_TEMPLATE_H_

#include <ctime>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "engine/tokenizer/jinja/limits.h"
#include "engine/tokenizer/jinja/template.h"
#include "nlohmann/json.hpp"

namespace oriel {

// What one conversation gives to a chat template. Objects keep their order: templates print tools
// as JSON, and a model was trained on one order.
struct ChatTemplateInput {
  nlohmann::ordered_json messages = nlohmann::ordered_json::array();
  nlohmann::ordered_json tools;      // an array, or null where the request names none
  nlohmann::ordered_json documents;  // the same
  bool add_generation_prompt = true;
  // The text of the model's tokens; undefined in the template where the model has none.
  std::optional<std::string> bos_token;
  std::optional<std::string> eos_token;
  // More variables, such as enable_thinking; they may replace the two tokens but nothing else here.
  nlohmann::ordered_json extra = nlohmann::ordered_json::object();
  // What strftime_now reads; the machine's clock in its time zone where this is empty.
  std::function<std::tm()> local_time;
};

// The chat template of a model: from messages to the text of its prompt.
//
// Rendering gives the same bytes as apply_chat_template of transformers with tokenize = False. The
// text may hold special tokens, the first one included, so it is tokenized without adding any.
//
// Lifecycle  parse once, when the model is loaded; copies are cheap.
// Threads    Render is const and may run on several threads at once.
// Limits     jinja/limits.h.
class ChatTemplate {
 public:
  // Errors     InvalidArgument or ResourceExhausted "chat template: line N: …".
  static absl::StatusOr<ChatTemplate> Parse(std::string source, const jinja::Limits& limits = {});

  // Errors     InvalidArgument "chat template: line N: …" where the template refuses the messages
  //            (raise_exception) or fails on them, and where `extra` is no object or names another
  //            field of the input; ResourceExhausted where rendering passes a limit.
  absl::StatusOr<std::string> Render(const ChatTemplateInput& input) const;

 private:
  explicit ChatTemplate(jinja::Template parsed) : template_(std::move(parsed)) {}

  jinja::Template template_;
};

}  // namespace oriel

#endif  // ORIEL_ENGINE_TOKENIZER_CHAT_TEMPLATE_H_
