#include "kernels/cpu/mat_mul_floats.h"

#include <cstddef>

#include "kernels/core/check.h"
#include "kernels/cpu/cpu_matrix.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/mat_mul_floats.cc"
#include "hwy/foreach_target.h"

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace oriel {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::ScalableTag<float>;
using FloatVector = hn::Vec<FloatTag>;
constexpr int kLanes = HWY_LANES(float);
constexpr int kRunningSums = 32 / kLanes;  // vectors that hold the 32 running sums

struct F32Weights {
  static HWY_INLINE FloatVector Load(const std::byte* row, int64_t column) {
    return hn::LoadU(FloatTag(), reinterpret_cast<const float*>(row) + column);
  }
};

struct F16Weights {
  static HWY_INLINE FloatVector Load(const std::byte* row, int64_t column) {
    const hn::Rebind<hwy::float16_t, FloatTag> d16;
    const auto* numbers = reinterpret_cast<const hwy::float16_t*>(row) + column;
    return hn::PromoteTo(FloatTag(), hn::LoadU(d16, numbers));
  }
};

struct BF16Weights {
  static HWY_INLINE FloatVector Load(const std::byte* row, int64_t column) {
    const hn::RebindToUnsigned<FloatTag> d32;
    const hn::Rebind<uint16_t, FloatTag> d16;
    const auto* numbers = reinterpret_cast<const uint16_t*>(row) + column;
    const auto bits = hn::PromoteTo(d32, hn::LoadU(d16, numbers));
    return hn::BitCast(FloatTag(), hn::ShiftLeft<16>(bits));
  }
};

HWY_INLINE float AddRunningSums(FloatVector (&sums)[kRunningSums]) {
  for (int width = kRunningSums / 2; width > 0; width /= 2) {
    for (int i = 0; i < width; ++i) sums[i] = hn::Add(sums[i], sums[i + width]);
  }
  return hn::GetLane(hn::SumOfLanes(FloatTag(), sums[0]));
}

// One weight row times kTokens rows of the input.
template <class Weights, int kTokens>
HWY_INLINE void MultiplyRow(const std::byte* row, const float* const (&inputs)[kTokens],
                            int64_t columns, float (&out)[kTokens]) {
  FloatVector sums[kTokens][kRunningSums];
  for (int t = 0; t < kTokens; ++t) {
    for (int i = 0; i < kRunningSums; ++i) sums[t][i] = hn::Zero(FloatTag());
  }
  for (int64_t c = 0; c < columns; c += 32) {
    for (int i = 0; i < kRunningSums; ++i) {
      const FloatVector weights = Weights::Load(row, c + i * kLanes);
      for (int t = 0; t < kTokens; ++t) {
        const FloatVector x = hn::LoadU(FloatTag(), inputs[t] + c + i * kLanes);
        sums[t][i] = hn::MulAdd(weights, x, sums[t][i]);
      }
    }
  }
  for (int t = 0; t < kTokens; ++t) out[t] = AddRunningSums(sums[t]);
}

void WriteOne(const MatMulTerm& term, int64_t t, int64_t r, float product) {
  if (term.bias.data != nullptr) product += term.bias(r);
  float& out = term.out(t, r);
  out = term.write == MatMulWrite::kAdd ? out + product : product;
}

template <class Weights>
void MultiplyRowsOf(const TensorView<const float, 2>& input, const MatMulTerm& term,
                    int64_t first_row, int64_t rows) {
  const CpuMatrix& matrix = AsCpuMatrix(*term.matrix);
  constexpr int kTokens = 4;
  for (int64_t r = first_row; r < first_row + rows; ++r) {
    int64_t t = 0;
    for (; t + kTokens <= input.dim(0); t += kTokens) {
      const float* const inputs[kTokens] = {input.row(t), input.row(t + 1), input.row(t + 2),
                                            input.row(t + 3)};
      float out[kTokens];
      MultiplyRow<Weights, kTokens>(matrix.row(r), inputs, matrix.columns(), out);
      for (int i = 0; i < kTokens; ++i) WriteOne(term, t + i, r, out[i]);
    }
    for (; t < input.dim(0); ++t) {
      const float* const inputs[1] = {input.row(t)};
      float out[1];
      MultiplyRow<Weights, 1>(matrix.row(r), inputs, matrix.columns(), out);
      WriteOne(term, t, r, out[0]);
    }
  }
}

void MultiplyFloatRowsHere(const TensorView<const float, 2>& input, const MatMulTerm& term,
                           int64_t first_row, int64_t rows) {
  switch (term.matrix->dtype()) {
    case DType::kF32:
      return MultiplyRowsOf<F32Weights>(input, term, first_row, rows);
    case DType::kF16:
      return MultiplyRowsOf<F16Weights>(input, term, first_row, rows);
    case DType::kBF16:
      return MultiplyRowsOf<BF16Weights>(input, term, first_row, rows);
    case DType::kQ4_0:
    case DType::kQ4_1:
    case DType::kQ5_0:
    case DType::kQ5_1:
    case DType::kQ8_0:
    case DType::kQ4_K:
    case DType::kQ5_K:
    case DType::kQ6_K:
      ORIEL_CHECK(false);  // mat_mul_blocks.h
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace oriel
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace oriel {
HWY_EXPORT(MultiplyFloatRowsHere);

void MultiplyFloatRows(const TensorView<const float, 2>& input, const MatMulTerm& term,
                       int64_t first_row, int64_t rows) {
  HWY_DYNAMIC_DISPATCH(MultiplyFloatRowsHere)(input, term, first_row, rows);
}

}  // namespace oriel
#endif  // HWY_ONCE
