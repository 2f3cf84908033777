#include "tests/kernels/kv/kv_harness.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "kernels/core/check.h"
#include "kernels/cpu/cpu_ops.h"
#include "kernels/reference/reference_ops.h"

namespace oriel {
namespace {

void MustBeOk(const absl::Status& status) { ORIEL_CHECK(status.ok()); }

size_t Size(int64_t value) { return static_cast<size_t>(value); }

}  // namespace

KvHarness::KvHarness(const KvSpec& spec, int threads) : spec_(spec), pool_(threads) {
  absl::StatusOr<KvLayerFormat> format =
      MakeKvLayerFormat(spec.head_dim, spec.heads, /*groups=*/1, spec.asymmetric);
  ORIEL_CHECK(format.ok());
  format_ = *format;
  lengths_.assign(Size(spec.num_sequences), 0);
  sealed_.assign(Size(spec.num_sequences), 0);
  pages_max_ = (spec.tokens_max + kPageTokens - 1) / kPageTokens;
  MakePools();
}

void KvHarness::MakePools() {
  const int64_t pages = int64_t{pages_max_} * spec_.num_sequences;
  const int64_t heads = format_.kv_heads;
  const int64_t dim = format_.head_dim;
  packed_.resize(Size(pages * format_.layer_page_bytes));
  // Rows that nothing has written hold NaNs: a kernel that reads one shows it.
  const Half nan{0x7E00};
  window_keys_.assign(Size(pages * heads * kPageTokens * dim), nan);
  window_values_ = window_keys_;
  sink_keys_.assign(Size(spec_.num_sequences * heads * spec_.sink_tokens * dim), nan);
  sink_values_ = sink_keys_;
  scratch_keys_.assign(Size(heads * spec_.scratch_rows * dim), nan);
  scratch_values_ = scratch_keys_;
  storage_.format = &format_;
  storage_.packed_pool = {packed_.data(), {pages, format_.layer_page_bytes}};
  storage_.window_keys = {window_keys_.data(), {pages, heads, kPageTokens, dim}};
  storage_.window_values = {window_values_.data(), {pages, heads, kPageTokens, dim}};
  storage_.sink_keys = {sink_keys_.data(), {spec_.num_sequences, heads, spec_.sink_tokens, dim}};
  storage_.sink_values = {sink_values_.data(),
                          {spec_.num_sequences, heads, spec_.sink_tokens, dim}};
  storage_.scratch_keys = {scratch_keys_.data(), {heads, spec_.scratch_rows, dim}};
  storage_.scratch_values = {scratch_values_.data(), {heads, spec_.scratch_rows, dim}};
}

PageId KvHarness::packed_page(int sequence, int page) const {
  // Pages of all sequences interleave and run backwards, so that order in memory means nothing.
  return (pages_max_ - 1 - page) * spec_.num_sequences + sequence;
}

std::byte* KvHarness::HeadPage(int sequence, int page, int kv_head) {
  return storage_.packed_pool.row(packed_page(sequence, page)) + format_.head_offset[Size(kv_head)];
}

void KvHarness::PlanSeals(const KvView& view, int sequence) {
  int& sealed = sealed_[Size(sequence)];
  for (; sealed < NumPackedPages(view.last_position(), spec_.window_tokens); ++sealed) {
    const int first = sealed * kPageTokens;
    KvSealItem item{.page = packed_page(sequence, sealed)};
    item.window_rows = std::clamp(view.first_position - first, 0, kPageTokens);
    if (item.window_rows > 0) item.window_page = sealed * spec_.num_sequences + sequence;
    if (item.window_rows < kPageTokens) {
      item.scratch_row = view.scratch_row + first + item.window_rows - view.first_position;
    }
    item.num_sinks = std::clamp(spec_.sink_tokens - first, 0, kPageTokens);
    seals_.push_back(item);
  }
}

void KvHarness::FillTokens(const KvView& view, int sequence) {
  const int64_t row_values = (q_heads() + 2 * format_.kv_heads) * format_.head_dim;
  const int64_t key_begin = q_heads() * format_.head_dim;
  for (int i = 0; i < view.num_queries; ++i) {
    const int position = view.first_position + i;
    std::mt19937_64 random(spec_.seed * 1000003 + Size(sequence) * 100019 + Size(position));
    std::normal_distribution<float> normal;
    for (int64_t c = 0; c < row_values; ++c) qkv_.push_back(normal(random));
    float* key = qkv_.data() + qkv_.size() - row_values + key_begin;
    for (int64_t c = 0; c < format_.kv_heads * format_.head_dim; c += 7) key[c] += spec_.key_bias;
    for (int p = 0; p < spec_.rotary_pairs; ++p) {
      const double angle = position * std::pow(10000.0, -double(p) / spec_.rotary_pairs);
      cosines_.push_back(static_cast<float>(std::cos(angle)));
      sines_.push_back(static_cast<float>(std::sin(angle)));
    }
  }
}

void KvHarness::PlanStep(const std::vector<KvChunk>& chunks) {
  views_.clear();
  packed_pages_.clear();
  window_pages_.clear();
  seals_.clear();
  qkv_.clear();
  cosines_.clear();
  sines_.clear();
  int row = 0;
  int scratch_row = 0;
  for (const KvChunk& chunk : chunks) {
    KvView view{.first_row = row, .num_queries = chunk.tokens};
    view.first_position = lengths_[Size(chunk.sequence)];
    view.scratch_row = chunk.decode ? -1 : scratch_row;
    view.sequence_slot = chunk.sequence;
    view.packed_begin = static_cast<int32_t>(packed_pages_.size());
    view.window_begin = static_cast<int32_t>(window_pages_.size());
    const int last_page = view.last_position() / kPageTokens;
    view.first_window_page =
        std::min(sealed_[Size(chunk.sequence)], view.first_position / kPageTokens);
    const int first_kept = NumPackedPages(view.last_position(), spec_.window_tokens);
    for (int page = 0; page < first_kept; ++page) {
      packed_pages_.push_back(packed_page(chunk.sequence, page));
    }
    for (int page = view.first_window_page; page <= last_page; ++page) {
      // What begins in this step and is sealed in it never touches a window page.
      const bool passes_by = page * kPageTokens >= view.first_position && page < first_kept;
      window_pages_.push_back(passes_by ? kNoPage : page * spec_.num_sequences + chunk.sequence);
    }
    PlanSeals(view, chunk.sequence);
    FillTokens(view, chunk.sequence);
    views_.push_back(view);
    row += chunk.tokens;
    if (!chunk.decode) scratch_row += chunk.tokens;
    lengths_[Size(chunk.sequence)] += chunk.tokens;
  }
  step_.views = {views_.data(), {static_cast<int64_t>(views_.size())}};
  step_.packed_pages = {packed_pages_.data(), {static_cast<int64_t>(packed_pages_.size())}};
  step_.window_pages = {window_pages_.data(), {static_cast<int64_t>(window_pages_.size())}};
  step_.window_tokens = spec_.window_tokens;
  step_.sink_tokens = spec_.sink_tokens;
  queries_.assign(Size(row * q_heads() * format_.head_dim), NAN);
  out_.assign(queries_.size(), NAN);
}

KvAppendArgs KvHarness::append_args() {
  const int64_t dim = format_.head_dim;
  const int64_t row_values = (q_heads() + 2 * format_.kv_heads) * dim;
  const int64_t tokens = static_cast<int64_t>(qkv_.size()) / row_values;
  return {.qkv = {qkv_.data(), {tokens, row_values}},
          .cosines = {cosines_.data(), {tokens, spec_.rotary_pairs}},
          .sines = {sines_.data(), {tokens, spec_.rotary_pairs}},
          .pairs = spec_.pairs,
          .queries = {queries_.data(), {tokens, q_heads(), dim}},
          .step = &step_,
          .storage = &storage_};
}

KvSealArgs KvHarness::seal_args() {
  return {.items = {seals_.data(), {static_cast<int64_t>(seals_.size())}}, .storage = &storage_};
}

AttentionArgs KvHarness::attention_args() {
  const int64_t dim = format_.head_dim;
  const int64_t tokens = static_cast<int64_t>(queries_.size()) / (q_heads() * dim);
  return {.queries = {queries_.data(), {tokens, q_heads(), dim}},
          .out = {out_.data(), {tokens, q_heads(), dim}},
          .step = &step_,
          .storage = &storage_,
          .softmax_scale = spec_.softmax_scale > 0.0f ? spec_.softmax_scale
                                                      : 1.0f / std::sqrt(static_cast<float>(dim))};
}

absl::Status RunAppend(const KvAppendArgs& args, KvOps ops, ThreadPool& pool) {
  return ops == KvOps::kCpu ? CpuKvAppend(args, pool) : ReferenceKvAppend(args);
}

absl::Status RunSeal(const KvSealArgs& args, KvOps ops, ThreadPool& pool) {
  return ops == KvOps::kCpu ? CpuKvSeal(args, pool) : ReferenceKvSeal(args);
}

absl::Status RunDecode(const AttentionArgs& args, KvOps ops, ThreadPool& pool) {
  return ops == KvOps::kCpu ? CpuAttentionDecode(args, pool) : ReferenceAttentionDecode(args);
}

absl::Status RunPrefill(const AttentionArgs& args, KvOps ops, ThreadPool& pool) {
  return ops == KvOps::kCpu ? CpuAttentionPrefill(args, pool) : ReferenceAttentionPrefill(args);
}

void KvHarness::Feed(const std::vector<KvChunk>& chunks, KvOps ops) {
  PlanStep(chunks);
  MustBeOk(RunAppend(append_args(), ops, pool_));
  MustBeOk(RunSeal(seal_args(), ops, pool_));
}

std::vector<float> KvHarness::Attend(KvOps ops) {
  std::fill(out_.begin(), out_.end(), NAN);
  for (bool decode : {false, true}) {
    std::vector<KvView> views;
    std::copy_if(views_.begin(), views_.end(), std::back_inserter(views),
                 [&](const KvView& view) { return view.is_decode() == decode; });
    if (views.empty()) continue;
    KvStepView step = step_;
    step.views = {views.data(), {static_cast<int64_t>(views.size())}};
    AttentionArgs args = attention_args();
    args.step = &step;
    MustBeOk(decode ? RunDecode(args, ops, pool_) : RunPrefill(args, ops, pool_));
  }
  return out_;
}

void KvHarness::FeedPrompt(int sequence, int tokens, int chunk_tokens, KvOps ops) {
  for (int fed = 0; fed < tokens; fed += chunk_tokens) {
    Feed({{.sequence = sequence, .tokens = std::min(chunk_tokens, tokens - fed)}}, ops);
  }
}

double GreatestRowError(const std::vector<float>& a, const std::vector<float>& b, int row) {
  ORIEL_CHECK(a.size() == b.size());
  double greatest = 0.0;
  for (size_t first = 0; first < b.size(); first += Size(row)) {
    double error = 0.0;
    double norm = 0.0;
    for (size_t i = first; i < first + Size(row); ++i) {
      const double difference = static_cast<double>(a[i]) - static_cast<double>(b[i]);
      error += difference * difference;
      norm += static_cast<double>(b[i]) * static_cast<double>(b[i]);
    }
    const double relative = norm > 0.0 ? std::sqrt(error / norm) : std::sqrt(error);
    if (!(relative <= greatest)) greatest = relative;  // a NaN stays
    if (std::isnan(relative)) return relative;
  }
  return greatest;
}

}  // namespace oriel
