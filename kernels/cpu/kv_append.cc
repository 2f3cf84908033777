#include <array>
#include <cmath>

#include "kernels/cpu/cpu_ops.h"
#include "kernels/cpu/kv_rows.h"
#include "kernels/ops/check_kv_args.h"

namespace oriel {
namespace {

using HeadRow = std::array<float, kHeadDimMax>;

void Rotate(const KvAppendArgs& args, int64_t row, float* values) {
  const int64_t pairs = args.cosines.dim(1);
  const bool adjacent = args.pairs == RopePairs::kAdjacent;
  for (int64_t i = 0; i < pairs; ++i) {
    float& first = values[adjacent ? 2 * i : i];
    float& second = values[adjacent ? 2 * i + 1 : i + pairs];
    const float x = first;
    const float y = second;
    first = x * args.cosines(row, i) - y * args.sines(row, i);
    second = x * args.sines(row, i) + y * args.cosines(row, i);
  }
}

void Transform(HeadTransform transform, int head_dim, float* values) {
  if (transform == HeadTransform::kNone) return;
  for (int stride = 1; stride < head_dim; stride *= 2) {
    for (int c = 0; c < head_dim; ++c) {
      if ((c & stride) != 0) continue;
      const float x = values[c];
      const float y = values[c + stride];
      values[c] = x + y;
      values[c + stride] = x - y;
    }
  }
  const float factor = 1.0f / std::sqrt(static_cast<float>(head_dim));
  for (int c = 0; c < head_dim; ++c) values[c] *= factor;
}

void AppendToken(const KvAppendArgs& args, const KvView& view, int32_t query) {
  const KvLayerFormat& format = *args.storage->format;
  const int64_t dim = format.head_dim;
  const int64_t q_heads = args.queries.dim(1);
  const int64_t row = view.first_row + query;
  const int32_t position = view.first_position + query;
  const bool outlives =
      position >= kPageTokens * NumPackedPages(view.last_position(), args.step->window_tokens);
  const float* qkv = args.qkv.row(row);
  for (int64_t h = 0; h < q_heads; ++h) {
    float* out = args.queries.row(row, h);
    std::copy_n(qkv + h * dim, dim, out);
    Rotate(args, row, out);
    const int kv_head = static_cast<int>(h / (q_heads / format.kv_heads));
    Transform(format.head(kv_head).key_transform, format.head_dim, out);
  }
  for (int k = 0; k < format.kv_heads; ++k) {
    HeadRow key;
    HeadRow value;
    std::copy_n(qkv + (q_heads + k) * dim, dim, key.data());
    std::copy_n(qkv + (q_heads + format.kv_heads + k) * dim, dim, value.data());
    Rotate(args, row, key.data());
    Transform(format.head(k).key_transform, format.head_dim, key.data());
    Transform(format.head(k).value_transform, format.head_dim, value.data());
    const KvRows rows(*args.step, view, *args.storage, k);
    const auto store = [&](KvRows::Row target) {
      for (int64_t c = 0; c < dim; ++c) {
        target.keys[c] = ToHalf(key[static_cast<size_t>(c)]);
        target.values[c] = ToHalf(value[static_cast<size_t>(c)]);
      }
    };
    if (!view.is_decode()) store(rows.Scratch(position));
    if (outlives) store(rows.Window(position));
    if (position < args.step->sink_tokens) store(rows.Sink(position));
  }
}

}  // namespace

absl::Status CpuKvAppend(const KvAppendArgs& args, ThreadPool& pool) {
  ORIEL_RETURN_IF_ERROR(CheckKvAppendArgs(args));
  for (int64_t i = 0; i < args.step->views.dim(0); ++i) {
    const KvView& view = args.step->views(i);
    pool.ParallelFor(view.num_queries, [&](int64_t query, int32_t) {
      AppendToken(args, view, static_cast<int32_t>(query));
    });
  }
  return absl::OkStatus();
}

}  // namespace oriel
