#include "kernels/cpu/kv_seal.h"

#include <array>
#include <cstring>

#include "kernels/cpu/cpu_ops.h"
#include "kernels/ops/check_kv_args.h"

namespace oriel {
namespace {

using PageRows = std::array<Half, static_cast<size_t>(kPageTokens) * kHeadDimMax>;

// The page's 64 rows side by side: the first from the window, the others from the scratch.
void GatherRows(const KvSealItem& item, int64_t kv_head, const TensorView<Half, 4>& window,
                const TensorView<Half, 3>& scratch, PageRows& rows) {
  const size_t dim = static_cast<size_t>(window.dim(3));
  const size_t window_values = static_cast<size_t>(item.window_rows) * dim;
  if (item.window_rows > 0) {
    std::memcpy(rows.data(), window.row(item.window_page, kv_head, 0),
                window_values * sizeof(Half));
  }
  if (item.window_rows < kPageTokens) {
    std::memcpy(rows.data() + window_values, scratch.row(kv_head, item.scratch_row),
                (kPageTokens * dim - window_values) * sizeof(Half));
  }
}

void SealHead(const KvLayerStorage& storage, const KvSealItem& item, int kv_head) {
  const KvLayerFormat& format = *storage.format;
  PageRows keys;
  PageRows values;
  GatherRows(item, kv_head, storage.window_keys, storage.scratch_keys, keys);
  GatherRows(item, kv_head, storage.window_values, storage.scratch_values, values);
  std::byte* page =
      storage.packed_pool.row(item.page) + format.head_offset[static_cast<size_t>(kv_head)];
  SealHeadPageFast(format, kv_head, keys.data(), values.data(), item.num_sinks, page);
}

}  // namespace

absl::Status CpuKvSeal(const KvSealArgs& args, ThreadPool& pool) {
  ORIEL_RETURN_IF_ERROR(CheckKvSealArgs(args));
  const int64_t kv_heads = args.storage->format->kv_heads;
  pool.ParallelFor(args.items.dim(0) * kv_heads, [&](int64_t item, int32_t) {
    SealHead(*args.storage, args.items(item / kv_heads), static_cast<int>(item % kv_heads));
  });
  return absl::OkStatus();
}

}  // namespace oriel
