// The input of a product with block-quantized weights: how it is rounded, and how a product reads
// it (fields in mat_mul_blocks.h). Included once a target.

#if defined(ORIEL_KERNELS_CPU_MAT_MUL_INPUT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ORIEL_KERNELS_CPU_MAT_MUL_INPUT_INL_H_
#undef ORIEL_KERNELS_CPU_MAT_MUL_INPUT_INL_H_
#else
#define ORIEL_KERNELS_CPU_MAT_MUL_INPUT_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/core/tensor_view.h"
#include "kernels/cpu/mat_mul_blocks.h"
#include "kernels/cpu/mat_mul_vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace oriel {
namespace HWY_NAMESPACE {

// Tokens multiplied at a time: as many as leave the sums of a panel in registers.
constexpr int kTileTokens = HWY_MAX_BYTES == 64 ? 6 : 4;

// One block of a tile of kTokens tokens; field layout in mat_mul_blocks.h.
template <int kTokens>
struct InputBlock {
  const std::byte* data;

  template <typename T>
  HWY_INLINE T Read(int64_t offset) const {
    T value;
    std::memcpy(&value, data + offset, sizeof(T));
    return value;
  }
  HWY_INLINE IntVector Codes(int token, int dword) const {
    return hn::Set(IntTag(), Read<int32_t>(32 * token + 4 * dword));
  }
  HWY_INLINE FloatVector Scale(int token) const {
    return hn::Set(FloatTag(), Read<float>(32 * kTokens + 4 * token));
  }
  HWY_INLINE FloatVector ScaledSum(int token) const {
    return hn::Set(FloatTag(), Read<float>(36 * kTokens + 4 * token));
  }
  // part 0: all codes, 1 and 2: the first and the last 16.
  HWY_INLINE IntVector NegatedSum(int token, int part) const {
    return hn::Set(IntTag(), Read<int32_t>(40 * kTokens + 4 * (part * kTokens + token)));
  }
};

// What the codes' zero takes from a sum of products: zero * (sum of the input's codes), negative.
template <class Codec, int kTokens>
HWY_INLINE IntVector ZeroTerm(InputBlock<kTokens> input, int token, int part) {
  if constexpr (Codec::kZeroShift == 0) {
    return hn::Zero(IntTag());
  } else {
    return hn::ShiftLeft<Codec::kZeroShift>(input.NegatedSum(token, part));
  }
}

// The largest magnitude of `columns` numbers, found by its bits: a NaN is above infinity there
// and so ends in the scale.
HWY_INLINE float LargestMagnitude(const float* x, int64_t columns) {
  const FloatTag d;
  const IntTag di;
  IntVector largest = hn::Zero(di);
  for (int64_t c = 0; c < columns; c += kLanes) {
    largest = hn::Max(largest, hn::BitCast(di, hn::Abs(hn::LoadU(d, x + c))));
  }
  const int32_t bits = hn::GetLane(hn::MaxOfLanes(di, largest));
  float magnitude;
  std::memcpy(&magnitude, &bits, sizeof(magnitude));
  return magnitude;
}

// Rounds 32 numbers of token `t` among `tokens` into block `block`, in steps of magnitude / 127.
HWY_INLINE void RoundBlock(const float* x, float magnitude, int64_t t, int64_t tokens,
                           std::byte* block) {
  const FloatTag d;
  const IntTag di;
  const hn::Rebind<int8_t, FloatTag> d8;
  // Below this the reciprocal would overflow; such a block counts as zero.
  constexpr float kSmallest = 1e-36f;
  const FloatVector inverse = hn::Set(d, magnitude > kSmallest ? 127.0f / magnitude : 0.0f);
  const float scale = magnitude / 127.0f;

  // Unsigned, for the codes of numbers that are not finite add up beyond 31 bits; their scale makes
  // every product NaN whatever the sum.
  uint32_t half_sums[2];
  for (int half = 0; half < 2; ++half) {
    IntVector sum = hn::Zero(di);
    for (int c = 16 * half; c < 16 * half + 16; c += kLanes) {
      const IntVector codes = hn::NearestInt(hn::Mul(hn::LoadU(d, x + c), inverse));
      sum = hn::Add(sum, codes);
      hn::StoreU(hn::DemoteTo(d8, codes), d8, reinterpret_cast<int8_t*>(block) + 32 * t + c);
    }
    half_sums[half] = static_cast<uint32_t>(hn::GetLane(hn::SumOfLanes(di, sum)));
  }
  const uint32_t total = half_sums[0] + half_sums[1];
  const auto write = [&](int64_t field, auto value) {
    std::memcpy(block + (32 + 4 * field) * tokens + 4 * t, &value, sizeof(value));
  };
  write(0, scale);
  write(1, scale * static_cast<float>(static_cast<int32_t>(total)));
  write(2, 0u - total);
  write(3, 0u - half_sums[0]);
  write(4, 0u - half_sums[1]);
}

void RoundInputTileHere(const TensorView<const float, 2>& input, int64_t tile,
                        const RoundedInput& rounded) {
  const int64_t first = tile * kTileTokens;
  const int64_t tokens = std::min<int64_t>(kTileTokens, rounded.tokens - first);
  const int64_t unit_blocks = rounded.rounding_columns / kInputBlock;
  std::byte* data = rounded.data + first * rounded.blocks * kInputBlockBytes;
  for (int64_t t = 0; t < tokens; ++t) {
    const float* row = input.row(first + t);
    float magnitude = 0.0f;
    for (int64_t b = 0; b < rounded.blocks; ++b) {
      const float* x = row + b * kInputBlock;
      if (b % unit_blocks == 0) magnitude = LargestMagnitude(x, rounded.rounding_columns);
      RoundBlock(x, magnitude, t, tokens, data + b * tokens * kInputBlockBytes);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace oriel
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
