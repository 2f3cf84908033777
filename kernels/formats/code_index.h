#ifndef ORIEL_KERNELS_FORMATS_CODE_INDEX_H_
#define ORIEL_KERNELS_FORMATS_CODE_INDEX_H_

#include <cstdint>

#include "kernels/formats/codec.h"
#include "kernels/formats/e8.h"

namespace oriel {

// Where the bits of one code lie in its code section: closed formulas of the byte table in
// README.md. The order is that of the A operand of mma.m16n8k32, so that a lane loads whole vectors
// and one AND makes a register.
//
// Device code calls these with --expt-relaxed-constexpr; nothing here allocates or needs a host
// library.

// The code's integer (for the E8 codecs without its low bit) is `bits` wide at bit `bit` of byte
// `byte`. A stored low bit of an E8 code is bit `low_bit` of byte `low_byte`; where it is derived
// (E8Sources) or the codec has none, low_byte is -1.
struct CodePlace {
  int16_t byte = 0;
  int8_t bit = 0;
  int8_t bits = 0;
  int16_t low_byte = -1;
  int8_t low_bit = 0;

  constexpr bool has_low_bit() const { return low_byte >= 0; }
  friend constexpr bool operator==(CodePlace, CodePlace) = default;
};

// Ternary codes are no bit fields: five codes share a byte, the first in the least significant
// place.
struct TritPlace {
  int16_t byte = 0;
  int16_t weight = 1;  // 3^k; code = byte / weight % 3
};

constexpr TritPlace TernaryCodePlace(int head_dim, int token, int channel) {
  constexpr int16_t kPowers[5] = {1, 3, 9, 27, 81};
  const int row_bytes = CodeSectionBytes(Codec::kTernary, head_dim) / kPageTokens;
  return {static_cast<int16_t>(token * row_bytes + channel / 5), kPowers[channel % 5]};
}

namespace code_index_internal {

constexpr CodePlace MakePlace(int byte, int bit, int bits, int low_byte = -1, int low_bit = 0) {
  return {static_cast<int16_t>(byte), static_cast<int8_t>(bit), static_cast<int8_t>(bits),
          static_cast<int16_t>(low_byte), static_cast<int8_t>(low_bit)};
}

// Lane quarter t and byte b of a position z in 16, in the order that movmatrix leaves:
// z = {2t, 2t+1, 8+2t, 9+2t}[b].
struct QuarterByte {
  int t = 0;
  int b = 0;
};
constexpr QuarterByte MovmatrixOrder(int z) { return {z % 8 / 2, 2 * (z / 8) + z % 2}; }

// A key's place in the fragments of K q^T:
// token = 16 tile + 8 half + g, channel = 32 step + 16 r + kappa.
struct KeyFragment {
  int tile = 0;  // T: 16 tokens
  int half = 0;  // h: which 8 tokens of the tile
  int step = 0;  // s: 32 channels
  int r = 0;     // which 16 channels of the step
  int i = 0;     // 2s + r: 16 channels
  int lane = 0;  // 4g + t
  int b = 0;     // byte of a word
};

constexpr KeyFragment KeyFragmentOf(int head_dim, int token, int channel) {
  const int kappa = channel % 16;
  const QuarterByte place =
      head_dim == 128 ? QuarterByte{kappa / 4, kappa % 4} : MovmatrixOrder(kappa);
  return {.tile = token / 16,
          .half = token / 8 % 2,
          .step = channel / 32,
          .r = channel / 16 % 2,
          .i = channel / 16,
          .lane = 4 * (token % 8) + place.t,
          .b = place.b};
}

// A value's place in the fragments of V^T p^T. token = 32 y + 16 r + z, channel = 16 i + 8 u + g.
struct ValueFragment {
  int y = 0;     // half of 32 tokens
  int r = 0;     // 16 tokens inside it
  int i = 0;     // channel tile of 16
  int u = 0;     // 8 channels inside it
  int rt = 0;    // 2r + u: number of the A register
  int lane = 0;  // 4g + t
  int b = 0;     // byte of a word
};

constexpr ValueFragment ValueFragmentOf(int token, int channel) {
  const QuarterByte place = MovmatrixOrder(token % 16);
  const int r = token / 16 % 2;
  const int u = channel / 8 % 2;
  return {.y = token / 32,
          .r = r,
          .i = channel / 16,
          .u = u,
          .rt = 2 * r + u,
          .lane = 4 * (channel % 8) + place.t,
          .b = place.b};
}

// Byte b of word `word` of a lane's 16 bytes in the 512-byte chunk `chunk`.
constexpr int ChunkByte(int chunk, int lane, int word, int b) {
  return 512 * chunk + 16 * lane + 4 * word + b;
}

constexpr CodePlace KeyIntegerPlace(int bits, int head_dim, const KeyFragment& f) {
  const int fields = 8 / bits;
  const int x = head_dim / 32 * f.tile + f.step;
  return MakePlace(ChunkByte(x / fields, f.lane, 2 * f.half + f.r, f.b), bits * (x % fields), bits);
}

constexpr CodePlace ValueIntegerPlace(int bits, int head_dim, const ValueFragment& f) {
  const int fields = 8 / bits;
  const int tiles = head_dim / 16;
  // int1 at 64: a byte has more fields than there are channel tiles, so both u share it.
  if (fields > tiles) {
    return MakePlace(ChunkByte(0, f.lane, 2 * f.y + f.r, f.b), 4 * f.u + f.i, bits);
  }
  const int x = tiles * f.y + f.i;
  return MakePlace(ChunkByte(x / fields, f.lane, f.rt, f.b), bits * (x % fields), bits);
}

// The stored low bits of keys, behind `high_bytes` of high bits. Both E8 codecs share this order.
constexpr CodePlace WithKeyLowBit(CodePlace high, int high_bytes, int head_dim,
                                  const KeyFragment& f) {
  if (head_dim == 128) {
    if (f.i >= 4) return high;
    return MakePlace(high.byte, high.bit, high.bits, high_bytes + 16 * f.lane + 4 * f.tile + f.b,
                     2 * f.i + f.half);
  }
  if (f.b >= 2) return high;
  return MakePlace(high.byte, high.bit, high.bits,
                   high_bytes + 8 * f.lane + 4 * (f.tile / 2) + 2 * f.half + f.b,
                   2 * f.i + f.tile % 2);
}

constexpr CodePlace KeyE8_1p5Place(int head_dim, const KeyFragment& f) {
  if (head_dim == 128) {
    const int bit = f.i < 4 ? 2 * f.i + 1 : 2 * (f.i - 4);
    const int byte = ChunkByte(f.tile / 2, f.lane, 2 * (f.tile % 2) + f.half, f.b);
    return WithKeyLowBit(MakePlace(byte, bit, 1), 1024, head_dim, f);
  }
  const int byte = ChunkByte(0, f.lane, f.tile, f.b);
  return WithKeyLowBit(MakePlace(byte, 2 * f.i + 1 - f.half, 1), 512, head_dim, f);
}

constexpr CodePlace KeyE8_2p5Place(int head_dim, const KeyFragment& f) {
  if (head_dim == 128) {
    const int byte = ChunkByte(f.tile, f.lane, 2 * f.half + f.r, f.b);
    return WithKeyLowBit(MakePlace(byte, 4 * (f.step % 2) + 2 * (1 - f.step / 2), 2), 2048,
                         head_dim, f);
  }
  const int byte = ChunkByte(f.tile / 2, f.lane, 2 * (f.tile % 2) + f.half, f.b);
  return WithKeyLowBit(MakePlace(byte, 4 * f.step + 2 * (1 - f.r), 2), 1024, head_dim, f);
}

// Low bits of values at head_dim 64, behind `high_bytes` of high bits. Both E8 codecs share this
// order.
constexpr CodePlace WithValueLowBit64(CodePlace high, int high_bytes, const ValueFragment& f) {
  if (f.u != 0) return high;
  return MakePlace(high.byte, high.bit, high.bits, high_bytes + 8 * f.lane + 4 * f.y + f.b,
                   2 * f.i + f.r);
}

constexpr CodePlace ValueE8_1p5Place(int head_dim, const ValueFragment& f) {
  if (head_dim == 64) {
    const int byte = ChunkByte(0, f.lane, 2 * f.y + f.r, f.b);
    return WithValueLowBit64(MakePlace(byte, 2 * f.i + 1 - f.u, 1), 512, f);
  }
  // A lane's twelve words, H0 H1 H2 H3 L0 L1 for each half of 32 tokens, are dealt over three
  // chunks four at a time.
  const int high_word = 6 * f.y + f.rt;
  const int high_byte = ChunkByte(high_word / 4, f.lane, high_word % 4, f.b);
  if (f.i >= 4) return MakePlace(high_byte, 2 * (f.i - 4), 1);
  const int low_word = 6 * f.y + 4 + f.r;
  return MakePlace(high_byte, 2 * f.i + 1, 1, ChunkByte(low_word / 4, f.lane, low_word % 4, f.b),
                   2 * f.i + f.u);
}

constexpr CodePlace ValueE8_2p5Place(int head_dim, const ValueFragment& f) {
  if (head_dim == 64) {
    const int byte = ChunkByte(f.y, f.lane, f.rt, f.b);
    return WithValueLowBit64(MakePlace(byte, 4 * (f.i / 2) + 2 * (1 - f.i % 2), 2), 1024, f);
  }
  const int byte = ChunkByte(2 * f.y + f.i % 2, f.lane, f.rt, f.b);
  const int bit = 4 * (f.i / 2 % 2) + 2 * (1 - f.i / 4);
  if (f.i >= 4) return MakePlace(byte, bit, 2);
  return MakePlace(byte, bit, 2, ChunkByte(4, f.lane, 2 * f.y + f.r, f.b), 2 * f.i + f.u);
}

}  // namespace code_index_internal

// Limits (both): head_dim 64 or 128; token < 64; channel < head_dim; an integer or E8 codec. Fp16
// rows are plain and ternary has TernaryCodePlace: for these two the result is empty (bits == 0).
constexpr CodePlace KeyCodePlace(Codec codec, int head_dim, int token, int channel) {
  namespace internal = code_index_internal;
  const internal::KeyFragment f = internal::KeyFragmentOf(head_dim, token, channel);
  switch (codec) {
    case Codec::kInt8:
      return internal::KeyIntegerPlace(8, head_dim, f);
    case Codec::kInt4:
      return internal::KeyIntegerPlace(4, head_dim, f);
    case Codec::kInt2:
      return internal::KeyIntegerPlace(2, head_dim, f);
    case Codec::kInt1:
      return internal::KeyIntegerPlace(1, head_dim, f);
    case Codec::kE8_1p5:
      return internal::KeyE8_1p5Place(head_dim, f);
    case Codec::kE8_2p5:
      return internal::KeyE8_2p5Place(head_dim, f);
    case Codec::kFp16:
    case Codec::kTernary:
      return {};
  }
  return {};
}

constexpr CodePlace ValueCodePlace(Codec codec, int head_dim, int token, int channel) {
  namespace internal = code_index_internal;
  const internal::ValueFragment f = internal::ValueFragmentOf(token, channel);
  switch (codec) {
    case Codec::kInt8:
      return internal::ValueIntegerPlace(8, head_dim, f);
    case Codec::kInt4:
      return internal::ValueIntegerPlace(4, head_dim, f);
    case Codec::kInt2:
      return internal::ValueIntegerPlace(2, head_dim, f);
    case Codec::kInt1:
      return internal::ValueIntegerPlace(1, head_dim, f);
    case Codec::kE8_1p5:
      return internal::ValueE8_1p5Place(head_dim, f);
    case Codec::kE8_2p5:
      return internal::ValueE8_2p5Place(head_dim, f);
    case Codec::kFp16:
    case Codec::kTernary:
      return {};
  }
  return {};
}

constexpr CodePlace CodePlaceOf(PageHalf half, Codec codec, int head_dim, int token, int channel) {
  switch (half) {
    case PageHalf::kKey:
      return KeyCodePlace(codec, head_dim, token, channel);
    case PageHalf::kValue:
      return ValueCodePlace(codec, head_dim, token, channel);
  }
  return {};
}

}  // namespace oriel

#endif  // ORIEL_KERNELS_FORMATS_CODE_INDEX_H_
