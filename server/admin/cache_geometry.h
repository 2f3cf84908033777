#ifndef ORIEL_SERVER_ADMIN_CACHE_GEOMETRY_H_
#define ORIEL_SERVER_ADMIN_CACHE_GEOMETRY_H_

#include <cstdint>

#include "engine/base/engine_config.h"
#include "engine/engine.h"
#include "engine/model/model_config.h"

namespace oriel {

// What the cache costs, from the sizes that were really allocated.
struct CacheGeometry {
  int64_t packed_bytes = 0;   // all packed pages
  int64_t window_bytes = 0;   // all FP16 window pages
  int64_t sink_bytes = 0;     // all sink slots
  int64_t scratch_bytes = 0;  // one step's prompt rows
  int64_t fp16_token_bytes = 0;
  double bits_per_value = 0;    // of a packed page, scales and centre included
  int64_t tokens_that_fit = 0;  // of sequences of max_model_len each, until pages or slots run out

  int64_t total_bytes() const { return packed_bytes + window_bytes + sink_bytes + scratch_bytes; }
};

CacheGeometry MakeCacheGeometry(const EngineStats& stats, const EngineConfig& config,
                                const ModelConfig& model);

// Stored bits a value of each half of a packed head page, scales, zeros and centre included.
struct HeadBits {
  double key = 0;
  double value = 0;
};

HeadBits StoredBits(const KvLayerFormat& format, int32_t kv_head);

// Bytes of one sequence of `tokens` tokens: its packed pages, its window's share of FP16 pages, and
// its sinks.
int64_t SequenceBytes(int64_t tokens, const EngineStats& stats, const EngineConfig& config);

}  // namespace oriel

#endif  // ORIEL_SERVER_ADMIN_CACHE_GEOMETRY_H_
