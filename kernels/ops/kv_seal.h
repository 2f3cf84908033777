#ifndef ORIEL_KERNELS_OPS_KV_SEAL_H_
#define ORIEL_KERNELS_OPS_KV_SEAL_H_

#include <cstdint>

#include "kernels/core/tensor_view.h"
#include "kernels/ops/kv_view.h"

namespace oriel {

// One page to seal. Its first `window_rows` tokens lie in window page `window_page`, the others in
// the scratch from row `scratch_row` on.
struct KvSealItem {
  PageId page = kNoPage;
  WindowPageId window_page = kNoPage;  // kNoPage if window_rows == 0
  int32_t window_rows = 0;             // 0 … 64
  int32_t scratch_row = -1;            // -1 if window_rows == 64
  int32_t num_sinks = 0;  // sinks at the page's start: codes are written, statistics leave them out
};

// Encodes pages of one layer, every KV head with its own codecs: packed_pool[page] becomes the
// bytes that kernels/formats/page_codec.h defines for the 64 rows. A sealed page is never written
// again.
//
// Shapes      items [num_items]
// Limits      each page once in `items`; format.groups == 1.
// Aliasing    none: rows are read from window and scratch, bytes written to the packed pool.
// Stream      enqueued on `stream`, after kv_append of the layer and before its attention.
// Errors      InvalidArgument names the item, its value and its limit.
// Numerics    Bytes are those of kernels/formats/page_codec.h on every back end and instruction
//             set.
// Cost        reads 256 * head_dim bytes a head and page; some 40 operations a value: bound by
//             issue.
// Source      SKVQ (arXiv 2405.06219) for the sliding window; page centre and unbiased scale are
//             ours (kernels/formats/README.md).
struct KvSealArgs {
  TensorView<const KvSealItem, 1> items;
  const KvLayerStorage* storage = nullptr;  // not null
};

}  // namespace oriel

#endif  // ORIEL_KERNELS_OPS_KV_SEAL_H_
