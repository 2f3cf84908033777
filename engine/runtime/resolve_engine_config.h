#ifndef ORIEL_ENGINE_RUNTIME_RESOLVE_ENGINE_CONFIG_H_
#define ORIEL_ENGINE_RUNTIME_RESOLVE_ENGINE_CONFIG_H_

#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/base/engine_config.h"
#include "engine/model/model_config.h"
#include "kernels/formats/kv_layer_format.h"

namespace oriel {

// The config's two codecs in every layer and head. InvalidArgument: a shape that no format has.
absl::StatusOr<std::vector<KvLayerFormat>> MakeUniformFormats(const EngineConfig& config,
                                                              const ModelConfig& model);

// engine.h's function of the same name, for formats of any kind; one a layer.
absl::StatusOr<EngineConfig> ResolveEngineConfig(const EngineConfig& config,
                                                 const ModelConfig& model,
                                                 std::span<const KvLayerFormat> formats);

}  // namespace oriel

#endif  // ORIEL_ENGINE_RUNTIME_RESOLVE_ENGINE_CONFIG_H_
