#ifndef ORIEL_SERVER_GENERATION_CHAT_MESSAGES_H_
#define ORIEL_SERVER_GENERATION_CHAT_MESSAGES_H_

#include "absl/status/statusor.h"
#include "server/config/server_config.h"
#include "server/json.h"

namespace oriel {

// Checks the messages of a chat and brings them into the form that a template sees: objects with a
// known role that keep all their fields, content given in text parts joined to one string,
// arguments of tool calls as objects. Errors: InvalidArgument that names the message
// ("messages[3].content").
absl::StatusOr<Json> ReadChatMessages(const Json& list, const ApiLimits& limits);

}  // namespace oriel

#endif  // ORIEL_SERVER_GENERATION_CHAT_MESSAGES_H_
