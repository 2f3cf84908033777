// kernels/formats/group_encoder.h for many tokens at once: a token is a lane, so that every sum
// keeps the order that the contract gives it and nothing is added across lanes. Operations are
// those of the contract, one by one and unfused. Compiled once for every instruction set.

#if defined(ORIEL_KERNELS_CPU_TOKEN_ENCODER_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ORIEL_KERNELS_CPU_TOKEN_ENCODER_INL_H_
#undef ORIEL_KERNELS_CPU_TOKEN_ENCODER_INL_H_
#else
#define ORIEL_KERNELS_CPU_TOKEN_ENCODER_INL_H_
#endif

#include <limits>

#include "hwy/highway.h"
#include "kernels/cpu/vector_math-inl.h"
#include "kernels/formats/e8.h"
#include "kernels/formats/group_encoder.h"
#include "kernels/formats/scale_5_3.h"

HWY_BEFORE_NAMESPACE();
namespace oriel {
namespace HWY_NAMESPACE {

// Lane sums of the contract, one vector of tokens each: sums[l] collects channels 16i + l.
struct LaneSums {
  FloatVec lanes[kNumSumLanes];

  HWY_INLINE FloatVec Total() {
    for (size_t distance = kNumSumLanes / 2; distance > 0; distance /= 2) {
      for (size_t l = 0; l < distance; ++l) lanes[l] = hn::Add(lanes[l], lanes[l + distance]);
    }
    return lanes[0];
  }
};

HWY_INLINE FloatVec RoundClamped(FloatVec v, FloatVec top) {
  return hn::Round(hn::Min(hn::Max(v, hn::Zero(FloatTag())), top));
}

// A step that can be stored, and its code.
struct StepCode {
  FloatVec step;
  IntVec code;
};

// The stored scale nearest to v > 0, not below the least one: EncodeScale and DecodeScale of
// scale_5_3.h.
HWY_INLINE StepCode SnapStep(FloatVec v) {
  const FloatTag d;
  const IntTag di;
  constexpr int kRebias = 127 - 15;
  const FloatVec capped = hn::Min(v, hn::Set(d, DecodeScale(kMaxScaleCode)));
  const IntVec bits = hn::BitCast(di, capped);
  const IntVec odd = hn::And(hn::ShiftRight<20>(bits), hn::Set(di, 1));
  const IntVec rounded = hn::Add(bits, hn::Add(odd, hn::Set(di, 0x7FFFF)));
  const IntVec normal = hn::Sub(hn::ShiftRight<20>(rounded), hn::Set(di, kRebias << 3));
  // Small scales count steps of 2^-17; 2^23 has no fraction, so adding it rounds.
  const FloatVec whole = hn::Set(d, 8388608.0f);
  const FloatVec steps = hn::Add(hn::Mul(capped, hn::Set(d, 131072.0f)), whole);
  const IntVec small = hn::Sub(hn::BitCast(di, steps), hn::BitCast(di, whole));
  const auto is_normal = hn::Gt(hn::ShiftRight<23>(bits), hn::Set(di, kRebias));
  const IntVec code = hn::Max(hn::IfThenElse(is_normal, normal, small), hn::Set(di, 1));
  const FloatVec large_step =
      hn::BitCast(d, hn::ShiftLeft<20>(hn::Add(code, hn::Set(di, kRebias << 3))));
  const FloatVec small_step = hn::Mul(hn::ConvertTo(d, code), hn::Set(d, 1.0f / 131072.0f));
  const auto is_small = hn::RebindMask(d, hn::Lt(code, hn::Set(di, 8)));
  return {hn::IfThenElse(is_small, small_step, large_step), code};
}

// One codec's constants.
struct CodeAxis {
  explicit CodeAxis(Codec codec)
      : top(hn::Set(FloatTag(), static_cast<float>(Levels(codec) - 1))),
        half_top(hn::Set(FloatTag(), static_cast<float>(Levels(codec) / 2 - 1))),
        middle(hn::Set(FloatTag(), MiddleCode(codec))) {}
  FloatVec top;
  FloatVec half_top;
  FloatVec middle;
};

// Nearest codes of an E8 block to its places z on the code axis.
HWY_INLINE void NearestE8(const CodeAxis& axis, const FloatVec (&z)[8], FloatVec (&codes)[8]) {
  const FloatTag d;
  const IntTag di;
  const FloatVec half = hn::Set(d, 0.5f);
  const FloatVec one = hn::Set(d, 1.0f);
  FloatVec nearest[2][8];
  FloatVec pairs[4][4];  // [positions 2k, 2k + 1][their low bits]
  HWY_UNROLL(4)
  for (int k = 0; k < 4; ++k) {
    FloatVec cost[2][2];
    HWY_UNROLL(2)
    for (int j = 0; j < 2; ++j) {
      const FloatVec x = z[2 * k + j];
      const FloatVec even = RoundClamped(hn::Mul(x, half), axis.half_top);
      const FloatVec odd = RoundClamped(hn::Mul(hn::Sub(x, one), half), axis.half_top);
      nearest[0][2 * k + j] = hn::Add(even, even);
      nearest[1][2 * k + j] = hn::Add(hn::Add(odd, odd), one);
      const FloatVec error0 = hn::Sub(x, nearest[0][2 * k + j]);
      const FloatVec error1 = hn::Sub(x, nearest[1][2 * k + j]);
      cost[j][0] = hn::Mul(error0, error0);
      cost[j][1] = hn::Mul(error1, error1);
    }
    HWY_UNROLL(4)
    for (int bits = 0; bits < 4; ++bits)
      pairs[k][bits] = hn::Add(cost[0][bits & 1], cost[1][bits >> 1]);
  }
  FloatVec least = hn::Set(d, std::numeric_limits<float>::infinity());
  IntVec best = hn::Zero(di);
  HWY_UNROLL(16)
  for (int index = 0; index < kNumE8Codewords; ++index) {
    const int word = E8Codeword(index);
    const FloatVec total = hn::Add(hn::Add(pairs[0][word & 3], pairs[1][(word >> 2) & 3]),
                                   hn::Add(pairs[2][(word >> 4) & 3], pairs[3][(word >> 6) & 3]));
    const auto is_less = hn::Lt(total, least);
    least = hn::Min(total, least);
    best = hn::IfThenElse(hn::RebindMask(di, is_less), hn::Set(di, word), best);
  }
  HWY_UNROLL(8)
  for (int p = 0; p < 8; ++p) {
    const auto is_odd = hn::RebindMask(d, hn::TestBit(best, hn::Set(di, 1 << p)));
    codes[p] = hn::IfThenElse(is_odd, nearest[1][p], nearest[0][p]);
  }
}

// Encodes the tokens of one vector. Rows are columns: x[channel * 64] is a vector of tokens.
template <int kDim, bool kIsE8>
class TokenEncoder {
 public:
  TokenEncoder(PageHalf half, Codec codec) : half_(half), codec_(codec), axis_(codec) {}

  // Writes codes[channel * 64] and scales, a byte a token.
  HWY_NOINLINE void Encode(const float* HWY_RESTRICT x, uint8_t* HWY_RESTRICT codes,
                           uint8_t* HWY_RESTRICT scales) const {
    const FloatTag d;
    const IntTag di;
    const FloatVec energy = Energy(x);
    const FloatVec rms = hn::Sqrt(hn::Mul(energy, hn::Set(d, 1.0f / static_cast<float>(kDim))));
    StepCode best = {hn::Set(d, 1.0f), hn::Zero(di)};
    FloatVec least = hn::Set(d, std::numeric_limits<float>::infinity());
    for (float factor : kStepFactors) {
      const StepCode candidate = SnapStep(hn::Mul(rms, hn::Set(d, BaseStep(codec_) * factor)));
      const FloatVec error = Error(x, candidate.step);
      const auto is_less = hn::Lt(error, least);
      least = hn::IfThenElse(is_less, error, least);
      best.step = hn::IfThenElse(is_less, candidate.step, best.step);
    }
    const auto is_zero = hn::Eq(energy, hn::Zero(d));
    const FloatVec overlap = WriteCodes(x, best.step, is_zero, codes);
    const IntVec code = SnapStep(hn::Mul(best.step, ScaleFactor(energy, overlap))).code;
    StoreBytes(hn::IfThenZeroElse(hn::RebindMask(di, is_zero), code), scales);
  }

 private:
  using FloatMask = hn::Mask<FloatTag>;

  static HWY_INLINE void StoreBytes(IntVec v, uint8_t* HWY_RESTRICT to) {
    const hn::Rebind<uint8_t, IntTag> d8;
    hn::StoreU(hn::DemoteTo(d8, v), d8, to);
  }

  static HWY_INLINE FloatVec Load(const float* HWY_RESTRICT x, int channel) {
    return hn::Load(FloatTag(), x + channel * kPageTokens);
  }

  static FloatVec Energy(const float* HWY_RESTRICT x) {
    LaneSums sums;
    for (int l = 0; l < static_cast<int>(kNumSumLanes); ++l) {
      FloatVec sum = hn::Zero(FloatTag());
      for (int c = l; c < kDim; c += static_cast<int>(kNumSumLanes)) {
        sum = hn::Add(sum, hn::Mul(Load(x, c), Load(x, c)));
      }
      sums.lanes[l] = sum;
    }
    return sums.Total();
  }

  // The codes of one sum lane's channels, or of one E8 block's, given to use(channel, x, code) in
  // rising order a lane.
  template <typename Use>
  HWY_INLINE void ForBlock(const float* HWY_RESTRICT x, int block, FloatVec inverse,
                           Use use) const {
    if constexpr (kIsE8) {
      FloatVec z[8];
      FloatVec code[8];
      HWY_UNROLL(8)
      for (int p = 0; p < 8; ++p) {
        z[p] = hn::Add(hn::Mul(Load(x, E8Channel(kDim, block, p)), inverse), axis_.middle);
      }
      NearestE8(axis_, z, code);
      HWY_UNROLL(8)
      for (int p = 0; p < 8; ++p) {
        const int channel = E8Channel(kDim, block, p);
        use(channel, Load(x, channel), code[p]);
      }
    } else {
      HWY_UNROLL(8)
      for (int i = 0; i < kDim / 16; ++i) {
        const FloatVec v = Load(x, 16 * i + block);
        const FloatVec z = hn::Add(hn::Mul(v, inverse), axis_.middle);
        use(16 * i + block, v, RoundClamped(z, axis_.top));
      }
    }
  }

  static constexpr int kBlocks = kIsE8 ? kDim / 8 : 16;

  // Sum of term(channel, x, code) in the order of the contract.
  template <typename Term>
  HWY_INLINE FloatVec Sum(const float* HWY_RESTRICT x, FloatVec step, Term term) const {
    const FloatTag d;
    const FloatVec inverse = hn::Div(hn::Set(d, 1.0f), step);
    LaneSums sums;
    for (int block = 0; block < kBlocks; ++block) {
      // A block's channels feed sum lane `block`, and at head_dim 64 an E8 block's last four lane 8
      // + block.
      FloatVec first = hn::Zero(d);
      FloatVec second = hn::Zero(d);
      ForBlock(x, block, inverse, [&](int channel, FloatVec v, FloatVec code) HWY_ATTR {
        FloatVec& sum = channel % 16 == block ? first : second;
        sum = hn::Add(sum, term(channel, v, code));
      });
      sums.lanes[block] = first;
      if constexpr (kBlocks == 8) sums.lanes[block + 8] = second;
    }
    return sums.Total();
  }

  HWY_INLINE FloatVec Decoded(FloatVec step, FloatVec code) const {
    return hn::Mul(step, hn::Sub(code, axis_.middle));
  }

  HWY_NOINLINE FloatVec Error(const float* HWY_RESTRICT x, FloatVec step) const {
    return Sum(x, step, [&](int, FloatVec v, FloatVec code) HWY_ATTR {
      const FloatVec error = hn::Sub(v, Decoded(step, code));
      return hn::Mul(error, error);
    });
  }

  HWY_NOINLINE FloatVec WriteCodes(const float* HWY_RESTRICT x, FloatVec step, FloatMask is_zero,
                                   uint8_t* HWY_RESTRICT codes) const {
    return Sum(x, step, [&](int channel, FloatVec v, FloatVec code) HWY_ATTR {
      const IntVec whole = hn::ConvertTo(IntTag(), hn::IfThenZeroElse(is_zero, code));
      StoreBytes(whole, codes + channel * kPageTokens);
      return hn::Mul(v, Decoded(step, code));
    });
  }

  HWY_INLINE FloatVec ScaleFactor(FloatVec energy, FloatVec overlap) const {
    const FloatTag d;
    const FloatVec one = hn::Set(d, 1.0f);
    const auto is_positive = hn::Gt(overlap, hn::Zero(d));
    const FloatVec divisor = hn::IfThenElse(is_positive, overlap, one);
    const FloatVec alpha = hn::IfThenElse(is_positive, hn::Div(energy, divisor), one);
    FloatVec factor = alpha;
    if (half_ == PageHalf::kKey) {
      factor = hn::Add(one, hn::Mul(hn::Set(d, 0.5f), hn::Sub(alpha, one)));
    }
    return hn::Min(hn::Max(factor, hn::Set(d, kLeastScaleFactor)),
                   hn::Set(d, kGreatestScaleFactor));
  }

  PageHalf half_;
  Codec codec_;
  CodeAxis axis_;
};

}  // namespace HWY_NAMESPACE
}  // namespace oriel
HWY_AFTER_NAMESPACE();

#endif  // ORIEL_KERNELS_CPU_TOKEN_ENCODER_INL_H_
