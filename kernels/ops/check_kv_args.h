#ifndef ORIEL_KERNELS_OPS_CHECK_KV_ARGS_H_
#define ORIEL_KERNELS_OPS_CHECK_KV_ARGS_H_

#include <array>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "kernels/core/status.h"
#include "kernels/ops/attention.h"
#include "kernels/ops/kv_append.h"
#include "kernels/ops/kv_seal.h"
#include "kernels/ops/kv_view.h"

namespace oriel {

// Argument checks that every back end makes before it touches memory, so that all refuse the same
// arguments with the same words. Errors: InvalidArgument names the field, its value and its limit.

inline constexpr int64_t kQueryHeadsPerKvHeadMax = 16;
inline constexpr int64_t kStepViewsMax = 4096;

enum class StepKind : uint8_t { kDecode, kPrefill, kMixed };

namespace check_kv_args_internal {

template <typename T, size_t kRank>
absl::Status CheckShape(const char* field, const TensorView<T, static_cast<int>(kRank)>& view,
                        const std::array<int64_t, kRank>& wanted) {
  if (view.shape == wanted) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(field, " has shape [",
                                                 absl::StrJoin(view.shape, ", "), "], it must be [",
                                                 absl::StrJoin(wanted, ", "), "]"));
}

inline absl::Status Bad(const char* field, int64_t value, const char* limit) {
  return absl::InvalidArgumentError(absl::StrCat(field, " is ", value, ", the limit is ", limit));
}

}  // namespace check_kv_args_internal

// The format is one the kernels serve and every pool has its shape.
inline absl::Status CheckKvLayerStorage(const KvLayerStorage* storage, int64_t sink_tokens) {
  namespace internal = check_kv_args_internal;
  if (storage == nullptr || storage->format == nullptr) {
    return absl::InvalidArgumentError("storage or its format is null");
  }
  const KvLayerFormat& format = *storage->format;
  if (!IsSupportedHeadDim(format.head_dim)) {
    return internal::Bad("head_dim", format.head_dim, "64 or 128");
  }
  if (format.kv_heads < 1 || format.kv_heads > kMaxKvHeads) {
    return internal::Bad("kv_heads", format.kv_heads, "1 to 128");
  }
  if (format.groups != 1) return internal::Bad("format.groups", format.groups, "1");
  const int64_t heads = format.kv_heads;
  const int64_t dim = format.head_dim;
  const KvLayerStorage& s = *storage;
  ORIEL_RETURN_IF_ERROR((internal::CheckShape<std::byte, 2>(
      "packed_pool", s.packed_pool, {s.packed_pool.dim(0), format.layer_page_bytes})));
  const std::array<int64_t, 4> window = {s.window_keys.dim(0), heads, kPageTokens, dim};
  ORIEL_RETURN_IF_ERROR((internal::CheckShape<Half, 4>("window_keys", s.window_keys, window)));
  ORIEL_RETURN_IF_ERROR((internal::CheckShape<Half, 4>("window_values", s.window_values, window)));
  const std::array<int64_t, 3> scratch = {heads, s.scratch_keys.dim(1), dim};
  if (s.scratch_keys.dim(1) > 0) {
    ORIEL_RETURN_IF_ERROR((internal::CheckShape<Half, 3>("scratch_keys", s.scratch_keys, scratch)));
    ORIEL_RETURN_IF_ERROR(
        (internal::CheckShape<Half, 3>("scratch_values", s.scratch_values, scratch)));
  }
  if (sink_tokens == 0) return absl::OkStatus();
  const std::array<int64_t, 4> sinks = {s.sink_keys.dim(0), heads, sink_tokens, dim};
  ORIEL_RETURN_IF_ERROR((internal::CheckShape<Half, 4>("sink_keys", s.sink_keys, sinks)));
  return internal::CheckShape<Half, 4>("sink_values", s.sink_values, sinks);
}

// The step fits the storage and its views lie in the step's `tokens` rows.
inline absl::Status CheckStep(const KvStepView* step, const KvLayerStorage* storage, int64_t tokens,
                              StepKind kind) {
  namespace internal = check_kv_args_internal;
  if (step == nullptr) return absl::InvalidArgumentError("step is null");
  ORIEL_RETURN_IF_ERROR(CheckKvLayerStorage(storage, step->sink_tokens));
  if (step->views.dim(0) > kStepViewsMax) {
    return internal::Bad("number of views", step->views.dim(0), "4096");
  }
  ORIEL_RETURN_IF_ERROR(CheckKvStepView(*step, *storage));
  for (int64_t i = 0; i < step->views.dim(0); ++i) {
    const KvView& view = step->views(i);
    if (view.first_row < 0 || view.first_row + view.num_queries > tokens) {
      return absl::InvalidArgumentError(absl::StrCat("view ", i, ": rows ", view.first_row, " to ",
                                                     view.first_row + view.num_queries,
                                                     ", the limit is ", tokens));
    }
    const bool wanted = kind == StepKind::kMixed || (kind == StepKind::kDecode) == view.is_decode();
    if (!wanted) {
      return absl::InvalidArgumentError(
          absl::StrCat("view ", i, ": scratch_row is ", view.scratch_row, ", the op serves ",
                       kind == StepKind::kDecode ? "decode" : "prompt", " views"));
    }
  }
  return absl::OkStatus();
}

inline absl::Status CheckQueryHeads(int64_t q_heads, int64_t kv_heads) {
  if (q_heads < kv_heads || q_heads % kv_heads != 0 ||
      q_heads / kv_heads > kQueryHeadsPerKvHeadMax) {
    return absl::InvalidArgumentError(absl::StrCat("q_heads is ", q_heads, ", the limit is 1 to ",
                                                   kQueryHeadsPerKvHeadMax, " times kv_heads, ",
                                                   kv_heads));
  }
  return absl::OkStatus();
}

// Window pages that queries read FP16 tokens from are there.
inline absl::Status CheckWindowSources(const KvStepView& step) {
  for (int64_t i = 0; i < step.views.dim(0); ++i) {
    const KvView& view = step.views(i);
    // Pages of sinks alone are read from the sink slots, and a prompt's own tokens
    // from the scratch.
    const int32_t last_token = view.is_decode() ? view.first_position : view.first_position - 1;
    const int32_t first_packed = NumPackedPages(view.first_position, step.window_tokens);
    const int32_t first_behind_sinks = step.sink_tokens / kPageTokens;
    int32_t page = first_packed > first_behind_sinks ? first_packed : first_behind_sinks;
    for (; page * kPageTokens <= last_token; ++page) {
      if (page < view.first_window_page ||
          step.window_pages(view.window_begin + page - view.first_window_page) == kNoPage) {
        return absl::InvalidArgumentError(
            absl::StrCat("view ", i, ": page ", page, " is read in FP16 and has no window page"));
      }
    }
  }
  return absl::OkStatus();
}

inline absl::Status CheckAttentionArgs(const AttentionArgs& args, StepKind kind) {
  namespace internal = check_kv_args_internal;
  const int64_t tokens = args.queries.dim(0);
  ORIEL_RETURN_IF_ERROR(CheckStep(args.step, args.storage, tokens, kind));
  ORIEL_RETURN_IF_ERROR(CheckWindowSources(*args.step));
  const KvLayerFormat& format = *args.storage->format;
  ORIEL_RETURN_IF_ERROR(CheckQueryHeads(args.queries.dim(1), format.kv_heads));
  const std::array<int64_t, 3> shape = {tokens, args.queries.dim(1), format.head_dim};
  ORIEL_RETURN_IF_ERROR((internal::CheckShape<const float, 3>("queries", args.queries, shape)));
  return internal::CheckShape<float, 3>("out", args.out, shape);
}

// Tokens that outlive the step need a window page to be written to.
inline absl::Status CheckWindowTargets(const KvStepView& step) {
  for (int64_t i = 0; i < step.views.dim(0); ++i) {
    const KvView& view = step.views(i);
    const int32_t first_kept = NumPackedPages(view.last_position(), step.window_tokens);
    const int32_t first_written = view.first_position / kPageTokens;
    const int32_t last = view.last_position() / kPageTokens;
    for (int32_t page = first_kept > first_written ? first_kept : first_written; page <= last;
         ++page) {
      if (page < view.first_window_page ||
          step.window_pages(view.window_begin + page - view.first_window_page) == kNoPage) {
        return absl::InvalidArgumentError(
            absl::StrCat("view ", i, ": page ", page, " outlives the step and has no window page"));
      }
    }
  }
  return absl::OkStatus();
}

inline absl::Status CheckKvAppendArgs(const KvAppendArgs& args) {
  namespace internal = check_kv_args_internal;
  const int64_t tokens = args.qkv.dim(0);
  ORIEL_RETURN_IF_ERROR(CheckStep(args.step, args.storage, tokens, StepKind::kMixed));
  ORIEL_RETURN_IF_ERROR(CheckWindowTargets(*args.step));
  const KvLayerFormat& format = *args.storage->format;
  const int64_t q_heads = args.queries.dim(1);
  ORIEL_RETURN_IF_ERROR(CheckQueryHeads(q_heads, format.kv_heads));
  const int64_t dim = format.head_dim;
  const int64_t row = (q_heads + 2 * format.kv_heads) * dim;
  ORIEL_RETURN_IF_ERROR((internal::CheckShape<const float, 2>("qkv", args.qkv, {tokens, row})));
  ORIEL_RETURN_IF_ERROR(
      (internal::CheckShape<float, 3>("queries", args.queries, {tokens, q_heads, dim})));
  const int64_t pairs = args.cosines.dim(1);
  if (2 * pairs > dim) return internal::Bad("rotary pairs", pairs, "head_dim / 2");
  const std::array<int64_t, 2> angles = {tokens, pairs};
  ORIEL_RETURN_IF_ERROR((internal::CheckShape<const float, 2>("cosines", args.cosines, angles)));
  return internal::CheckShape<const float, 2>("sines", args.sines, angles);
}

inline absl::Status CheckSealItem(int64_t index, const KvSealItem& item,
                                  const KvLayerStorage& storage) {
  const auto bad = [index](const char* field, int64_t value, int64_t limit) {
    return absl::InvalidArgumentError(
        absl::StrCat("item ", index, ": ", field, " is ", value, ", the limit is ", limit));
  };
  if (item.page < 0 || item.page >= storage.packed_pool.dim(0)) {
    return bad("page", item.page, storage.packed_pool.dim(0));
  }
  if (item.window_rows < 0 || item.window_rows > kPageTokens) {
    return bad("window_rows", item.window_rows, kPageTokens);
  }
  if (item.window_rows > 0 &&
      (item.window_page < 0 || item.window_page >= storage.window_keys.dim(0))) {
    return bad("window_page", item.window_page, storage.window_keys.dim(0));
  }
  const int64_t scratch_rows = kPageTokens - item.window_rows;
  if (scratch_rows > 0 &&
      (item.scratch_row < 0 || item.scratch_row + scratch_rows > storage.scratch_keys.dim(1))) {
    return bad("scratch_row", item.scratch_row, storage.scratch_keys.dim(1) - scratch_rows);
  }
  if (item.num_sinks < 0 || item.num_sinks > kPageTokens) {
    return bad("num_sinks", item.num_sinks, kPageTokens);
  }
  return absl::OkStatus();
}

inline absl::Status CheckKvSealArgs(const KvSealArgs& args) {
  ORIEL_RETURN_IF_ERROR(CheckKvLayerStorage(args.storage, 0));
  for (int64_t i = 0; i < args.items.dim(0); ++i) {
    ORIEL_RETURN_IF_ERROR(CheckSealItem(i, args.items(i), *args.storage));
  }
  return absl::OkStatus();
}

}  // namespace oriel

#endif  // ORIEL_KERNELS_OPS_CHECK_KV_ARGS_H_
