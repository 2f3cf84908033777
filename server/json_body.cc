#include "server/json_body.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "kernels/core/status.h"

namespace oriel {
namespace {

// Sizes of a JSON text, found without building anything. Text that is not JSON gets some numbers;
// the parser refuses it afterwards.
struct JsonShape {
  int32_t depth = 0;
  int32_t members = 0;         // of all objects together
  int32_t members_of_one = 0;  // of the largest object
};

// A colon outside of strings is a member. `open` counts those of the containers that are open, so
// its size is the depth, and reading stops where that passes the limit.
JsonShape MeasureJson(std::string_view text, int32_t depth_max) {
  JsonShape shape;
  std::vector<int32_t> open;
  bool in_string = false;
  for (size_t i = 0; i < text.size() && shape.depth <= depth_max; ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      in_string = c != '"';
      continue;
    }
    in_string = c == '"';
    if (c == '[' || c == '{') open.push_back(0);
    if ((c == ']' || c == '}') && !open.empty()) open.pop_back();
    shape.depth = std::max(shape.depth, static_cast<int32_t>(open.size()));
    if (c != ':' || open.empty()) continue;
    shape.members_of_one = std::max(shape.members_of_one, ++open.back());
    ++shape.members;
  }
  return shape;
}

absl::Status CheckShape(const JsonShape& shape, int32_t depth_max, absl::string_view name) {
  if (shape.depth > depth_max) {
    return absl::InvalidArgumentError(absl::StrCat(name, " is nested more than ", depth_max,
                                                   " levels deep, the most that is allowed"));
  }
  if (shape.members_of_one > kJsonMembersMax) {
    return absl::InvalidArgumentError(absl::StrCat(name, " has an object of ", shape.members_of_one,
                                                   " members, at most ", kJsonMembersMax,
                                                   " are allowed"));
  }
  if (shape.members > kJsonMembersTotalMax) {
    return absl::InvalidArgumentError(absl::StrCat(name, " has objects of ", shape.members,
                                                   " members together, at most ",
                                                   kJsonMembersTotalMax, " are allowed"));
  }
  return absl::OkStatus();
}

// nlohmann's messages start with an id in brackets that tells a client nothing.
// They quote what could not be read, which may be long.
absl::string_view WithoutId(absl::string_view message) {
  constexpr size_t kMessageBytesMax = 300;
  const size_t bracket = message.find("] ");
  if (bracket != message.npos) message.remove_prefix(bracket + 2);
  return message.substr(0, kMessageBytesMax);
}

}  // namespace

absl::StatusOr<Json> ParseJsonBody(std::string_view body, int32_t depth_max) {
  if (body.empty()) {
    return absl::InvalidArgumentError("the request has no body; it must be a JSON object");
  }
  return ParseJsonText(body, depth_max, "the body");
}

absl::StatusOr<Json> ParseJsonText(std::string_view text, int32_t depth_max,
                                   std::string_view name) {
  ORIEL_RETURN_IF_ERROR(CheckShape(MeasureJson(text, depth_max), depth_max, ToAbsl(name)));
  // The library reports by exceptions; none leaves this function.
  try {
    Json value = Json::parse(text.begin(), text.end());
    if (!value.is_object()) {
      return absl::InvalidArgumentError(
          absl::StrCat(ToAbsl(name), " must be a JSON object, it is ", value.type_name()));
    }
    return value;
  } catch (const nlohmann::json::exception& error) {
    return absl::InvalidArgumentError(
        absl::StrCat(ToAbsl(name), " is not valid JSON: ", WithoutId(error.what())));
  }
}

}  // namespace oriel
