#ifndef ORIEL_KERNELS_FORMATS_E8_H_
#define ORIEL_KERNELS_FORMATS_E8_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace oriel {

// Structure of the E8 codecs. A block is eight channels of one token whose low code bits form a
// codeword of the [8,4,4] extended Hamming code: the low bits at positions 0..3 are free and
// stored, the one at position 4 + k is the XOR of the free ones except position k. (Construction A
// on this code is the E8 lattice.)
//
// A block's channels meet in one lane's registers:
//   head_dim 128: block b = 0..15 has channel 16i + b at position i, i = 0..7
//   head_dim  64: block b = 0..7 has channel 16i + b at position i and 16i + 8 + b at position 4 +
//   i, i = 0..3

inline constexpr int kE8BlockChannels = 8;
inline constexpr int kNumE8Codewords = 16;

constexpr int NumE8Blocks(int head_dim) { return head_dim / kE8BlockChannels; }

constexpr int E8Block(int head_dim, int channel) {
  return head_dim == 128 ? channel % 16 : channel % 8;
}

constexpr int E8Position(int head_dim, int channel) {
  return head_dim == 128 ? channel / 16 : channel / 16 + 4 * (channel / 8 % 2);
}

constexpr int E8Channel(int head_dim, int block, int position) {
  if (head_dim == 128) return 16 * position + block;
  return 16 * (position % 4) + 8 * (position / 4) + block;
}

// Whether the channel's low bit is stored rather than derived.
constexpr bool IsE8FreeChannel(int head_dim, int channel) {
  return E8Position(head_dim, channel) < 4;
}

// The three channels whose low bits XOR to the low bit of a channel that is not free.
constexpr std::array<int, 3> E8Sources(int head_dim, int channel) {
  const int block = E8Block(head_dim, channel);
  const int left_out = E8Position(head_dim, channel) - 4;
  std::array<int, 3> sources{};
  size_t count = 0;
  for (int position = 0; position < 4; ++position) {
    if (position != left_out) sources[count++] = E8Channel(head_dim, block, position);
  }
  return sources;
}

// Codeword of an index 0..15: bit p is the low bit at position p, and the index is its four free
// bits.
constexpr uint8_t E8Codeword(int index) {
  const int parity = (index ^ (index >> 1) ^ (index >> 2) ^ (index >> 3)) & 1;
  const int derived = index ^ (parity != 0 ? 0xF : 0);
  return static_cast<uint8_t>(index | (derived << 4));
}

static_assert(E8Codeword(0b0001) == 0b1110'0001 && E8Codeword(0b1111) == 0b1111'1111);

}  // namespace oriel

#endif  // ORIEL_KERNELS_FORMATS_E8_H_
