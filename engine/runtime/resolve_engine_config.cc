#include "engine/runtime/resolve_engine_config.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "engine/kv_cache/kv_cache_plan.h"
#include "engine/runtime/available_memory.h"
#include "kernels/core/status.h"

namespace oriel {
namespace {

// Part of the available memory that the cache takes unless told otherwise: weights, activations and
// other programs need the rest.
constexpr int64_t kMemoryShare = 4;

absl::Status ResolveMaxModelLen(const ModelConfig& model, EngineConfig& config) {
  if (config.max_model_len == 0) config.max_model_len = model.context_tokens;
  if (config.max_model_len > model.context_tokens) {
    return absl::InvalidArgumentError(absl::StrCat("max_model_len is ", config.max_model_len,
                                                   ", the model was trained for ",
                                                   model.context_tokens, " tokens"));
  }
  return absl::OkStatus();
}

absl::Status ResolveCacheMemory(const KvUnitBytes& unit_bytes, EngineConfig& config) {
  if (config.kv_cache_memory_bytes > 0) return absl::OkStatus();
  ORIEL_ASSIGN_OR_RETURN(const int64_t available, AvailableMemoryBytes());
  config.kv_cache_memory_bytes =
      std::min(available / kMemoryShare, CacheBytes(unit_bytes, LargestUsefulShape(config)));
  return absl::OkStatus();
}

// The greatest max_model_len that the memory holds one sequence of. A longer one never needs less,
// so halving the range finds it; 1 is left to be refused if nothing fits.
void ShortenMaxModelLen(const KvUnitBytes& unit_bytes, EngineConfig& config) {
  int32_t fits = 1;
  int32_t too_long = config.max_model_len + 1;
  while (too_long - fits > 1) {
    config.max_model_len = fits + (too_long - fits) / 2;
    if (PlanKvCache(unit_bytes, config).ok()) {
      fits = config.max_model_len;
    } else {
      too_long = config.max_model_len;
    }
  }
  config.max_model_len = fits;
}

}  // namespace

absl::StatusOr<std::vector<KvLayerFormat>> MakeUniformFormats(const EngineConfig& config,
                                                              const ModelConfig& model) {
  const std::vector<KvHeadFormat> heads(static_cast<size_t>(std::max(model.kv_heads, 0)),
                                        DefaultHeadFormat(config.key_codec, config.value_codec));
  ORIEL_ASSIGN_OR_RETURN(const KvLayerFormat format, MakeKvLayerFormat(model.head_dim, heads));
  return std::vector<KvLayerFormat>(static_cast<size_t>(model.layers), format);
}

absl::StatusOr<EngineConfig> ResolveEngineConfig(const EngineConfig& config,
                                                 const ModelConfig& model,
                                                 std::span<const KvLayerFormat> formats) {
  ORIEL_RETURN_IF_ERROR(ValidateEngineConfig(config));
  EngineConfig resolved = config;
  ORIEL_RETURN_IF_ERROR(ResolveMaxModelLen(model, resolved));
  const KvUnitBytes unit_bytes = UnitBytesOf(formats, config.sink_tokens);
  ORIEL_RETURN_IF_ERROR(ResolveCacheMemory(unit_bytes, resolved));
  if (config.max_model_len == 0 && !PlanKvCache(unit_bytes, resolved).ok()) {
    ShortenMaxModelLen(unit_bytes, resolved);
  }
  ORIEL_RETURN_IF_ERROR(PlanKvCache(unit_bytes, resolved).status());
  return resolved;
}

}  // namespace oriel
