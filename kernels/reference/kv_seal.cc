#include "kernels/reference/reference_ops.h"

#include <array>
#include <cstring>
#include <span>

#include "kernels/formats/page_codec.h"
#include "kernels/ops/check_kv_args.h"

namespace oriel {
namespace {

using PageRows = std::array<Half, static_cast<size_t>(kPageTokens) * kHeadDimMax>;

// The page's 64 rows side by side: the first from the window, the others from the scratch.
void GatherRows(const KvSealItem& item, int64_t kv_head, const TensorView<Half, 4>& window,
                const TensorView<Half, 3>& scratch, PageRows& rows) {
  const size_t dim = static_cast<size_t>(window.dim(3));
  for (int32_t token = 0; token < kPageTokens; ++token) {
    const Half* row = token < item.window_rows
                          ? window.row(item.window_page, kv_head, token)
                          : scratch.row(kv_head, item.scratch_row + token - item.window_rows);
    std::memcpy(rows.data() + static_cast<size_t>(token) * dim, row, dim * sizeof(Half));
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
  SealHeadPage(format, kv_head, {keys.data(), {kPageTokens, format.head_dim}},
               {values.data(), {kPageTokens, format.head_dim}}, item.num_sinks,
               {page, static_cast<size_t>(format.Layout(kv_head).bytes)});
}

}  // namespace

absl::Status ReferenceKvSeal(const KvSealArgs& args) {
  ORIEL_RETURN_IF_ERROR(CheckKvSealArgs(args));
  for (int64_t i = 0; i < args.items.dim(0); ++i) {
    for (int head = 0; head < args.storage->format->kv_heads; ++head) {
      SealHead(*args.storage, args.items(i), head);
    }
  }
  return absl::OkStatus();
}

}  // namespace oriel
