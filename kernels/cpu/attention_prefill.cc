#include "kernels/cpu/attention_prefill.h"

#include <algorithm>
#include <type_traits>
#include <vector>

#include "kernels/cpu/cpu_ops.h"

namespace oriel {
namespace {

// The tiles of all views for one KV head, those that see most last.
void ListTiles(const KvStepView& step, int32_t tile_tokens, std::vector<PrefillTile>& tiles) {
  tiles.clear();
  for (int64_t i = 0; i < step.views.dim(0); ++i) {
    const KvView& view = step.views(i);
    const int32_t end = view.first_position + view.num_queries;
    for (int32_t first = view.first_position; first < end;) {
      const int32_t next = std::min(end, (first / tile_tokens + 1) * tile_tokens);
      tiles.push_back({.view = &view, .first_position = first, .end_position = next});
      first = next;
    }
  }
  std::sort(tiles.begin(), tiles.end(), [](const PrefillTile& a, const PrefillTile& b) {
    return a.end_position < b.end_position;
  });
}

// Large tiles unpack a page less often; small ones keep all threads busy. A row's result
// is the same in any tile.
int32_t ChooseTileTokens(const KvStepView& step, int64_t heads, int64_t kv_heads, int32_t threads) {
  constexpr int64_t kItemsPerThread = 4;
  int64_t tokens = 0;
  for (int64_t i = 0; i < step.views.dim(0); ++i) tokens += step.views(i).num_queries;
  int32_t tile_tokens = TileTokensMax(heads);
  while (tile_tokens > kTileTokensMin &&
         tokens / tile_tokens * kv_heads < kItemsPerThread * threads) {
    tile_tokens /= 2;
  }
  return tile_tokens;
}

}  // namespace

absl::Status CpuAttentionPrefill(const AttentionPrefillArgs& args, ThreadPool& pool) {
  ORIEL_RETURN_IF_ERROR(CheckAttentionArgs(args, StepKind::kPrefill));
  const int64_t kv_heads = args.storage->format->kv_heads;
  thread_local std::vector<PrefillTile> tiles;
  const int64_t heads = args.queries.dim(1) / kv_heads;
  ListTiles(*args.step, ChooseTileTokens(*args.step, heads, kv_heads, pool.threads()), tiles);
  // The caller's list: a thread-local name would mean another list in each worker.
  const std::vector<PrefillTile>& list = tiles;
  const int64_t num_tiles = static_cast<int64_t>(list.size());
  // Dear tiles go first, so that the last ones to be taken are small.
  static_assert(std::is_trivially_default_constructible_v<PrefillWorkspace>);
  auto* workspaces = reinterpret_cast<PrefillWorkspace*>(
      pool.Scratch(static_cast<size_t>(pool.threads()) * sizeof(PrefillWorkspace)));
  pool.ParallelFor(num_tiles * kv_heads, [&](int64_t item, int32_t worker) {
    PrefillTile tile = list[static_cast<size_t>(num_tiles - 1 - item / kv_heads)];
    tile.args = &args;
    tile.kv_head = static_cast<int>(item % kv_heads);
    AttendPrefillTile(tile, workspaces[worker]);
  });
  return absl::OkStatus();
}

}  // namespace oriel
