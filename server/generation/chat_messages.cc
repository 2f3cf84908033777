#include "server/generation/chat_messages.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "kernels/core/status.h"
#include "server/error_mapping.h"
#include "server/generation/tool_calls.h"

namespace oriel {
namespace {

constexpr char kRoleNames[] = "system, developer, user, assistant, tool or function";

bool HasKnownRole(const Json& message) {
  constexpr std::array<std::string_view, 6> kRoles = {"system",    "developer", "user",
                                                      "assistant", "tool",      "function"};
  const auto role = message.find("role");
  if (role == message.end() || !role->is_string()) return false;
  return std::find(kRoles.begin(), kRoles.end(), role->get_ref<const std::string&>()) !=
         kRoles.end();
}

// Text parts are joined with line breaks, as vLLM does for templates that expect a string.
absl::StatusOr<std::string> JoinTextParts(std::string_view where, const Json& parts) {
  std::string text;
  for (const Json& part : parts) {
    const Json type = part.is_object() ? part.value("type", Json()) : Json();
    if (type.is_string() && type != "text") {
      return UnsupportedField(where, absl::StrCat(ToAbsl(where), " has a part of type ",
                                                  type.get_ref<const std::string&>().substr(0, 32),
                                                  ", only text is supported"));
    }
    if (type.is_null() || !part.contains("text") || !part["text"].is_string()) {
      return FieldError(where, absl::StrCat(ToAbsl(where),
                                            " has a part that is not "
                                            "{\"type\": \"text\", \"text\": string}"));
    }
    if (!text.empty()) text += '\n';
    text += part["text"].get_ref<const std::string&>();
  }
  return text;
}

// `tool_bytes_left`: what the tool calls of this message and those after it may have.
absl::StatusOr<Json> ReadMessage(size_t index, const Json& source, const ApiLimits& limits,
                                 size_t& tool_bytes_left) {
  const std::string where = absl::StrCat("messages[", index, "]");
  if (!source.is_object()) return FieldError(where, absl::StrCat(where, " must be an object"));
  if (!HasKnownRole(source)) {
    return FieldError(where, absl::StrCat(where, " must have a role: ", kRoleNames));
  }
  Json message = source;
  const std::string content_name = where + ".content";
  const auto content = source.find("content");
  if (content != source.end() && content->is_array()) {
    ORIEL_ASSIGN_OR_RETURN(message["content"], JoinTextParts(content_name, *content));
  } else if (content != source.end() && !content->is_string() && !content->is_null()) {
    return FieldError(content_name,
                      absl::StrCat(content_name, " must be a string, a list of parts, or null"));
  } else if (content == source.end() && !source.contains("tool_calls")) {
    return FieldError(content_name, absl::StrCat(content_name, " is missing"));
  }
  ORIEL_RETURN_IF_ERROR(ParseToolArguments(where, limits, tool_bytes_left, message));
  return message;
}

}  // namespace

absl::StatusOr<Json> ReadChatMessages(const Json& list, const ApiLimits& limits) {
  if (!list.is_array() || list.empty()) {
    return FieldError("messages", "messages must be a list of one message at least");
  }
  if (list.size() > static_cast<size_t>(limits.messages_max)) {
    return FieldError("messages", absl::StrCat("messages has ", list.size(), " entries, at most ",
                                               limits.messages_max, " are allowed"));
  }
  Json messages = Json::array();
  auto tool_bytes_left = static_cast<size_t>(limits.tool_arguments_bytes_max);
  for (size_t i = 0; i < list.size(); ++i) {
    ORIEL_ASSIGN_OR_RETURN(Json message, ReadMessage(i, list[i], limits, tool_bytes_left));
    messages.push_back(std::move(message));
  }
  return messages;
}

}  // namespace oriel
