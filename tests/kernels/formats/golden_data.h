#ifndef ORIEL_TESTS_KERNELS_FORMATS_GOLDEN_DATA_H_
#define ORIEL_TESTS_KERNELS_FORMATS_GOLDEN_DATA_H_

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "kernels/core/half.h"
#include "kernels/formats/code_section.h"
#include "kernels/formats/codec.h"
#include "kernels/formats/e8.h"

namespace oriel::testing {

// The same numbers as tests/golden/pages/make_golden.py makes.

// Knuth's 64-bit linear congruential generator; draws are its upper 31 bits.
class Lcg {
 public:
  explicit Lcg(uint64_t seed) : state_(seed) {}

  int Draw(int limit) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<int>((state_ >> 33) % static_cast<uint64_t>(limit));
  }

 private:
  uint64_t state_;
};

inline std::string Fnv1a(std::span<const std::byte> data) {
  uint64_t value = 0xCBF29CE484222325u;
  for (std::byte byte : data) value = (value ^ std::to_integer<uint64_t>(byte)) * 0x100000001B3u;
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}

inline std::string Hex(std::span<const std::byte> data) {
  std::string text;
  for (std::byte byte : data) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", std::to_integer<unsigned>(byte));
    text += digits;
  }
  return text;
}

// Lines of a golden file without its comment lines.
inline std::vector<std::istringstream> GoldenLines(const std::string& name) {
  std::ifstream file(std::string(ORIEL_SOURCE_DIR) + "/tests/golden/pages/" + name);
  std::vector<std::istringstream> lines;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line[0] != '#') lines.emplace_back(line);
  }
  return lines;
}

// Codes [64 * head_dim]; for E8 codecs the drawn low bits of the free channels stand and the others
// follow from them.
inline std::vector<uint8_t> RandomCodes(Codec codec, int head_dim, uint64_t seed) {
  Lcg lcg(seed);
  std::vector<uint8_t> codes(static_cast<size_t>(kPageTokens * head_dim));
  for (uint8_t& code : codes) code = static_cast<uint8_t>(lcg.Draw(Levels(codec)));
  if (!IsE8(codec)) return codes;
  for (size_t token = 0; token < kPageTokens; ++token) {
    uint8_t* row = codes.data() + token * static_cast<size_t>(head_dim);
    for (int channel = 0; channel < head_dim; ++channel) {
      if (IsE8FreeChannel(head_dim, channel)) continue;
      unsigned code = row[channel] & ~1u;
      for (int source : E8Sources(head_dim, channel)) code ^= row[source] & 1u;
      row[channel] = static_cast<uint8_t>(code);
    }
  }
  return codes;
}

// Rows [64 * head_dim]: nearly Gaussian, keys with a bias; rough ones have what a broken model may
// emit: a zero token, NaN and infinities, tiny and huge tokens.
inline std::vector<Half> RandomRows(PageHalf half, int head_dim, uint64_t seed, bool rough) {
  Lcg lcg(seed);
  std::vector<Half> rows;
  for (int token = 0; token < kPageTokens; ++token) {
    for (int channel = 0; channel < head_dim; ++channel) {
      int sum = -131070;
      for (int i = 0; i < 4; ++i) sum += lcg.Draw(65536);
      float x = static_cast<float>(sum) / 32768.0f;
      if (half == PageHalf::kKey && channel % 16 == 5) x += 3.0f;
      if (rough && token == 7) x *= 0.0f;
      if (rough && token == 13) x *= 0x1p-20f;
      if (rough && token == 17) x *= 8192.0f;
      rows.push_back(ToHalf(x));
    }
    if (rough && token == 11) {
      Half* row = rows.data() + static_cast<size_t>(token * head_dim);
      row[0] = Half{0x7E00};
      row[1] = Half{0x7C00};
      row[2] = Half{0xFC00};
    }
  }
  return rows;
}

}  // namespace oriel::testing

#endif  // ORIEL_TESTS_KERNELS_FORMATS_GOLDEN_DATA_H_
