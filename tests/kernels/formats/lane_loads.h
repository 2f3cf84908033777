#ifndef ORIEL_TESTS_KERNELS_FORMATS_LANE_LOADS_H_
#define ORIEL_TESTS_KERNELS_FORMATS_LANE_LOADS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "kernels/formats/codec.h"

namespace oriel::testing {

// What a GPU lane does to a code section, without the closed formulas of code_index.h: aligned
// loads of 16 or 8 bytes, the E8 fold, shifts and masks. The result are the A registers of
// mma.m16n8k32; the tests compare their bytes with the codes.

using Words = std::vector<uint32_t>;
using Fragment = std::array<uint32_t, 4>;  // a0 … a3

inline constexpr uint32_t EveryByte(uint32_t byte) { return byte * 0x01010101u; }
inline constexpr uint32_t kOddBits = EveryByte(0xAA);
inline constexpr uint32_t kUpperPairs = EveryByte(0xCC);

inline Words Load(std::span<const std::byte> section, int offset, int num_words) {
  Words words(static_cast<size_t>(num_words));
  const auto bytes = section.subspan(static_cast<size_t>(offset), words.size() * 4);
  std::memcpy(words.data(), bytes.data(), bytes.size());
  return words;
}

inline uint32_t Select(uint32_t a, uint32_t b, uint32_t mask) { return (a & mask) | (b & ~mask); }

// To the right by `count`, to the left where it is negative.
inline uint32_t Shift(uint32_t a, int count) { return count >= 0 ? a >> count : a << -count; }

// Low bits of the derived channels from those of the free ones.
inline uint32_t Fold(uint32_t low) {
  uint32_t y = low ^ (low >> 2);
  y ^= y >> 4;
  return low ^ ((y & 0x03030303u) * 0x55u);
}

inline uint32_t PermuteBytes(uint32_t a, uint32_t b, unsigned selector) {
  const uint64_t both = (static_cast<uint64_t>(b) << 32) | a;
  uint32_t result = 0;
  for (int k = 0; k < 4; ++k) {
    const unsigned from = (selector >> (4 * k)) & 7u;
    result |= static_cast<uint32_t>((both >> (8 * from)) & 0xFFu) << (8 * k);
  }
  return result;
}

inline uint32_t LowerHalves(uint32_t a, uint32_t b) { return PermuteBytes(a, b, 0x5410); }
inline uint32_t UpperHalves(uint32_t a, uint32_t b) { return PermuteBytes(a, b, 0x7632); }

// Register k of a key fragment holds half k & 1 and the 16 channels k >> 1.
struct KeyRegister {
  int half;
  int r;
};
inline constexpr KeyRegister KeyRegisterOf(int k) { return {k & 1, k >> 1}; }

// Integer codecs: word w_{2 half + r} of chunk x / F, one mask.
inline Fragment KeyIntegerFragment(int bits, int head_dim, std::span<const std::byte> section,
                                   int lane, int tile, int step) {
  const int fields = 8 / bits;
  const int x = head_dim / 32 * tile + step;
  const Words w = Load(section, 512 * (x / fields) + 16 * lane, 4);
  const uint32_t mask = EveryByte(((1u << bits) - 1u) << (bits * (x % fields)));
  return {w[0] & mask, w[2] & mask, w[1] & mask, w[3] & mask};
}

inline Fragment KeyE8_1p5Fragment(int head_dim, std::span<const std::byte> section, int lane,
                                  int tile, int step) {
  Fragment fragment;
  for (int k = 0; k < 4; ++k) {
    const auto [half, r] = KeyRegisterOf(k);
    const uint32_t mask = EveryByte(3u << (2 * (2 * (step % 2) + r)));
    uint32_t full = 0;
    if (head_dim == 128) {
      const uint32_t high = Load(section, 512 * (tile / 2) + 16 * lane, 4)[2 * (tile % 2) + half];
      const uint32_t low = Load(section, 1024 + 16 * lane, 4)[static_cast<size_t>(tile)];
      full = step < 2 ? Select(high, low >> half, kOddBits)
                      : Select(high << 1, Fold(low) >> half, kOddBits);
    } else {
      const uint32_t high = Load(section, 16 * lane, 4)[static_cast<size_t>(tile)];
      const uint32_t word = Load(section, 512 + 8 * lane, 2)[static_cast<size_t>(tile / 2)];
      const uint32_t low = word >> (tile % 2);
      const uint32_t derived = Fold(word) >> (tile % 2);
      full = half == 0 ? Select(high, LowerHalves(low, derived), kOddBits)
                       : Select(high << 1, UpperHalves(low, derived), kOddBits);
    }
    fragment[static_cast<size_t>(k)] = full & mask;
  }
  return fragment;
}

inline Fragment KeyE8_2p5Fragment(int head_dim, std::span<const std::byte> section, int lane,
                                  int tile, int step) {
  Fragment fragment;
  for (int k = 0; k < 4; ++k) {
    const auto [half, r] = KeyRegisterOf(k);
    const uint32_t mask = EveryByte(0x0Eu << (4 * (step % 2)));
    uint32_t full = 0;
    if (head_dim == 128) {
      const uint32_t high = Load(section, 512 * tile + 16 * lane, 4)[2 * half + r];
      const uint32_t low = Load(section, 2048 + 16 * lane, 4)[static_cast<size_t>(tile)];
      full = step < 2 ? Select(high, Shift(low, 2 * r + half - 1), kUpperPairs)
                      : Select(high << 2, Shift(Fold(low), 2 * r + half - 1), kUpperPairs);
    } else {
      const uint32_t high = Load(section, 512 * (tile / 2) + 16 * lane, 4)[2 * (tile % 2) + half];
      const uint32_t word = Load(section, 1024 + 8 * lane, 2)[static_cast<size_t>(tile / 2)];
      const uint32_t low =
          half == 0 ? LowerHalves(word, Fold(word)) : UpperHalves(word, Fold(word));
      full = r == 0 ? Select(high, Shift(low, tile % 2 - 1), kUpperPairs)
                    : Select(high << 2, Shift(low, tile % 2 + 1), kUpperPairs);
    }
    fragment[static_cast<size_t>(k)] = full & mask;
  }
  return fragment;
}

inline Fragment ValueIntegerFragment(int bits, int head_dim, std::span<const std::byte> section,
                                     int lane, int y, int i) {
  const int fields = 8 / bits;
  const int tiles = head_dim / 16;
  Fragment fragment;
  for (int rt = 0; rt < 4; ++rt) {
    const int x = tiles * y + i;
    const bool shared = fields > tiles;  // int1 at 64: both u in one byte
    const Words w = Load(section, (shared ? 0 : 512 * (x / fields)) + 16 * lane, 4);
    const int field = shared ? 4 * (rt % 2) + i : x % fields;
    const uint32_t mask = EveryByte(((1u << bits) - 1u) << (bits * field));
    fragment[static_cast<size_t>(rt)] = w[static_cast<size_t>(shared ? 2 * y + rt / 2 : rt)] & mask;
  }
  return fragment;
}

inline Fragment ValueE8_1p5Fragment(int head_dim, std::span<const std::byte> section, int lane,
                                    int y, int i) {
  Fragment fragment;
  for (int rt = 0; rt < 4; ++rt) {
    const int u = rt % 2;
    uint32_t full = 0;
    if (head_dim == 128) {
      Words words;  // twelve a lane; half y owns H0 H1 H2 H3 L0 L1
      for (int chunk = 0; chunk < 3; ++chunk) {
        const Words four = Load(section, 512 * chunk + 16 * lane, 4);
        words.insert(words.end(), four.begin(), four.end());
      }
      const uint32_t high = words[static_cast<size_t>(6 * y + rt)];
      const uint32_t low = words[static_cast<size_t>(6 * y + 4 + rt / 2)];
      full = i < 4 ? Select(high, low >> u, kOddBits) : Select(high << 1, Fold(low) >> u, kOddBits);
    } else {
      const uint32_t high = Load(section, 16 * lane, 4)[static_cast<size_t>(2 * y + rt / 2)];
      const uint32_t low = Load(section, 512 + 8 * lane, 2)[static_cast<size_t>(y)];
      full = u == 0 ? Select(high, low >> (rt / 2), kOddBits)
                    : Select(high << 1, Fold(low) >> (rt / 2), kOddBits);
    }
    fragment[static_cast<size_t>(rt)] = full & EveryByte(3u << (2 * (i % 4)));
  }
  return fragment;
}

inline Fragment ValueE8_2p5Fragment(int head_dim, std::span<const std::byte> section, int lane,
                                    int y, int i) {
  Fragment fragment;
  for (int rt = 0; rt < 4; ++rt) {
    const int u = rt % 2;
    const int odd = i % 2;
    uint32_t full = 0;
    if (head_dim == 128) {
      const uint32_t high =
          Load(section, 512 * (2 * y + odd) + 16 * lane, 4)[static_cast<size_t>(rt)];
      const uint32_t low = Load(section, 2048 + 16 * lane, 4)[static_cast<size_t>(2 * y + rt / 2)];
      full = i < 4 ? Select(high, Shift(low, 2 * odd + u - 1), kUpperPairs)
                   : Select(high << 2, Shift(Fold(low), 2 * odd + u - 1), kUpperPairs);
    } else {
      const uint32_t high = Load(section, 512 * y + 16 * lane, 4)[static_cast<size_t>(rt)];
      const uint32_t word = Load(section, 1024 + 8 * lane, 2)[static_cast<size_t>(y)];
      const uint32_t low = u == 0 ? word : Fold(word);
      full = odd == 0 ? Select(high, Shift(low, rt / 2 - 1), kUpperPairs)
                      : Select(high << 2, Shift(low, rt / 2 + 1), kUpperPairs);
    }
    fragment[static_cast<size_t>(rt)] = full & EveryByte(0x0Eu << (4 * (i / 2 % 2)));
  }
  return fragment;
}

}  // namespace oriel::testing

#endif  // ORIEL_TESTS_KERNELS_FORMATS_LANE_LOADS_H_
