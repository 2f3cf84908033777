#include "server/admin/cache_geometry.h"

#include <algorithm>

#include "engine/kv_cache/kv_cache.h"
#include "engine/kv_cache/kv_cache_plan.h"
#include "engine/kv_cache/window_pages.h"
#include "kernels/formats/codec.h"

namespace oriel {
namespace {

int32_t SequenceSlots(const EngineStats& stats, const EngineConfig& config) {
  const auto shape = PlanKvCache({.page = stats.page_bytes,
                                  .window_page = stats.window_page_bytes,
                                  .sink_slot = stats.sink_slot_bytes},
                                 config);
  return shape.ok() ? shape->num_sequence_slots : 0;
}

// A sequence keeps its newest tokens in the window whether it is long or short, so what the packed
// pages hold is not all that fits.
int64_t TokensThatFit(const EngineStats& stats, const EngineConfig& config, int32_t slots) {
  // 0: the longest sequence stays in its window.
  const int64_t pages_each = PagesOfLongestSequence(config);
  const int64_t whole =
      pages_each == 0 ? slots : std::min<int64_t>(slots, stats.pages_total / pages_each);
  const int64_t rest_pages = stats.pages_total - whole * pages_each;
  const int64_t rest = whole < slots ? rest_pages * kPageTokens + config.window_tokens : 0;
  return whole * config.max_model_len + std::min<int64_t>(rest, config.max_model_len);
}

}  // namespace

CacheGeometry MakeCacheGeometry(const EngineStats& stats, const EngineConfig& config,
                                const ModelConfig& model) {
  const int64_t token_values = int64_t{2} * model.layers * model.kv_heads * model.head_dim;
  const int32_t slots = SequenceSlots(stats, config);
  CacheGeometry geometry;
  geometry.packed_bytes = stats.pages_total * stats.page_bytes;
  geometry.window_bytes = stats.window_pages_total * stats.window_page_bytes;
  geometry.sink_bytes = slots * stats.sink_slot_bytes;
  geometry.scratch_bytes = stats.scratch_bytes;
  geometry.fp16_token_bytes = 2 * token_values;
  if (token_values > 0) {
    geometry.bits_per_value = 8.0 * static_cast<double>(stats.page_bytes) /
                              static_cast<double>(token_values * kPageTokens);
  }
  geometry.tokens_that_fit = TokensThatFit(stats, config, slots);
  return geometry;
}

// The centre is the keys' own; values have none.
HeadBits StoredBits(const KvLayerFormat& format, int32_t kv_head) {
  const HeadPageLayout layout = format.Layout(kv_head);
  const int32_t key_bytes = layout.key_codes.bytes + layout.key_scales.bytes +
                            layout.key_zeros.bytes + layout.centre.bytes +
                            layout.centre_scale.bytes;
  const double bits_a_byte = 8.0 / (kPageTokens * format.head_dim);
  return {.key = bits_a_byte * key_bytes, .value = bits_a_byte * (layout.bytes - key_bytes)};
}

int64_t SequenceBytes(int64_t tokens, const EngineStats& stats, const EngineConfig& config) {
  const auto length = static_cast<int32_t>(tokens);
  return PackedPagesFor(length, config.window_tokens) * stats.page_bytes +
         WindowPagesPerSequence(config.window_tokens) * stats.window_page_bytes +
         stats.sink_slot_bytes;
}

}  // namespace oriel
