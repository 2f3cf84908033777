// The product of block-quantized weights with one token: bound by reading the weights once.
// Included once a target.

#if defined(ORIEL_KERNELS_CPU_MAT_MUL_ONE_TOKEN_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ORIEL_KERNELS_CPU_MAT_MUL_ONE_TOKEN_INL_H_
#undef ORIEL_KERNELS_CPU_MAT_MUL_ONE_TOKEN_INL_H_
#else
#define ORIEL_KERNELS_CPU_MAT_MUL_ONE_TOKEN_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/cpu/mat_mul_codecs-inl.h"
#include "kernels/cpu/mat_mul_input-inl.h"
#include "kernels/cpu/mat_mul_vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace oriel {
namespace HWY_NAMESPACE {

// The sink that multiplies with a single token on the spot, so that codes never go through memory.
// Its arithmetic is that of MultiplyTile, operation by operation.
template <class Codec>
class OneTokenProduct {
 public:
  HWY_INLINE OneTokenProduct(const std::byte* input, FloatVector total)
      : input_(input), total_(total) {}

  HWY_INLINE void Codes(int64_t block, int dword, DwordVector codes) {
    constexpr int kGroupDwords = Codec::kTwoScales ? 4 : 8;
    Group& group = groups_[block % kLiveBlocks][dword / kGroupDwords];
    const InputBlock<1> input = Input(block);
    if (dword % kGroupDwords == 0) {
      group.sum = ZeroTerm<Codec>(input, 0, Codec::kTwoScales ? 1 + dword / kGroupDwords : 0);
    }
    const IntVector weights = hn::BitCast(IntTag(), codes);
    const IntVector x = input.Codes(0, dword);
#if HWY_TARGET == HWY_AVX3_DL
    group.sum = AddProducts(group.sum, weights, x);
#else
    constexpr int kWiden = PairSteps(Codec::kCodeMax, kGroupDwords);
    const IntVector pairs = ByteProducts(weights, x, Codec::kSignedCodes);
    group.pairs = dword % kWiden == 0 ? pairs : AddPairs(group.pairs, pairs);
    if (dword % kWiden == kWiden - 1) group.sum = hn::Add(group.sum, WidenPairs(group.pairs));
#endif
  }
  HWY_INLINE void Scale(int64_t block, int group, FloatVector scale) {
    const IntVector products = groups_[block % kLiveBlocks][group].sum;
    total_ = hn::MulAdd(hn::ConvertTo(FloatTag(), products), hn::Mul(scale, Input(block).Scale(0)),
                        total_);
  }
  HWY_INLINE void Minimum(int64_t block, FloatVector minimum) {
    total_ = hn::MulAdd(minimum, Input(block).ScaledSum(0), total_);
  }
  HWY_INLINE FloatVector total() const { return total_; }

 private:
  // Products of columns that share a scale.
  struct Group {
    IntVector sum;
    IntVector pairs;  // not yet in `sum`; unused where products need no widening
  };

  // The K types give all codes of a chunk before the scales, the others block by block.
  static constexpr int kLiveBlocks = Codec::kIsSuperBlock ? static_cast<int>(kChunkBlocks) : 1;

  HWY_INLINE InputBlock<1> Input(int64_t block) const {
    return {input_ + block * kInputBlockBytes};
  }

  const std::byte* input_;
  FloatVector total_;
  Group groups_[kLiveBlocks][Codec::kTwoScales ? 2 : 1];
};

// One half of a panel: all its blocks in column order, one stream of memory.
template <class Codec>
HWY_NOINLINE FloatVector MultiplyOneToken(const typename Codec::Rows& rows, int64_t blocks,
                                          const std::byte* input) {
  FloatVector total = hn::Zero(FloatTag());
  for (int64_t first = 0; first < blocks; first += kChunkBlocks) {
    OneTokenProduct<Codec> product(input + first * kInputBlockBytes, total);
    Codec::Spread(rows, first, std::min(kChunkBlocks, blocks - first), product);
    total = product.total();
  }
  return total;
}

}  // namespace HWY_NAMESPACE
}  // namespace oriel
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
