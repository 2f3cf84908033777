#ifndef ORIEL_SERVER_MODEL_BUNDLE_H_
#define ORIEL_SERVER_MODEL_BUNDLE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "engine/engine.h"
#include "engine/files/gguf_file.h"
#include "kernels/backend_factory.h"
#include "server/model_text.h"

namespace oriel {

// A model with all that serves it.
//
// Lifecycle   members are destroyed from last to first: the engine needs the back end, its model
//             the file.
struct ServedModel {
  std::unique_ptr<GgufFile> file;
  std::unique_ptr<ModelText> text;
  std::unique_ptr<Backend> backend;
  std::unique_ptr<Engine> engine;
  int64_t weight_bytes = 0;
};

// Opens the file, loads the model, and allocates the cache; the engine is not started. `config`
// need not be resolved. Errors name the file.
absl::StatusOr<std::unique_ptr<ServedModel>> LoadServedModel(const std::string& path,
                                                             const EngineConfig& config,
                                                             const BackendOptions& backend);

}  // namespace oriel

#endif  // ORIEL_SERVER_MODEL_BUNDLE_H_
