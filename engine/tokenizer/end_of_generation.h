#ifndef ORIEL_ENGINE_TOKENIZER_END_OF_GENERATION_H_
#define ORIEL_ENGINE_TOKENIZER_END_OF_GENERATION_H_

#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/base/token_id.h"
#include "engine/files/gguf_metadata.h"
#include "engine/tokenizer/vocabulary.h"

namespace oriel {

// The tokens after which a model has nothing more to say, sorted. A model file names only some of
// them by id (end of text, of turn, of message); the others are known by their text, because a chat
// model ends its turn with <|im_end|> or <|eot_id|> whatever the file calls its end token. A code
// model also ends where it starts another file or repository, or pads an infill.
//
// Source  llama.cpp, llama_vocab::impl::load, so that generations end at the same token.
absl::StatusOr<std::vector<TokenId>> FindEndOfGenerationTokens(const GgufMetadata& metadata,
                                                               const Vocabulary& vocabulary);

// The token that a key such as tokenizer.ggml.eos_token_id names; none if the key is missing.
// Errors: InvalidArgument if the id is not in the vocabulary.
absl::StatusOr<std::optional<TokenId>> FindTokenByKey(const GgufMetadata& metadata,
                                                      const Vocabulary& vocabulary,
                                                      std::string_view key);

}  // namespace oriel

#endif  // ORIEL_ENGINE_TOKENIZER_END_OF_GENERATION_H_
