#ifndef ORIEL_SERVER_JSON_BODY_H_
#define ORIEL_SERVER_JSON_BODY_H_

#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"
#include "server/json.h"

namespace oriel {

// Reads a request body. It must be one JSON object, in UTF-8, with arrays and objects nested no
// deeper than `depth_max`, no object with more than kJsonMembersMax members, and no more than 32
// times as many members in all. Both are counted before anything is built: what is built is also
// destroyed and printed level by level, and an object that keeps its order compares each new name
// with all it has. InvalidArgument says what is wrong and where reading stopped.
inline constexpr int32_t kJsonMembersMax = 2048;
inline constexpr int32_t kJsonMembersTotalMax = 32 * kJsonMembersMax;

absl::StatusOr<Json> ParseJsonBody(std::string_view body, int32_t depth_max);

// The same for a JSON object that stands as text in a body; `name` ("messages[2].x") begins the
// messages.
absl::StatusOr<Json> ParseJsonText(std::string_view text, int32_t depth_max, std::string_view name);

}  // namespace oriel

#endif  // ORIEL_SERVER_JSON_BODY_H_
