#ifndef ORIEL_ENGINE_EVALUATION_KL_EVALUATION_H_
#define ORIEL_ENGINE_EVALUATION_KL_EVALUATION_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/base/engine_config.h"
#include "engine/base/token_id.h"
#include "engine/model/model.h"
#include "kernels/formats/kv_layer_format.h"
#include "kernels/ops/backend.h"

namespace oriel {

// A text in tokens.
struct KlText {
  std::string name;
  std::vector<TokenId> tokens;
};

struct KlOptions {
  std::vector<KvLayerFormat> formats;  // one a layer: the cache under test
  EngineConfig engine;                 // window, sinks, prefill_chunk_tokens
  int32_t score_from = 2048;           // positions from here to the end are scored
  bool decode = false;  // feed the scored tokens one by one through the decode kernels
  // Called now and then with the tokens done and all tokens; may be empty.
  std::function<void(int64_t done, int64_t total)> progress;
};

// Means over scored positions, of one text or of all texts pooled.
struct KlScores {
  std::string name;
  int64_t scored_tokens = 0;
  double kl_mean = 0.0;               // KL(FP16 pages || pages under test), nats
  double kl_p999 = 0.0;               // its 99.9th percentile
  double perplexity = 0.0;            // with the pages under test
  double perplexity_reference = 0.0;  // with FP16 pages
  double perplexity_ratio = 0.0;
  double top1_agreement = 0.0;  // share of positions with the same most likely token
};

struct KlReport {
  KlScores all;
  std::vector<KlScores> per_text;
  double bits_per_value = 0.0;        // of packed pages
  double bits_per_value_total = 0.0;  // window pages and sinks counted too, at the end of a text
};

// The quality measure: the model reads each text twice, once over FP16 pages and once over the
// pages under test, through the kernels that serve, and the next-token distributions are compared.
//
// Errors      InvalidArgument: a text is empty or not longer than score_from. ResourceExhausted:
//             the caches do not fit.
absl::StatusOr<KlReport> EvaluateKl(Model& model, Backend& backend, const KlOptions& options,
                                    const std::vector<KlText>& texts);

}  // namespace oriel

#endif  // ORIEL_ENGINE_EVALUATION_KL_EVALUATION_H_
