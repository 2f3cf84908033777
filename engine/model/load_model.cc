#include "engine/model/load_model.h"

#include "engine/model/transformer.h"
#include "engine/model/weights.h"
#include "kernels/core/status.h"

namespace oriel {

absl::StatusOr<std::unique_ptr<Model>> LoadModel(const GgufFile& file, Backend& backend,
                                                 int32_t max_step_tokens) {
  ORIEL_ASSIGN_OR_RETURN(ModelConfig config, ReadModelConfig(file));
  ORIEL_ASSIGN_OR_RETURN(ModelWeights weights, LoadWeights(file, config, backend));
  return Transformer::Make(std::move(config), std::move(weights), backend, max_step_tokens);
}

}  // namespace oriel
