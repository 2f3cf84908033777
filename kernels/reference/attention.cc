#include "kernels/reference/reference_ops.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "kernels/formats/page_codec.h"
#include "kernels/ops/check_kv_args.h"

namespace oriel {
namespace {

// The packed pages that a view's last query sees, decoded, for one KV head. Earlier queries see
// fewer of them.
struct DecodedPages {
  std::vector<float> keys;  // [pages * 64, head_dim]
  std::vector<float> values;
};

DecodedPages DecodePages(const AttentionArgs& args, const KvView& view, int kv_head) {
  const KvLayerFormat& format = *args.storage->format;
  const int32_t pages = NumPackedPages(view.last_position(), args.step->window_tokens);
  const size_t page_values = static_cast<size_t>(kPageTokens * format.head_dim);
  DecodedPages decoded{std::vector<float>(static_cast<size_t>(pages) * page_values),
                       std::vector<float>(static_cast<size_t>(pages) * page_values)};
  for (int32_t p = 0; p < pages; ++p) {
    const PageId page = args.step->packed_pages(view.packed_begin + p);
    const std::byte* bytes =
        args.storage->packed_pool.row(page) + format.head_offset[static_cast<size_t>(kv_head)];
    const size_t first = static_cast<size_t>(p) * page_values;
    DecodeHeadPage(format, kv_head, {bytes, static_cast<size_t>(format.Layout(kv_head).bytes)},
                   {decoded.keys.data() + first, {kPageTokens, format.head_dim}},
                   {decoded.values.data() + first, {kPageTokens, format.head_dim}});
  }
  return decoded;
}

// Which half of the cache to read.
struct HalfPools {
  const std::vector<float>& decoded;
  const TensorView<Half, 4>& sinks;
  const TensorView<Half, 3>& scratch;
  const TensorView<Half, 4>& window;
};

// Element of token j as a query at `position` sees it: the four cases of kv_view.h.
double TokenElement(const KvStepView& step, const KvView& view, const HalfPools& pools,
                    int64_t kv_head, int32_t position, int32_t j, int64_t channel) {
  if (j < step.sink_tokens) {
    return static_cast<double>(ToFloat(pools.sinks(view.sequence_slot, kv_head, j, channel)));
  }
  if (j < kPageTokens * NumPackedPages(position, step.window_tokens)) {
    return static_cast<double>(
        pools.decoded[static_cast<size_t>(j * pools.window.dim(3) + channel)]);
  }
  if (j >= view.first_position && !view.is_decode()) {
    const int64_t row = view.scratch_row + (j - view.first_position);
    return static_cast<double>(ToFloat(pools.scratch(kv_head, row, channel)));
  }
  const int64_t index = view.window_begin + j / kPageTokens - view.first_window_page;
  return static_cast<double>(
      ToFloat(pools.window(step.window_pages(index), kv_head, j % kPageTokens, channel)));
}

// The orthogonal Hadamard matrix is symmetric, so this is the transposed transform too.
void UndoTransform(HeadTransform transform, std::span<double> row) {
  if (transform == HeadTransform::kNone) return;
  std::vector<double> result(row.size());
  for (size_t i = 0; i < row.size(); ++i) {
    for (size_t j = 0; j < row.size(); ++j) {
      result[i] += std::popcount(i & j) % 2 == 0 ? row[j] : -row[j];
    }
  }
  for (size_t i = 0; i < row.size(); ++i) {
    row[i] = result[i] / std::sqrt(static_cast<double>(row.size()));
  }
}

void AttendQuery(const AttentionArgs& args, const KvView& view, const DecodedPages& decoded,
                 int32_t query, int64_t head) {
  const KvLayerStorage& storage = *args.storage;
  const KvStepView& step = *args.step;
  const int64_t kv_head = head / (args.queries.dim(1) / storage.format->kv_heads);
  const int64_t row = view.first_row + query;
  const int32_t position = view.first_position + query;
  const int64_t head_dim = storage.format->head_dim;
  const HalfPools keys{decoded.keys, storage.sink_keys, storage.scratch_keys, storage.window_keys};
  const HalfPools values{decoded.values, storage.sink_values, storage.scratch_values,
                         storage.window_values};
  std::vector<double> weights(static_cast<size_t>(position) + 1);
  double greatest = -std::numeric_limits<double>::infinity();
  for (int32_t j = 0; j <= position; ++j) {
    double score = 0.0;
    for (int64_t c = 0; c < head_dim; ++c) {
      score += static_cast<double>(args.queries(row, head, c)) *
               TokenElement(step, view, keys, kv_head, position, j, c);
    }
    weights[static_cast<size_t>(j)] = score * static_cast<double>(args.softmax_scale);
    greatest = std::max(greatest, weights[static_cast<size_t>(j)]);
  }
  double total = 0.0;
  for (double& weight : weights) total += weight = std::exp(weight - greatest);
  std::vector<double> out(static_cast<size_t>(head_dim));
  for (int32_t j = 0; j <= position; ++j) {
    for (int64_t c = 0; c < head_dim; ++c) {
      out[static_cast<size_t>(c)] += weights[static_cast<size_t>(j)] / total *
                                     TokenElement(step, view, values, kv_head, position, j, c);
    }
  }
  UndoTransform(storage.format->head(static_cast<int>(kv_head)).value_transform, out);
  for (int64_t c = 0; c < head_dim; ++c) {
    args.out(row, head, c) = static_cast<float>(out[static_cast<size_t>(c)]);
  }
}

absl::Status Attend(const AttentionArgs& args, StepKind kind) {
  ORIEL_RETURN_IF_ERROR(CheckAttentionArgs(args, kind));
  const int64_t kv_heads = args.storage->format->kv_heads;
  const int64_t ratio = args.queries.dim(1) / kv_heads;
  for (int64_t i = 0; i < args.step->views.dim(0); ++i) {
    const KvView& view = args.step->views(i);
    for (int64_t head = 0; head < args.queries.dim(1); head += ratio) {
      const DecodedPages decoded = DecodePages(args, view, static_cast<int>(head / ratio));
      for (int32_t query = 0; query < view.num_queries; ++query) {
        for (int64_t h = head; h < head + ratio; ++h) AttendQuery(args, view, decoded, query, h);
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ReferenceAttentionDecode(const AttentionDecodeArgs& args) {
  return Attend(args, StepKind::kDecode);
}

absl::Status ReferenceAttentionPrefill(const AttentionPrefillArgs& args) {
  return Attend(args, StepKind::kPrefill);
}

}  // namespace oriel
