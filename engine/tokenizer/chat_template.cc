#include "engine/tokenizer/chat_template.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "kernels/core/status.h"

namespace oriel {
namespace {

using Json = nlohmann::ordered_json;

std::tm MachineTime() { return absl::ToTM(absl::Now(), absl::LocalTimeZone()); }

absl::Status Prefixed(const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat("chat template: ", status.message()));
}

absl::Status CheckExtra(const Json& extra) {
  if (!extra.is_object()) {
    return absl::InvalidArgumentError("extra variables of the template are not an object");
  }
  for (const char* name : {"messages", "tools", "documents", "add_generation_prompt"}) {
    if (extra.contains(name)) {
      return absl::InvalidArgumentError(
          absl::StrCat("an extra variable of the template may not be called '", name, "'"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ChatTemplate> ChatTemplate::Parse(std::string source, const jinja::Limits& limits) {
  absl::StatusOr<jinja::Template> parsed = jinja::Template::Parse(std::move(source), limits);
  if (!parsed.ok()) {
    return Prefixed(parsed.status());
  }
  return ChatTemplate(*std::move(parsed));
}

absl::StatusOr<std::string> ChatTemplate::Render(const ChatTemplateInput& input) const {
  if (const absl::Status status = CheckExtra(input.extra); !status.ok()) {
    return Prefixed(status);
  }
  const Json add_generation_prompt = input.add_generation_prompt;
  const Json bos_token = input.bos_token.value_or("");
  const Json eos_token = input.eos_token.value_or("");
  jinja::Template::Variables variables = {{"messages", &input.messages},
                                          {"tools", &input.tools},
                                          {"documents", &input.documents},
                                          {"add_generation_prompt", &add_generation_prompt}};
  if (input.bos_token.has_value()) {
    variables.emplace_back("bos_token", &bos_token);
  }
  if (input.eos_token.has_value()) {
    variables.emplace_back("eos_token", &eos_token);
  }
  for (const auto& [name, value] : input.extra.items()) {
    variables.emplace_back(name, &value);
  }
  absl::StatusOr<std::string> text =
      template_.Render(variables, input.local_time ? input.local_time : MachineTime);
  return text.ok() ? std::move(text) : Prefixed(text.status());
}

}  // namespace oriel
