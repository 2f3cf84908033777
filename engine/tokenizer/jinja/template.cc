#include "engine/tokenizer/jinja/template.h"

#include "absl/strings/str_cat.h"
#include "engine/tokenizer/jinja/interpreter.h"
#include "engine/tokenizer/jinja/json.h"
#include "engine/tokenizer/jinja/parser.h"
#include "engine/tokenizer/jinja/runtime.h"
#include "engine/tokenizer/jinja/text.h"
#include "kernels/core/status.h"

namespace oriel::jinja {
namespace {

// Line ends become \n, and one at the very end goes, as Jinja has it.
std::string NormalizeLineEnds(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      out.push_back(source[i]);
      continue;
    }
    out.push_back('\n');
    i += i + 1 < source.size() && source[i + 1] == '\n' ? 1 : 0;
  }
  if (!out.empty() && out.back() == '\n') {
    out.pop_back();
  }
  return out;
}

absl::Status AtLine(int line, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat("line ", line, ": ", status.message()));
}

}  // namespace

Template::Template(Body body, const Limits& limits)
    : body_(std::make_shared<const Body>(std::move(body))), limits_(limits) {}

absl::StatusOr<Template> Template::Parse(std::string source, const Limits& limits) {
  if (static_cast<int64_t>(source.size()) > limits.source_bytes_max) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "the template has ", source.size(), " bytes, the limit is ", limits.source_bytes_max));
  }
  if (!IsValidUtf8(source)) {
    return absl::InvalidArgumentError("the template is not UTF-8");
  }
  ORIEL_ASSIGN_OR_RETURN(Body body, ParseTemplate(NormalizeLineEnds(source), limits));
  return Template(std::move(body), limits);
}

absl::StatusOr<std::string> Template::Render(const Variables& variables,
                                             std::function<std::tm()> local_time) const {
  Runtime runtime(limits_, std::move(local_time));
  Interpreter interpreter(runtime);
  for (const auto& [name, json] : variables) {
    ORIEL_ASSIGN_OR_RETURN(Value value, FromJson(runtime.budget, *json));
    interpreter.SetVariable(name, std::move(value));
  }
  absl::StatusOr<std::string> text = interpreter.Render(*body_);
  if (!text.ok()) {
    return AtLine(interpreter.line(), text.status());
  }
  return text;
}

}  // namespace oriel::jinja
