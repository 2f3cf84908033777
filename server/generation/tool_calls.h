#ifndef ORIEL_SERVER_GENERATION_TOOL_CALLS_H_
#define ORIEL_SERVER_GENERATION_TOOL_CALLS_H_

#include <cstddef>
#include <string_view>

#include "absl/status/status.h"
#include "server/config/server_config.h"
#include "server/json.h"

namespace oriel {

// Earlier tool calls of a chat carry their arguments as JSON text; chat templates walk through an
// object. Puts the object in the place of the text in every entry of `message["tool_calls"]`;
// arguments that are an object already stay, and empty text is an empty object.
//
// `where` ("messages[3]") begins the messages. `bytes_left` is what the arguments of the request
// may still have of ApiLimits::tool_arguments_bytes_max. InvalidArgument: a list, a
// call, a function or arguments of another shape, text that is not a JSON object, or
// more text than is left.
absl::Status ParseToolArguments(std::string_view where, const ApiLimits& limits, size_t& bytes_left,
                                Json& message);

}  // namespace oriel

#endif  // ORIEL_SERVER_GENERATION_TOOL_CALLS_H_
