#ifndef ORIEL_SERVER_HTTP_ANSWER_FORMAT_H_
#define ORIEL_SERVER_HTTP_ANSWER_FORMAT_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/generation/choice.h"
#include "server/generation/running_generation.h"
#include "server/json.h"

namespace oriel {

// What is the same in every part of an answer.
struct AnswerHeader {
  std::string request_id;  // "cmpl-" or "chatcmpl-" comes in front
  int64_t created_unix_s = 0;
  std::string model;
  bool return_token_ids = false;
  bool return_tokens_as_token_ids = false;
  bool logprobs = false;
};

// How an interface writes answers. Shapes: OpenAI's, with vLLM's additions.
//
// Threads   all methods are const.
class AnswerFormat {
 public:
  virtual ~AnswerFormat() = default;

  // The chunk that opens a choice; none in interfaces that have none.
  virtual std::optional<Json> FirstChunk(int32_t index) const = 0;

  // One chunk of a stream. `prompt_tokens` is set in a choice's first chunk if ids are wanted.
  virtual Json Chunk(int32_t index, const ChoiceDelta& delta,
                     const std::vector<TokenId>* prompt_tokens) const = 0;

  // One choice of a whole answer.
  virtual Json WholeChoice(int32_t index, const ChoiceDelta& whole,
                           const std::vector<TokenId>& prompt_tokens) const = 0;

  virtual Json WholeAnswer(Json choices, const Usage& usage) const = 0;

  // The chunk without choices that ends a stream with usage.
  virtual Json UsageChunk(const Usage& usage) const = 0;
};

std::unique_ptr<AnswerFormat> MakeCompletionFormat(AnswerHeader header);
std::unique_ptr<AnswerFormat> MakeChatFormat(AnswerHeader header);

Json UsageJson(const Usage& usage);

}  // namespace oriel

#endif  // ORIEL_SERVER_HTTP_ANSWER_FORMAT_H_
