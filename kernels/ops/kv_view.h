#ifndef ORIEL_KERNELS_OPS_KV_VIEW_H_
#define ORIEL_KERNELS_OPS_KV_VIEW_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "kernels/core/half.h"
#include "kernels/core/tensor_view.h"
#include "kernels/formats/head_page_layout.h"
#include "kernels/formats/kv_layer_format.h"

namespace oriel {

using PageId = int32_t;        // a packed page: the same index in every layer's pool
using WindowPageId = int32_t;  // 64 FP16 token rows: the same index in every layer's window pool

inline constexpr int32_t kNoPage = -1;

// The positional view. A query at `position` sees pages 0 … NumPackedPages - 1 packed and every
// later token in FP16; nothing but the position decides.
constexpr int32_t NumPackedPages(int32_t position, int32_t window_tokens) {
  const int32_t pages = position / kPageTokens - window_tokens / kPageTokens;
  return pages > 0 ? pages : 0;
}

// What one layer of the cache is made of. Keys lie in the key basis, values in the value basis of
// `format`.
//
// Shapes (row-major; rows 16-byte aligned)
//   packed_pool        [num_pages, layer_page_bytes]  bytes; head k at format.head_offset[k]
//   window_keys, _values   [num_window_pages, kv_heads, 64, head_dim]  half
//   sink_keys, _values     [num_sequence_slots, kv_heads, sink_tokens, head_dim]  half
//   scratch_keys, _values  [kv_heads, scratch_rows, head_dim]  half; reused by every layer
struct KvLayerStorage {
  const KvLayerFormat* format = nullptr;  // not null; outlives every launch
  TensorView<std::byte, 2> packed_pool;
  TensorView<Half, 4> window_keys;
  TensorView<Half, 4> window_values;
  TensorView<Half, 4> sink_keys;
  TensorView<Half, 4> sink_values;
  TensorView<Half, 3> scratch_keys;
  TensorView<Half, 3> scratch_values;
};

// One sequence's queries in this step and where its cache lies. Query i of the view is row
// `first_row + i` of the step's tokens and stands at `first_position + i`.
//
// Token j of the sequence, for a query at position t:
//   j < sink_tokens              FP16, sink slot `sequence_slot`, row j
//   j < 64 * NumPackedPages(t)   packed, page packed_pages[packed_begin + j / 64]
//   j >= first_position, prompt  FP16, scratch row scratch_row + (j - first_position)
//   else                         FP16, row j % 64 of window page
//                                window_pages[window_begin + j / 64 - first_window_page]
struct KvView {
  int32_t first_row = 0;       // row of the first query among the step's tokens
  int32_t num_queries = 0;     // >= 1; exactly 1 for a decode view
  int32_t first_position = 0;  // position of the first query
  int32_t scratch_row = -1;    // scratch row of the first query; -1 for a decode view
  int32_t sequence_slot = 0;   // row of the sink pool
  // Where the sequence's packed pages begin in packed_pages, page 0 first.
  int32_t packed_begin = 0;
  int32_t window_begin = 0;       // where its window pages begin in window_pages
  int32_t first_window_page = 0;  // page index that window_pages[window_begin] stands for

  constexpr int32_t last_position() const { return first_position + num_queries - 1; }
  constexpr bool is_decode() const { return scratch_row < 0; }
};

// The views of one step, shared by all layers. A window page that no token of this step reads or
// writes (it is sealed straight from the scratch) is kNoPage.
//
// Shapes      views [num_views]; packed_pages, window_pages flat, cut by the views
// Limits      window_tokens a multiple of 64, 0 allowed; 0 <= sink_tokens <= 64.
struct KvStepView {
  TensorView<const KvView, 1> views;
  TensorView<const PageId, 1> packed_pages;
  TensorView<const WindowPageId, 1> window_pages;
  int32_t window_tokens = 0;
  int32_t sink_tokens = 0;
};

// InvalidArgument names the view and field that leave the arrays or the storage. Every back end
// calls it before it touches memory.
absl::Status CheckKvStepView(const KvStepView& step, const KvLayerStorage& storage);

}  // namespace oriel

#endif  // ORIEL_KERNELS_OPS_KV_VIEW_H_
