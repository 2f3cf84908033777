#ifndef ORIEL_ENGINE_KV_CACHE_KV_CACHE_PLAN_H_
#define ORIEL_ENGINE_KV_CACHE_KV_CACHE_PLAN_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "engine/base/engine_config.h"
#include "engine/kv_cache/kv_cache.h"
#include "engine/kv_cache/kv_storage.h"

namespace oriel {

// What pools and stagers share out of a storage of this shape.
KvCacheCounts CountsOf(const EngineConfig& config, const KvStorageShape& shape);

// Packed pages of a sequence whose cache holds max_model_len tokens.
int32_t PagesOfLongestSequence(const EngineConfig& config);

// Bytes of packed pages, window pages and sinks of this shape: what kv_cache_memory_bytes limits.
int64_t CacheBytes(const KvUnitBytes& unit_bytes, const KvStorageShape& shape);

// What max_num_seqs sequences of max_model_len tokens need: more would never be used.
KvStorageShape LargestUsefulShape(const EngineConfig& config);

// Shares `config.kv_cache_memory_bytes` out. Window pages and sinks for as many sequences as
// possible come first, because short sequences live in them alone; but one sequence of
// max_model_len must always fit, so that no valid request waits for ever. The rest becomes packed
// pages.
//
// Limits      config is valid, max_model_len and kv_cache_memory_bytes are resolved (> 0).
// Errors      ResourceExhausted if one sequence does not fit, with the arithmetic.
absl::StatusOr<KvStorageShape> PlanKvCache(const KvUnitBytes& unit_bytes,
                                           const EngineConfig& config);

}  // namespace oriel

#endif  // ORIEL_ENGINE_KV_CACHE_KV_CACHE_PLAN_H_
