#include "engine/evaluation/kl_evaluation.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/evaluation/distribution_distance.h"
#include "engine/evaluation/forced_sequence.h"
#include "engine/runtime/resolve_engine_config.h"
#include "kernels/core/status.h"

namespace oriel {
namespace {

// Rows of logits that exist at a time, once for each of the two caches.
constexpr int32_t kScoredRowsMax = 64;

// Two caches that read the same text, and logits of the rows being compared.
class TextEvaluation {
 public:
  static absl::StatusOr<TextEvaluation> Make(Model& model, Backend& backend,
                                             const KlOptions& options, const KlText& text) {
    EngineConfig fp16 = options.engine;
    fp16.key_codec = Codec::kFp16;
    fp16.value_codec = Codec::kFp16;
    ORIEL_ASSIGN_OR_RETURN(std::vector<KvLayerFormat> fp16_formats,
                           MakeUniformFormats(fp16, model.config()));
    TextEvaluation evaluation(model, backend, options, text);
    ORIEL_ASSIGN_OR_RETURN(
        evaluation.reference_,
        ForcedSequence::Make(backend, std::move(fp16_formats), fp16, text.tokens));
    ORIEL_ASSIGN_OR_RETURN(evaluation.tested_, ForcedSequence::Make(backend, options.formats,
                                                                    options.engine, text.tokens));
    const size_t logits_bytes =
        size_t{kScoredRowsMax} * static_cast<size_t>(model.config().vocab) * sizeof(float);
    ORIEL_ASSIGN_OR_RETURN(evaluation.reference_logits_, backend.MakeBuffer(logits_bytes));
    ORIEL_ASSIGN_OR_RETURN(evaluation.tested_logits_, backend.MakeBuffer(logits_bytes));
    return evaluation;
  }

  // Runs the whole text; one distance a scored position, in order.
  absl::StatusOr<std::vector<DistributionDistance>> Run(
      const std::function<void(int32_t)>& on_tokens) {
    const int32_t total = reference_->num_tokens();
    while (reference_->num_fed() < total) {
      const int32_t begin = reference_->num_fed();
      const int32_t count = NextCount(begin, total);
      const bool scored = begin >= options_.score_from;
      const RowKind kind = scored && options_.decode ? RowKind::kDecode : RowKind::kPrompt;
      ORIEL_RETURN_IF_ERROR(FeedOne(*reference_, kind, count, scored, reference_logits_));
      ORIEL_RETURN_IF_ERROR(FeedOne(*tested_, kind, count, scored, tested_logits_));
      if (scored) Compare(begin, count);
      on_tokens(count);
    }
    return std::move(distances_);
  }

  double total_bits_per_value() const {
    const ModelConfig& config = model_.config();
    const double values = 2.0 * config.layers * config.kv_heads * config.head_dim *
                          static_cast<double>(tested_->num_tokens());
    return 8.0 * static_cast<double>(tested_->packed_bytes() + tested_->fp16_bytes()) / values;
  }

 private:
  TextEvaluation(Model& model, Backend& backend, const KlOptions& options, const KlText& text)
      : model_(model), options_(options), text_(text), stream_(backend.MakeStream()) {}

  // Tokens of the next chunk: up to the first scored position, then what the logits hold.
  int32_t NextCount(int32_t begin, int32_t total) const {
    const int32_t chunk = options_.engine.prefill_chunk_tokens;
    if (begin < options_.score_from) return std::min(chunk, options_.score_from - begin);
    if (options_.decode) return 1;
    return std::min({chunk, kScoredRowsMax, total - begin});
  }

  absl::Status FeedOne(ForcedSequence& sequence, RowKind kind, int32_t count, bool scored,
                       const Buffer& logits) {
    ORIEL_RETURN_IF_ERROR(sequence.Feed(model_, kind, count));
    if (!scored) return absl::OkStatus();
    std::vector<int32_t> rows(static_cast<size_t>(count));
    std::iota(rows.begin(), rows.end(), 0);
    ORIEL_RETURN_IF_ERROR(model_.ComputeLogits(
        {rows.data(), {count}}, {logits.as<float>(), {count, model_.config().vocab}}, *stream_));
    return stream_->Synchronize();
  }

  void Compare(int32_t begin, int32_t count) {
    const size_t vocab = static_cast<size_t>(model_.config().vocab);
    for (int32_t i = 0; i < count; ++i) {
      const size_t offset = static_cast<size_t>(i) * vocab;
      const size_t next = static_cast<size_t>(begin + i) + 1;
      distances_.push_back(
          CompareLogits({reference_logits_.as<const float>() + offset, vocab},
                        {tested_logits_.as<const float>() + offset, vocab},
                        next < text_.tokens.size() ? text_.tokens[next] : kNoToken));
    }
  }

  Model& model_;
  const KlOptions& options_;
  const KlText& text_;
  std::unique_ptr<Stream> stream_;
  std::unique_ptr<ForcedSequence> reference_;
  std::unique_ptr<ForcedSequence> tested_;
  Buffer reference_logits_;  // [kScoredRowsMax, vocab]
  Buffer tested_logits_;     // [kScoredRowsMax, vocab]
  std::vector<DistributionDistance> distances_;
};

// The value that 99.9 % of `values` do not exceed.
double Percentile999(std::vector<double> values) {
  const size_t rank = static_cast<size_t>(0.999 * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(rank),
                   values.end());
  return values[rank];
}

// `likelihoods`: positions that have a next token.
KlScores Summarize(std::string name, const std::vector<DistributionDistance>& distances,
                   int64_t likelihoods) {
  KlScores scores{.name = std::move(name), .scored_tokens = static_cast<int64_t>(distances.size())};
  std::vector<double> kls;
  double nll = 0.0;
  double nll_reference = 0.0;
  for (const DistributionDistance& distance : distances) {
    kls.push_back(distance.kl);
    nll += distance.nll;
    nll_reference += distance.nll_reference;
    scores.top1_agreement += distance.same_top ? 1.0 : 0.0;
  }
  const double count = static_cast<double>(distances.size());
  const double nexts = static_cast<double>(std::max<int64_t>(likelihoods, 1));
  scores.kl_mean = std::accumulate(kls.begin(), kls.end(), 0.0) / count;
  scores.kl_p999 = Percentile999(std::move(kls));
  scores.top1_agreement /= count;
  scores.perplexity = std::exp(nll / nexts);
  scores.perplexity_reference = std::exp(nll_reference / nexts);
  scores.perplexity_ratio = scores.perplexity / scores.perplexity_reference;
  return scores;
}

absl::Status CheckTexts(const KlOptions& options, const std::vector<KlText>& texts) {
  if (texts.empty()) return absl::InvalidArgumentError("no text to score");
  for (const KlText& text : texts) {
    if (static_cast<int64_t>(text.tokens.size()) > options.score_from) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        text.name, " has ", text.tokens.size(), " tokens, scoring begins at ", options.score_from));
  }
  return absl::OkStatus();
}

double PackedBitsPerValue(const std::vector<KvLayerFormat>& formats) {
  double bits = 0.0;
  for (const KvLayerFormat& format : formats) bits += StoredBitsPerValue(format);
  return bits / static_cast<double>(formats.size());
}

}  // namespace

absl::StatusOr<KlReport> EvaluateKl(Model& model, Backend& backend, const KlOptions& options,
                                    const std::vector<KlText>& texts) {
  ORIEL_RETURN_IF_ERROR(CheckTexts(options, texts));
  int64_t total = 0;
  for (const KlText& text : texts) total += static_cast<int64_t>(text.tokens.size());
  int64_t done = 0;
  const auto on_tokens = [&](int32_t count) {
    done += count;
    if (options.progress) options.progress(done, total);
  };

  KlReport report;
  std::vector<DistributionDistance> pooled;
  for (const KlText& text : texts) {
    ORIEL_ASSIGN_OR_RETURN(TextEvaluation evaluation,
                           TextEvaluation::Make(model, backend, options, text));
    ORIEL_ASSIGN_OR_RETURN(const std::vector<DistributionDistance> distances,
                           evaluation.Run(on_tokens));
    const int64_t count = static_cast<int64_t>(distances.size());
    report.per_text.push_back(Summarize(text.name, distances, count - 1));
    report.bits_per_value_total +=
        evaluation.total_bits_per_value() / static_cast<double>(texts.size());
    pooled.insert(pooled.end(), distances.begin(), distances.end());
  }
  const int64_t count = static_cast<int64_t>(pooled.size());
  report.all = Summarize("all", pooled, count - static_cast<int64_t>(texts.size()));
  report.bits_per_value = PackedBitsPerValue(options.formats);
  return report;
}

}  // namespace oriel
