#include "kernels/ops/kv_view.h"

#include "absl/strings/str_cat.h"
#include "kernels/core/status.h"

namespace oriel {
namespace {

absl::Status Bad(int64_t view, const char* field, int64_t value, int64_t limit) {
  return absl::InvalidArgumentError(
      absl::StrCat("view ", view, ": ", field, " is ", value, ", the limit is ", limit));
}

absl::Status CheckWindowPages(const KvStepView& step, const KvLayerStorage& storage,
                              int64_t index) {
  const KvView& view = step.views(index);
  const int32_t last_page = view.last_position() / kPageTokens;
  const int64_t end = view.window_begin + last_page - view.first_window_page + 1;
  if (view.window_begin < 0 || end > step.window_pages.dim(0)) {
    return Bad(index, "window end", end, step.window_pages.dim(0));
  }
  for (int64_t i = view.window_begin; i < end; ++i) {
    const WindowPageId page = step.window_pages(i);
    if (page < kNoPage || page >= storage.window_keys.dim(0)) {
      return Bad(index, "window page", page, storage.window_keys.dim(0));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckPackedPages(const KvStepView& step, const KvLayerStorage& storage,
                              int64_t index) {
  const KvView& view = step.views(index);
  const int64_t count = NumPackedPages(view.last_position(), step.window_tokens);
  const int64_t end = view.packed_begin + count;
  if (view.packed_begin < 0 || end > step.packed_pages.dim(0)) {
    return Bad(index, "packed end", end, step.packed_pages.dim(0));
  }
  for (int64_t i = view.packed_begin; i < end; ++i) {
    const PageId page = step.packed_pages(i);
    if (page < 0 || page >= storage.packed_pool.dim(0)) {
      return Bad(index, "packed page", page, storage.packed_pool.dim(0));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckKvStepView(const KvStepView& step, const KvLayerStorage& storage) {
  if (step.window_tokens < 0 || step.window_tokens % kPageTokens != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("window_tokens is ", step.window_tokens, ", not a multiple of 64"));
  }
  if (step.sink_tokens < 0 || step.sink_tokens > kPageTokens) {
    return absl::InvalidArgumentError(
        absl::StrCat("sink_tokens is ", step.sink_tokens, ", the limit is 64"));
  }
  for (int64_t i = 0; i < step.views.dim(0); ++i) {
    const KvView& view = step.views(i);
    if (view.num_queries < 1 || view.first_position < 0) {
      return Bad(i, "num_queries", view.num_queries, 1);
    }
    if (view.is_decode() && view.num_queries != 1) {
      return Bad(i, "num_queries of a decode view", view.num_queries, 1);
    }
    const int64_t scratch_end = view.is_decode() ? 0 : view.scratch_row + view.num_queries;
    if (scratch_end > storage.scratch_keys.dim(1)) {
      return Bad(i, "scratch end", scratch_end, storage.scratch_keys.dim(1));
    }
    if (step.sink_tokens > 0 &&
        (view.sequence_slot < 0 || view.sequence_slot >= storage.sink_keys.dim(0))) {
      return Bad(i, "sequence_slot", view.sequence_slot, storage.sink_keys.dim(0));
    }
    ORIEL_RETURN_IF_ERROR(CheckPackedPages(step, storage, i));
    ORIEL_RETURN_IF_ERROR(CheckWindowPages(step, storage, i));
  }
  return absl::OkStatus();
}

}  // namespace oriel
