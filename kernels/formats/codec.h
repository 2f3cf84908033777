#ifndef ORIEL_KERNELS_FORMATS_CODEC_H_
#define ORIEL_KERNELS_FORMATS_CODEC_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace oriel {

// How one half (the keys or the values) of a head page is stored. The enumerators are part of the
// page format: a stored number keeps its meaning as long as kKvFormatVersion stays the same.
//
// A codec with L levels stores codes c, 0 <= c < L:
//   symmetric    value = scale * (c - (L - 1) / 2)
//   asymmetric   value = scale * c + zero
// The E8 codecs allow only rows of codes whose low bits are codewords (e8.h).
enum class Codec : uint8_t {
  kFp16,     // plain rows, no scales
  kInt8,     // 256 levels
  kInt4,     // 16 levels
  kInt2,     // 4 levels
  kInt1,     // 2 levels
  kE8_1p5,   // 4 levels a coordinate, on the E8 lattice: 12 bits for 8 values
  kE8_2p5,   // 8 levels a coordinate, on the E8 lattice: 20 bits for 8 values
  kTernary,  // 3 levels, five to a byte; for reference and evaluation
};

inline constexpr std::array<Codec, 8> kAllCodecs = {Codec::kFp16,   Codec::kInt8,   Codec::kInt4,
                                                    Codec::kInt2,   Codec::kInt1,   Codec::kE8_1p5,
                                                    Codec::kE8_2p5, Codec::kTernary};

// The two halves of a head page. They differ in the order of their codes.
enum class PageHalf : uint8_t { kKey, kValue };

inline constexpr int kPageTokens = 64;
inline constexpr int kHeadDimMax = 128;

// Everything in this folder is defined for these two head dimensions; others are padded or split by
// the caller.
constexpr bool IsSupportedHeadDim(int head_dim) { return head_dim == 64 || head_dim == 128; }

constexpr std::string_view CodecName(Codec codec) {
  switch (codec) {
    case Codec::kFp16:
      return "fp16";
    case Codec::kInt8:
      return "int8";
    case Codec::kInt4:
      return "int4";
    case Codec::kInt2:
      return "int2";
    case Codec::kInt1:
      return "int1";
    case Codec::kE8_1p5:
      return "e8_1p5";
    case Codec::kE8_2p5:
      return "e8_2p5";
    case Codec::kTernary:
      return "ternary";
  }
  return "?";
}

constexpr std::optional<Codec> CodecFromName(std::string_view name) {
  for (Codec codec : kAllCodecs) {
    if (CodecName(codec) == name) return codec;
  }
  return std::nullopt;
}

constexpr bool IsE8(Codec codec) { return codec == Codec::kE8_1p5 || codec == Codec::kE8_2p5; }

// Codecs whose codes are whole bit fields of 1, 2, 4 or 8 bits.
constexpr bool IsInteger(Codec codec) {
  return codec == Codec::kInt8 || codec == Codec::kInt4 || codec == Codec::kInt2 ||
         codec == Codec::kInt1;
}

// Number of codes a coordinate can take; 0 for fp16, which has no codes.
constexpr int Levels(Codec codec) {
  switch (codec) {
    case Codec::kFp16:
      return 0;
    case Codec::kInt8:
      return 256;
    case Codec::kInt4:
      return 16;
    case Codec::kInt2:
      return 4;
    case Codec::kInt1:
      return 2;
    case Codec::kE8_1p5:
      return 4;
    case Codec::kE8_2p5:
      return 8;
    case Codec::kTernary:
      return 3;
  }
  return 0;
}

// (L - 1) / 2: what a symmetric codec subtracts from a code. Exact in float.
constexpr float MiddleCode(Codec codec) { return 0.5f * static_cast<float>(Levels(codec) - 1); }

// Bytes of one half's code section: 64 tokens of head_dim values. A multiple of 16.
constexpr int CodeSectionBytes(Codec codec, int head_dim) {
  const int values = kPageTokens * head_dim;
  switch (codec) {
    case Codec::kFp16:
      return values * 2;
    case Codec::kInt8:
      return values;
    case Codec::kInt4:
      return values / 2;
    case Codec::kInt2:
      return values / 4;
    case Codec::kInt1:
      return values / 8;
    case Codec::kE8_1p5:
      return values * 3 / 16;
    case Codec::kE8_2p5:
      return values * 5 / 16;
    case Codec::kTernary:
      return kPageTokens * ((head_dim + 4) / 5);
  }
  return 0;
}

// Bits of the code section a value, without scales and centre; what configuration and reports call
// the codec's bits.
constexpr double BitsPerValue(Codec codec) {
  return 8.0 * CodeSectionBytes(codec, kHeadDimMax) / (kPageTokens * kHeadDimMax);
}

}  // namespace oriel

#endif  // ORIEL_KERNELS_FORMATS_CODEC_H_
