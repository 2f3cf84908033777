#include "kernels/ops/check_args.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "kernels/core/status.h"

namespace oriel {
namespace {

constexpr int64_t kTermsMax = 4;
constexpr int64_t kColumnsMultiple = 32;
constexpr int64_t kHiddenMultiple = 16;
constexpr int64_t kHiddenMax = 65536;
constexpr int64_t kPairsMax = 64;
constexpr int64_t kVocabMax = int64_t{1} << 20;
constexpr int64_t kTopLogprobsMax = 64;

template <typename Value, typename Expected>
absl::Status Invalid(absl::string_view what, Value value, const Expected& expected) {
  return absl::InvalidArgumentError(absl::StrCat(what, " is ", value, ", expected ", expected));
}

template <typename T>
bool HasShape(const TensorView<T, 2>& view, int64_t rows, int64_t columns) {
  return view.dim(0) == rows && view.dim(1) == columns;
}

template <typename T>
absl::Status ExpectShape(absl::string_view what, const TensorView<T, 2>& view, int64_t rows,
                         int64_t columns) {
  if (HasShape(view, rows, columns)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(what, " is [", view.dim(0), ", ", view.dim(1),
                                                 "], expected [", rows, ", ", columns, "]"));
}

// What an error calls a field of one of several items. Spelt out for an error alone: checks run in
// every step, and a step allocates nothing.
struct ItemName {
  absl::string_view kind;
  int64_t index;

  std::string Of(absl::string_view field) const { return absl::StrCat(kind, index, ": ", field); }
};

absl::Status CheckTerm(const MatMulArgs& args, size_t index) {
  const MatMulTerm& term = args.terms[index];
  const ItemName name{"mat_mul term ", static_cast<int64_t>(index)};
  if (term.matrix == nullptr) return Invalid(name.Of("matrix"), "null", "a matrix");
  if (term.matrix->columns() != args.input.dim(1)) {
    return Invalid(name.Of("columns"), term.matrix->columns(), args.input.dim(1));
  }
  if (term.bias.data != nullptr && term.bias.dim(0) != term.matrix->rows()) {
    return Invalid(name.Of("bias"), term.bias.dim(0), term.matrix->rows());
  }
  const int64_t tokens = args.input.dim(0);
  if (HasShape(term.out, tokens, term.matrix->rows())) return absl::OkStatus();
  return ExpectShape(name.Of("out"), term.out, tokens, term.matrix->rows());
}

bool IsFraction(float value) { return value >= 0.0f && value <= 1.0f; }

absl::Status CheckSampleRow(const SampleArgs& args, int64_t index) {
  const SampleRow& row = args.rows(index);
  const int64_t vocab = args.logits.dim(1);
  const ItemName name{"sample row ", index};
  if (row.logits_row < 0 || row.logits_row >= args.logits.dim(0)) {
    return Invalid(name.Of("logits_row"), row.logits_row, absl::StrCat("< ", args.logits.dim(0)));
  }
  if (row.forced_token >= vocab) {
    return Invalid(name.Of("forced_token"), row.forced_token, absl::StrCat("< ", vocab));
  }
  if (!(row.temperature >= 0.0f)) return Invalid(name.Of("temperature"), row.temperature, ">= 0");
  if (row.top_k < 0) return Invalid(name.Of("top_k"), row.top_k, ">= 0");
  if (!IsFraction(row.top_p)) return Invalid(name.Of("top_p"), row.top_p, "0 to 1");
  if (!IsFraction(row.min_p)) return Invalid(name.Of("min_p"), row.min_p, "0 to 1");
  if (row.num_top_logprobs < 0 || row.num_top_logprobs > args.top_tokens.dim(1) ||
      row.num_top_logprobs > vocab) {
    return Invalid(name.Of("num_top_logprobs"), row.num_top_logprobs,
                   absl::StrCat("at most ", args.top_tokens.dim(1), " and the vocabulary"));
  }
  if (row.adjustments_begin < 0 || row.adjustments_begin > row.adjustments_end ||
      row.adjustments_end > args.adjustments.dim(0)) {
    return Invalid(name.Of("adjustments_end"), row.adjustments_end,
                   absl::StrCat(row.adjustments_begin, " to ", args.adjustments.dim(0)));
  }
  for (int32_t i = row.adjustments_begin; i < row.adjustments_end; ++i) {
    const int32_t token = args.adjustments(i).token;
    if (token < 0 || token >= vocab) {
      return Invalid(name.Of("adjusted token"), token, absl::StrCat("< ", vocab));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckMatrixSource(const MatrixSource& source) {
  if (source.rows < 1) return Invalid("matrix rows", source.rows, ">= 1");
  if (source.columns < 1) return Invalid("matrix columns", source.columns, ">= 1");
  if (!RowBytes(source.dtype, source.columns).has_value()) {
    const DTypeTraits traits = TraitsOf(source.dtype);
    return Invalid(absl::StrCat("matrix columns of ", ToAbsl(traits.name)), source.columns,
                   absl::StrCat("a multiple of ", traits.block_elements));
  }
  if (source.data == nullptr) return Invalid("matrix data", "null", "memory");
  return absl::OkStatus();
}

absl::Status CheckEmbeddingArgs(const EmbeddingArgs& args) {
  if (args.table == nullptr) return Invalid("embedding table", "null", "a matrix");
  const int64_t vocab = args.table->rows();
  for (int64_t t = 0; t < args.tokens.dim(0); ++t) {
    if (args.tokens(t) < 0 || args.tokens(t) >= vocab) {
      return Invalid(absl::StrCat("embedding token ", t), args.tokens(t),
                     absl::StrCat("< ", vocab));
    }
  }
  return ExpectShape("embedding out", args.out, args.tokens.dim(0), args.table->columns());
}

absl::Status CheckRmsNormArgs(const RmsNormArgs& args) {
  const int64_t hidden = args.input.dim(1);
  if (hidden < 1 || hidden > kHiddenMax || hidden % kHiddenMultiple != 0) {
    return Invalid("rms_norm hidden", hidden, "a multiple of 16, at most 65536");
  }
  if (!(args.epsilon > 0.0f)) return Invalid("rms_norm epsilon", args.epsilon, "> 0");
  if (args.weight.dim(0) != hidden) return Invalid("rms_norm weight", args.weight.dim(0), hidden);
  return ExpectShape("rms_norm out", args.out, args.input.dim(0), hidden);
}

absl::Status CheckMatMulArgs(const MatMulArgs& args) {
  const int64_t terms = static_cast<int64_t>(args.terms.size());
  if (terms < 1 || terms > kTermsMax) return Invalid("mat_mul terms", terms, "1 to 4");
  const int64_t columns = args.input.dim(1);
  if (columns < 1 || columns % kColumnsMultiple != 0) {
    return Invalid("mat_mul columns", columns, "a multiple of 32");
  }
  for (size_t i = 0; i < args.terms.size(); ++i) ORIEL_RETURN_IF_ERROR(CheckTerm(args, i));
  return absl::OkStatus();
}

absl::Status CheckRopeAnglesArgs(const RopeAnglesArgs& args) {
  const int64_t tokens = args.positions.dim(0);
  const int64_t pairs = args.inverse_frequencies.dim(0);
  if (pairs < 1 || pairs > kPairsMax) return Invalid("rope_angles pairs", pairs, "1 to 64");
  for (int64_t t = 0; t < tokens; ++t) {
    if (args.positions(t) < 0) {
      return Invalid(absl::StrCat("rope_angles position ", t), args.positions(t), ">= 0");
    }
  }
  ORIEL_RETURN_IF_ERROR(ExpectShape("rope_angles cosines", args.cosines, tokens, pairs));
  return ExpectShape("rope_angles sines", args.sines, tokens, pairs);
}

absl::Status CheckSwigluArgs(const SwigluArgs& args) {
  const int64_t tokens = args.gate.dim(0);
  const int64_t width = args.gate.dim(1);
  ORIEL_RETURN_IF_ERROR(ExpectShape("swiglu up", args.up, tokens, width));
  return ExpectShape("swiglu out", args.out, tokens, width);
}

absl::Status CheckSampleArgs(const SampleArgs& args) {
  const int64_t count = args.rows.dim(0);
  const int64_t vocab = args.logits.dim(1);
  const int64_t top_max = args.top_tokens.dim(1);
  if (vocab < 1 || vocab > kVocabMax) return Invalid("sample vocab", vocab, "1 to 1048576");
  if (top_max > kTopLogprobsMax) return Invalid("sample top_tokens columns", top_max, "at most 64");
  if (args.out.dim(0) != count) return Invalid("sample out", args.out.dim(0), count);
  if (top_max > 0) {
    ORIEL_RETURN_IF_ERROR(ExpectShape("sample top_tokens", args.top_tokens, count, top_max));
    ORIEL_RETURN_IF_ERROR(ExpectShape("sample top_logprobs", args.top_logprobs, count, top_max));
  }
  for (int64_t i = 0; i < count; ++i) ORIEL_RETURN_IF_ERROR(CheckSampleRow(args, i));
  return absl::OkStatus();
}

}  // namespace oriel
