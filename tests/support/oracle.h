#ifndef ORIEL_TESTS_SUPPORT_ORACLE_H_
#define ORIEL_TESTS_SUPPORT_ORACLE_H_

#include <cstdint>
#include <vector>

#include "engine/request/generation_request.h"
#include "engine/request/token_stream.h"
#include "kernels/ops/backend.h"

namespace oriel {

// All events of a request, without pages, batches or chunks.
struct OracleConfig {
  int32_t window_tokens = 0;
  int32_t sink_tokens = 0;
  int32_t vocab = 97;
};

// What the tagged model must answer to a request: the tags of the whole text, computed one position
// after the other in plain arrays, sampled row by row. `backend` samples; penalties and biases are
// recounted from the text for every token.
std::vector<TokenEvent> OracleEvents(const GenerationRequest& request, const OracleConfig& config,
                                     Backend& backend);

}  // namespace oriel

#endif  // ORIEL_TESTS_SUPPORT_ORACLE_H_
