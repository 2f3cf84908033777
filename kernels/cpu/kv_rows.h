#ifndef ORIEL_KERNELS_CPU_KV_ROWS_H_
#define ORIEL_KERNELS_CPU_KV_ROWS_H_

#include <cstddef>
#include <cstdint>

#include "kernels/ops/kv_view.h"

namespace oriel {

// Where one view's keys and values of one KV head lie: the cases of kv_view.h as pointers.
//
// Invariant  the step has passed CheckKvStepView; rows hold head_dim halves.
class KvRows {
 public:
  struct Row {
    Half* keys = nullptr;
    Half* values = nullptr;
  };

  KvRows(const KvStepView& step, const KvView& view, const KvLayerStorage& storage, int kv_head)
      : step_(&step), view_(&view), storage_(&storage), kv_head_(kv_head) {}

  Row Sink(int32_t token) const {
    return {storage_->sink_keys.row(view_->sequence_slot, kv_head_, token),
            storage_->sink_values.row(view_->sequence_slot, kv_head_, token)};
  }
  Row Scratch(int32_t token) const {
    const int64_t row = view_->scratch_row + (token - view_->first_position);
    return {storage_->scratch_keys.row(kv_head_, row), storage_->scratch_values.row(kv_head_, row)};
  }
  Row Window(int32_t token) const {
    const WindowPageId page =
        step_->window_pages(view_->window_begin + token / kPageTokens - view_->first_window_page);
    const int32_t slot = token % kPageTokens;
    return {storage_->window_keys.row(page, kv_head_, slot),
            storage_->window_values.row(page, kv_head_, slot)};
  }

  // An FP16 token behind the sinks, wherever it lies.
  bool in_scratch(int32_t token) const {
    return !view_->is_decode() && token >= view_->first_position;
  }
  Row Fp16(int32_t token) const { return in_scratch(token) ? Scratch(token) : Window(token); }

  // The head page of the view's packed page `index`.
  const std::byte* Packed(int32_t index) const {
    const PageId page = step_->packed_pages(view_->packed_begin + index);
    return storage_->packed_pool.row(page) +
           storage_->format->head_offset[static_cast<size_t>(kv_head_)];
  }

 private:
  const KvStepView* step_;
  const KvView* view_;
  const KvLayerStorage* storage_;
  int kv_head_;
};

}  // namespace oriel

#endif  // ORIEL_KERNELS_CPU_KV_ROWS_H_
