#include "kernels/reference/reference_ops.h"

#include <array>
#include <cmath>
#include <span>

#include "kernels/ops/check_kv_args.h"

namespace oriel {
namespace {

using HeadRow = std::array<double, kHeadDimMax>;

// A step's token: its row, its view and its place in the sequence.
struct TokenPlace {
  int64_t row = 0;
  int32_t position = 0;
  const KvView* view = nullptr;
};

HeadRow ReadHead(const KvAppendArgs& args, int64_t row, int64_t head) {
  HeadRow values{};
  const int64_t dim = args.queries.dim(2);
  for (int64_t c = 0; c < dim; ++c) {
    values[static_cast<size_t>(c)] = static_cast<double>(args.qkv(row, head * dim + c));
  }
  return values;
}

void Rotate(const KvAppendArgs& args, int64_t row, HeadRow& values) {
  const int64_t pairs = args.cosines.dim(1);
  for (int64_t i = 0; i < pairs; ++i) {
    const bool adjacent = args.pairs == RopePairs::kAdjacent;
    double& first = values[static_cast<size_t>(adjacent ? 2 * i : i)];
    double& second = values[static_cast<size_t>(adjacent ? 2 * i + 1 : i + pairs)];
    const double cosine = static_cast<double>(args.cosines(row, i));
    const double sine = static_cast<double>(args.sines(row, i));
    const double x = first;
    const double y = second;
    first = x * cosine - y * sine;
    second = x * sine + y * cosine;
  }
}

void Transform(HeadTransform transform, int head_dim, HeadRow& values) {
  if (transform == HeadTransform::kNone) return;
  const size_t dim = static_cast<size_t>(head_dim);
  for (size_t stride = 1; stride < dim; stride *= 2) {
    for (size_t c = 0; c < dim; ++c) {
      if ((c & stride) != 0) continue;
      const double x = values[c];
      const double y = values[c + stride];
      values[c] = x + y;
      values[c + stride] = x - y;
    }
  }
  for (size_t c = 0; c < dim; ++c) values[c] /= std::sqrt(static_cast<double>(head_dim));
}

void StoreHalf(const HeadRow& values, Half* row, int head_dim) {
  for (int c = 0; c < head_dim; ++c) {
    row[c] = ToHalf(static_cast<float>(values[static_cast<size_t>(c)]));
  }
}

// Writes one row of keys or values to every place where this step or a later one reads it.
void StoreToken(const KvStepView& step, const TokenPlace& token, int64_t kv_head,
                const HeadRow& values, const TensorView<Half, 3>& scratch,
                const TensorView<Half, 4>& window, const TensorView<Half, 4>& sinks) {
  const KvView& view = *token.view;
  const int head_dim = static_cast<int>(window.dim(3));
  if (!view.is_decode()) {
    const int64_t row = view.scratch_row + (token.position - view.first_position);
    StoreHalf(values, scratch.row(kv_head, row), head_dim);
  }
  if (token.position >= kPageTokens * NumPackedPages(view.last_position(), step.window_tokens)) {
    const int64_t index = view.window_begin + token.position / kPageTokens - view.first_window_page;
    StoreHalf(values, window.row(step.window_pages(index), kv_head, token.position % kPageTokens),
              head_dim);
  }
  if (token.position < step.sink_tokens) {
    StoreHalf(values, sinks.row(view.sequence_slot, kv_head, token.position), head_dim);
  }
}

void AppendToken(const KvAppendArgs& args, const TokenPlace& token) {
  const KvLayerStorage& storage = *args.storage;
  const KvLayerFormat& format = *storage.format;
  const int64_t q_heads = args.queries.dim(1);
  const int64_t kv_heads = format.kv_heads;
  for (int64_t h = 0; h < q_heads; ++h) {
    HeadRow query = ReadHead(args, token.row, h);
    Rotate(args, token.row, query);
    const int kv_head = static_cast<int>(h / (q_heads / kv_heads));
    Transform(format.head(kv_head).key_transform, format.head_dim, query);
    for (int c = 0; c < format.head_dim; ++c) {
      args.queries(token.row, h, c) = static_cast<float>(query[static_cast<size_t>(c)]);
    }
  }
  for (int64_t k = 0; k < kv_heads; ++k) {
    const KvHeadFormat& head = format.head(static_cast<int>(k));
    HeadRow key = ReadHead(args, token.row, q_heads + k);
    Rotate(args, token.row, key);
    Transform(head.key_transform, format.head_dim, key);
    StoreToken(*args.step, token, k, key, storage.scratch_keys, storage.window_keys,
               storage.sink_keys);
    HeadRow value = ReadHead(args, token.row, q_heads + kv_heads + k);
    Transform(head.value_transform, format.head_dim, value);
    StoreToken(*args.step, token, k, value, storage.scratch_values, storage.window_values,
               storage.sink_values);
  }
}

}  // namespace

absl::Status ReferenceKvAppend(const KvAppendArgs& args) {
  ORIEL_RETURN_IF_ERROR(CheckKvAppendArgs(args));
  for (int64_t i = 0; i < args.step->views.dim(0); ++i) {
    const KvView& view = args.step->views(i);
    for (int32_t j = 0; j < view.num_queries; ++j) {
      AppendToken(args,
                  {.row = view.first_row + j, .position = view.first_position + j, .view = &view});
    }
  }
  return absl::OkStatus();
}

}  // namespace oriel
