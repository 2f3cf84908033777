#include "engine/kv_cache/kv_cache_plan.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "engine/kv_cache/kv_cache.h"
#include "engine/kv_cache/window_pages.h"
#include "kernels/core/check.h"

namespace oriel {
namespace {

// Everything but the packed pages, for `num_sequences` at once.
KvStorageShape ShapeWithoutPages(const EngineConfig& config, int32_t num_sequences) {
  const int32_t own = num_sequences * WindowPagesPerSequence(config.window_tokens);
  const int32_t shared =
      SharedWindowPages(config.prefill_chunk_tokens, config.window_tokens, num_sequences);
  return {.num_pages = 0,
          .num_window_pages = own + shared,
          .num_sequence_slots = num_sequences,
          .sink_tokens = config.sink_tokens,
          .scratch_rows = config.prefill_chunk_tokens};
}

int32_t UsefulPages(const EngineConfig& config, int32_t num_sequences) {
  const int64_t pages = int64_t{num_sequences} * PagesOfLongestSequence(config);
  return static_cast<int32_t>(std::min<int64_t>(pages, INT32_MAX));
}

absl::Status TooSmall(const KvUnitBytes& unit_bytes, const EngineConfig& config) {
  KvStorageShape least = ShapeWithoutPages(config, 1);
  least.num_pages = PagesOfLongestSequence(config);
  return absl::ResourceExhaustedError(absl::StrCat(
      "kv_cache_memory_bytes is ", config.kv_cache_memory_bytes, ", one sequence of max_model_len ",
      config.max_model_len, " needs ", CacheBytes(unit_bytes, least), ": ", least.num_pages,
      " packed pages of ", unit_bytes.page, " bytes, ", least.num_window_pages, " window pages of ",
      unit_bytes.window_page, " and sinks of ", unit_bytes.sink_slot));
}

}  // namespace

KvCacheCounts CountsOf(const EngineConfig& config, const KvStorageShape& shape) {
  return {.num_pages = shape.num_pages,
          .num_window_pages = shape.num_window_pages,
          .num_sequence_slots = shape.num_sequence_slots,
          .window_tokens = config.window_tokens,
          .sink_tokens = config.sink_tokens,
          .prefill_chunk_tokens = config.prefill_chunk_tokens};
}

int32_t PagesOfLongestSequence(const EngineConfig& config) {
  return PackedPagesFor(config.max_model_len, config.window_tokens);
}

int64_t CacheBytes(const KvUnitBytes& unit_bytes, const KvStorageShape& shape) {
  return unit_bytes.page * shape.num_pages + unit_bytes.window_page * shape.num_window_pages +
         unit_bytes.sink_slot * shape.num_sequence_slots;
}

KvStorageShape LargestUsefulShape(const EngineConfig& config) {
  KvStorageShape shape = ShapeWithoutPages(config, config.max_num_seqs);
  shape.num_pages = UsefulPages(config, config.max_num_seqs);
  return shape;
}

absl::StatusOr<KvStorageShape> PlanKvCache(const KvUnitBytes& unit_bytes,
                                           const EngineConfig& config) {
  ORIEL_CHECK(config.max_model_len > 0 && unit_bytes.page > 0);
  for (int32_t num_sequences = config.max_num_seqs; num_sequences >= 1; --num_sequences) {
    KvStorageShape shape = ShapeWithoutPages(config, num_sequences);
    const int64_t rest = config.kv_cache_memory_bytes - CacheBytes(unit_bytes, shape);
    if (rest < 0) continue;
    shape.num_pages = static_cast<int32_t>(
        std::min<int64_t>(rest / unit_bytes.page, UsefulPages(config, num_sequences)));
    if (shape.num_pages >= PagesOfLongestSequence(config)) return shape;
  }
  return TooSmall(unit_bytes, config);
}

}  // namespace oriel
