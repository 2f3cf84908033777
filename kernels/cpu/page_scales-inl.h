// What is float in a packed page: scales, zeros and the step of the page centre. Compiled once for
// every instruction set.

#if defined(ORIEL_KERNELS_CPU_PAGE_SCALES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ORIEL_KERNELS_CPU_PAGE_SCALES_INL_H_
#undef ORIEL_KERNELS_CPU_PAGE_SCALES_INL_H_
#else
#define ORIEL_KERNELS_CPU_PAGE_SCALES_INL_H_
#endif

#include <cstring>

#include "hwy/highway.h"
#include "kernels/cpu/head_page_reader.h"
#include "kernels/cpu/page_tiles.h"
#include "kernels/cpu/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace oriel {
namespace HWY_NAMESPACE {

// The bytes of a scale section in lane order: byte 8g + i is token g + 8i, so the pair (2T, 2T + 1)
// of g becomes lanes 2g and 2g + 1 of tile T.
HWY_INLINE void OrderScales(const std::byte* HWY_RESTRICT section, uint8_t* HWY_RESTRICT codes) {
#if HWY_TARGET == HWY_SCALAR
  for (int g = 0; g < 8; ++g) {
    for (int i = 0; i < 8; ++i) {
      codes[16 * (i / 2) + 2 * g + i % 2] = std::to_integer<uint8_t>(section[8 * g + i]);
    }
  }
#else
  const hn::Full128<uint8_t> d8;
  const hn::Full128<uint32_t> d32;
  const hn::Full128<uint64_t> d64;
  // Two g in a vector: their pairs side by side.
  alignas(16) static constexpr uint8_t kPairs[16] = {0, 1, 8,  9,  2, 3, 10, 11,
                                                     4, 5, 12, 13, 6, 7, 14, 15};
  const auto pairs = hn::Load(d8, kPairs);
  const auto load = [&](int g) HWY_ATTR {
    const auto bytes = hn::LoadU(d8, reinterpret_cast<const uint8_t*>(section) + 8 * g);
    return hn::BitCast(d32, hn::TableLookupBytes(bytes, pairs));
  };
  const auto g01 = load(0), g23 = load(2), g45 = load(4), g67 = load(6);
  const auto store = [&](int tile, auto low, auto high) HWY_ATTR {
    hn::StoreU(hn::BitCast(d8, hn::InterleaveLower(d64, low, high)), d8, codes + 16 * tile);
    hn::StoreU(hn::BitCast(d8, hn::InterleaveUpper(d64, low, high)), d8, codes + 16 * tile + 16);
  };
  store(0, hn::BitCast(d64, hn::InterleaveLower(d32, g01, g23)),
        hn::BitCast(d64, hn::InterleaveLower(d32, g45, g67)));
  store(2, hn::BitCast(d64, hn::InterleaveUpper(d32, g01, g23)),
        hn::BitCast(d64, hn::InterleaveUpper(d32, g45, g67)));
#endif
}

// Scales of a half in lane order, times `factor`. A code is the upper byte of a half without its
// sign.
HWY_INLINE void ReadScales(const std::byte* HWY_RESTRICT section, float factor,
                           float* HWY_RESTRICT scales) {
  uint8_t codes[kPageTokens];
  OrderScales(section, codes);
  const FloatTag d;
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2
  const hn::Rebind<uint8_t, FloatTag> d8;
  const hn::Rebind<uint16_t, FloatTag> d16;
  const hn::Rebind<hwy::float16_t, FloatTag> df16;
  for (int i = 0; i < kPageTokens; i += kFloatLanes) {
    const auto bits = hn::ShiftLeft<7>(hn::PromoteTo(d16, hn::LoadU(d8, codes + i)));
    const FloatVec scale = hn::PromoteTo(d, hn::BitCast(df16, bits));
    hn::Store(hn::Mul(scale, hn::Set(d, factor)), d, scales + i);
  }
#else
  alignas(64) Half halves[kPageTokens];
  for (int i = 0; i < kPageTokens; ++i) halves[i].bits = static_cast<uint16_t>(codes[i] << 7);
  for (int i = 0; i < kPageTokens; i += kFloatLanes) {
    hn::Store(hn::Mul(LoadHalves(halves + i), hn::Set(d, factor)), d, scales + i);
  }
#endif
}

// value = code * scale + offset, for one half in lane order.
HWY_INLINE void ReadScalesAndOffsets(const HeadPageReader& reader, const HeadPageReader::Half& half,
                                     const std::byte* page, float* scales, float* offsets) {
  ReadScales(page + half.scales.offset, half.factor, scales);
  if (reader.asymmetric) ReadZeros(page + half.zeros.offset, offsets);
  for (int i = 0; i < kPageTokens; ++i) {
    offsets[i] = reader.asymmetric ? offsets[i] * half.factor : -half.middle * scales[i];
  }
}

// What a unit of the page centre's codes is worth.
HWY_INLINE float ReadCentreStep(const HeadPageReader& reader, const std::byte* page) {
  Half scale;
  std::memcpy(&scale, page + reader.layout.centre_scale.offset, sizeof(Half));
  return ToFloat(scale) * reader.keys.factor;
}

}  // namespace HWY_NAMESPACE
}  // namespace oriel
HWY_AFTER_NAMESPACE();

#endif  // ORIEL_KERNELS_CPU_PAGE_SCALES_INL_H_
