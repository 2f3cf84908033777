#ifndef ORIEL_KERNELS_OPS_PHILOX_H_
#define ORIEL_KERNELS_OPS_PHILOX_H_

#include <array>
#include <cstdint>

namespace oriel {

// Philox4x32-10: four random words from a counter and a key, without state, so that a draw depends
// on the request's seed and the token's position alone.
// Source      Salmon, Moraes, Dror and Shaw, SC 2011; constants as there.
constexpr std::array<uint32_t, 4> Philox4x32(std::array<uint32_t, 4> counter,
                                             std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t product_0 = uint64_t{0xD2511F53u} * counter[0];
    const uint64_t product_1 = uint64_t{0xCD9E8D57u} * counter[2];
    counter = {static_cast<uint32_t>(product_1 >> 32) ^ counter[1] ^ key[0],
               static_cast<uint32_t>(product_1),
               static_cast<uint32_t>(product_0 >> 32) ^ counter[3] ^ key[1],
               static_cast<uint32_t>(product_0)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter;
}

// The uniform number in [0, 1) that fixes the draw at `position`: 24 bits.
constexpr double SampleUniform(uint64_t seed, uint64_t position) {
  const std::array<uint32_t, 4> words =
      Philox4x32({static_cast<uint32_t>(position), static_cast<uint32_t>(position >> 32), 0, 0},
                 {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)});
  return static_cast<double>(words[0] >> 8) * 0x1p-24;
}

}  // namespace oriel

#endif  // ORIEL_KERNELS_OPS_PHILOX_H_
