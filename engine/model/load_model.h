#ifndef ORIEL_ENGINE_MODEL_LOAD_MODEL_H_
#define ORIEL_ENGINE_MODEL_LOAD_MODEL_H_

#include <memory>

#include "absl/status/statusor.h"
#include "engine/files/gguf_file.h"
#include "engine/model/model.h"
#include "kernels/ops/backend.h"

namespace oriel {

// Makes the model that the file holds, for steps of at most `max_step_tokens` tokens. `file` and
// `backend` outlive it.
// Errors: those of ReadModelConfig and LoadWeights; ResourceExhausted when activations do not fit.
absl::StatusOr<std::unique_ptr<Model>> LoadModel(const GgufFile& file, Backend& backend,
                                                 int32_t max_step_tokens);

}  // namespace oriel

#endif  // ORIEL_ENGINE_MODEL_LOAD_MODEL_H_
