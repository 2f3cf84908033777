#include "server/generation/tool_calls.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "kernels/core/status.h"
#include "server/error_mapping.h"
#include "server/json_body.h"

namespace oriel {
namespace {

absl::Status ParseArguments(const std::string& name, const ApiLimits& limits, size_t& bytes_left,
                            Json& arguments) {
  if (arguments.is_object()) return absl::OkStatus();
  if (!arguments.is_string()) {
    return FieldError(
        name, absl::StrCat(name, " must be JSON text or an object, it is ", arguments.type_name()));
  }
  const auto& text = arguments.get_ref<const std::string&>();
  if (text.size() > bytes_left) {
    return FieldError(name, absl::StrCat(name, " takes the arguments of all tool calls beyond ",
                                         limits.tool_arguments_bytes_max,
                                         " bytes, the most that they may have together"));
  }
  bytes_left -= text.size();
  Json object = Json::object();
  if (!text.empty()) {
    auto parsed = ParseJsonText(text, limits.json_depth_max, name);
    if (!parsed.ok()) return WithErrorParam(parsed.status(), name);
    object = *std::move(parsed);
  }
  arguments = std::move(object);
  return absl::OkStatus();
}

absl::Status ParseCall(const std::string& name, const ApiLimits& limits, size_t& bytes_left,
                       Json& call) {
  const std::string function_name = name + ".function";
  if (!call.is_object() || !call.contains("function") || !call["function"].is_object()) {
    return FieldError(function_name, absl::StrCat(function_name, " must be an object"));
  }
  Json& function = call["function"];
  if (!function.contains("name") || !function["name"].is_string()) {
    return FieldError(function_name + ".name",
                      absl::StrCat(function_name, ".name must be a string"));
  }
  Json& arguments = function["arguments"];
  if (arguments.is_null()) arguments = Json::object();
  return ParseArguments(function_name + ".arguments", limits, bytes_left, arguments);
}

}  // namespace

absl::Status ParseToolArguments(std::string_view where, const ApiLimits& limits, size_t& bytes_left,
                                Json& message) {
  const auto calls = message.find("tool_calls");
  if (calls == message.end() || calls->is_null()) return absl::OkStatus();
  const std::string name = absl::StrCat(ToAbsl(where), ".tool_calls");
  if (!calls->is_array()) return FieldError(name, absl::StrCat(name, " must be a list"));
  for (size_t i = 0; i < calls->size(); ++i) {
    ORIEL_RETURN_IF_ERROR(
        ParseCall(absl::StrCat(name, "[", i, "]"), limits, bytes_left, (*calls)[i]));
  }
  return absl::OkStatus();
}

}  // namespace oriel
