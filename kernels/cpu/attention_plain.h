#ifndef ORIEL_KERNELS_CPU_ATTENTION_PLAIN_H_
#define ORIEL_KERNELS_CPU_ATTENTION_PLAIN_H_

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/cpu/kv_rows.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/formats/page_codec.h"
#include "kernels/ops/check_kv_args.h"

namespace oriel {

// All tokens of one view and KV head as float rows, decoded.
struct PlainCache {
  std::vector<float> packed_keys, packed_values;  // [packed tokens, head_dim]
};

inline void AttendViewPlain(const AttentionArgs& args, const KvView& view, int kv_head) {
  const KvLayerFormat& format = *args.storage->format;
  const KvStepView& step = *args.step;
  const int64_t dim = format.head_dim;
  const KvRows rows(step, view, *args.storage, kv_head);
  const int32_t pages = NumPackedPages(view.last_position(), step.window_tokens);
  PlainCache cache;
  const size_t page_values = static_cast<size_t>(kPageTokens * dim);
  cache.packed_keys.resize(static_cast<size_t>(pages) * page_values);
  cache.packed_values.resize(static_cast<size_t>(pages) * page_values);
  for (int32_t p = 0; p < pages; ++p) {
    DecodeHeadPage(format, kv_head,
                   {rows.Packed(p), static_cast<size_t>(format.Layout(kv_head).bytes)},
                   {cache.packed_keys.data() + static_cast<size_t>(p) * page_values, {64, dim}},
                   {cache.packed_values.data() + static_cast<size_t>(p) * page_values, {64, dim}});
  }
  const int64_t ratio = args.queries.dim(1) / format.kv_heads;
  std::vector<float> scores;
  for (int32_t q = 0; q < view.num_queries; ++q) {
    const int32_t t = view.first_position + q;
    const int32_t packed = kPageTokens * NumPackedPages(t, step.window_tokens);
    for (int64_t h = kv_head * ratio; h < (kv_head + 1) * ratio; ++h) {
      const float* query = args.queries.row(view.first_row + q, h);
      float* out = args.out.row(view.first_row + q, h);
      scores.assign(static_cast<size_t>(t) + 1, 0.0f);
      float greatest = -INFINITY;
      for (int32_t j = 0; j <= t; ++j) {
        float score = 0.0f;
        if (j >= step.sink_tokens && j < packed) {
          const float* key = cache.packed_keys.data() + j * dim;
          for (int64_t c = 0; c < dim; ++c) score += query[c] * key[c];
        } else {
          const Half* key = (j < step.sink_tokens ? rows.Sink(j) : rows.Fp16(j)).keys;
          for (int64_t c = 0; c < dim; ++c) score += query[c] * ToFloat(key[c]);
        }
        scores[static_cast<size_t>(j)] = score * args.softmax_scale;
        greatest = std::max(greatest, scores[static_cast<size_t>(j)]);
      }
      float total = 0.0f;
      for (float& score : scores) total += score = std::exp(score - greatest);
      std::vector<float> sum(static_cast<size_t>(dim));
      for (int32_t j = 0; j <= t; ++j) {
        const float p = scores[static_cast<size_t>(j)] / total;
        if (j >= step.sink_tokens && j < packed) {
          const float* value = cache.packed_values.data() + j * dim;
          for (int64_t c = 0; c < dim; ++c) sum[static_cast<size_t>(c)] += p * value[c];
        } else {
          const Half* value = (j < step.sink_tokens ? rows.Sink(j) : rows.Fp16(j)).values;
          for (int64_t c = 0; c < dim; ++c) sum[static_cast<size_t>(c)] += p * ToFloat(value[c]);
        }
      }
      const bool hadamard = format.head(kv_head).value_transform == HeadTransform::kHadamard;
      for (int stride = 1; hadamard && stride < dim; stride *= 2) {
        for (int c = 0; c < dim; ++c) {
          if ((c & stride) != 0) continue;
          const float x = sum[static_cast<size_t>(c)];
          const float y = sum[static_cast<size_t>(c + stride)];
          sum[static_cast<size_t>(c)] = x + y;
          sum[static_cast<size_t>(c + stride)] = x - y;
        }
      }
      const float factor = hadamard ? 1.0f / std::sqrt(static_cast<float>(dim)) : 1.0f;
      for (int64_t c = 0; c < dim; ++c) out[c] = sum[static_cast<size_t>(c)] * factor;
    }
  }
}

inline absl::Status AttendPlain(const AttentionArgs& args, ThreadPool& pool, StepKind kind) {
  ORIEL_RETURN_IF_ERROR(CheckAttentionArgs(args, kind));
  const int64_t kv_heads = args.storage->format->kv_heads;
  pool.ParallelFor(args.step->views.dim(0) * kv_heads, [&](int64_t item, int32_t) {
    AttendViewPlain(args, args.step->views(item / kv_heads), static_cast<int>(item % kv_heads));
  });
  return absl::OkStatus();
}

}  // namespace oriel

#endif  // ORIEL_KERNELS_CPU_ATTENTION_PLAIN_H_
