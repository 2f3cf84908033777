#include <vector>

#include "kernels/core/status.h"
#include "kernels/ops/check_args.h"
#include "kernels/reference/reference_matrix.h"
#include "kernels/reference/reference_ops.h"

namespace oriel {
namespace {

void MultiplyTerm(const TensorView<const float, 2>& input, const MatMulTerm& term) {
  const ReferenceMatrix& matrix = AsReferenceMatrix(*term.matrix);
  std::vector<float> weights(static_cast<size_t>(matrix.columns()));
  for (int64_t r = 0; r < matrix.rows(); ++r) {
    matrix.DecodeRowTo(r, weights.data());
    for (int64_t t = 0; t < input.dim(0); ++t) {
      double sum = term.bias.data != nullptr ? double{term.bias(r)} : 0.0;
      for (int64_t c = 0; c < matrix.columns(); ++c) {
        sum += double{weights[static_cast<size_t>(c)]} * double{input(t, c)};
      }
      switch (term.write) {
        case MatMulWrite::kStore:
          term.out(t, r) = static_cast<float>(sum);
          break;
        case MatMulWrite::kAdd:
          term.out(t, r) = static_cast<float>(double{term.out(t, r)} + sum);
          break;
      }
    }
  }
}

}  // namespace

absl::Status ReferenceMatMul(const MatMulArgs& args) {
  ORIEL_RETURN_IF_ERROR(CheckMatMulArgs(args));
  for (const MatMulTerm& term : args.terms) MultiplyTerm(args.input, term);
  return absl::OkStatus();
}

}  // namespace oriel
