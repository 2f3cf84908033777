#ifndef ORIEL_SERVER_HTTP_OPENAI_FIELDS_H_
#define ORIEL_SERVER_HTTP_OPENAI_FIELDS_H_

#include "server/config/server_config.h"
#include "server/generation/completion_request.h"
#include "server/http/field_reader.h"

namespace oriel {

// The pieces that the parsers of openai_api.h and tokenize_api.h share. Each reads its fields
// through the reader and leaves a fault there.

// Everything of GenerationOptions but `num_logprobs` and `ignored_fields`.
void ReadGenerationOptions(FieldReader& reader, GenerationOptions& options);

// messages, tools, tool_choice, chat_template_kwargs, reasoning_effort, add_generation_prompt.
void ReadChatInput(FieldReader& reader, const ApiLimits& limits, ChatInput& chat);

// Refuses fields that we know and do not have, unless their value asks for nothing.
void RefuseUnsupportedFields(FieldReader& reader);

// Marks fields as known that change nothing here: user, metadata, store and their like.
void AcceptFieldsWithoutEffect(FieldReader& reader);

}  // namespace oriel

#endif  // ORIEL_SERVER_HTTP_OPENAI_FIELDS_H_
