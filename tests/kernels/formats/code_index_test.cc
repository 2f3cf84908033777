#include "kernels/formats/code_index.h"

#include <gtest/gtest.h>

#include <vector>

namespace oriel {
namespace {

// The worked page of kernels/formats/README.md.
static_assert(KeyCodePlace(Codec::kInt2, 128, 0, 0) == CodePlace{.byte = 0, .bit = 0, .bits = 2});
static_assert(KeyCodePlace(Codec::kInt2, 128, 9, 37) == CodePlace{.byte = 89, .bit = 2, .bits = 2});
static_assert(ValueCodePlace(Codec::kE8_1p5, 128, 0, 0) ==
              CodePlace{.byte = 0, .bit = 1, .bits = 1, .low_byte = 512, .low_bit = 0});
static_assert(ValueCodePlace(Codec::kE8_1p5, 128, 0, 64) ==
              CodePlace{.byte = 0, .bit = 0, .bits = 1});
static_assert(TernaryCodePlace(128, 2, 6).byte == 53 && TernaryCodePlace(128, 2, 6).weight == 3);
static_assert(KeyCodePlace(Codec::kFp16, 64, 0, 0).bits == 0);
static_assert(ValueCodePlace(Codec::kTernary, 64, 0, 0).bits == 0);

constexpr Codec kFieldCodecs[] = {Codec::kInt8, Codec::kInt4,   Codec::kInt2,
                                  Codec::kInt1, Codec::kE8_1p5, Codec::kE8_2p5};

// Marks bits of a byte as used; false if one of them was.
bool Use(std::vector<unsigned>& used, int byte, int bit, int bits) {
  const unsigned mask = ((1u << bits) - 1u) << bit;
  unsigned& mine = used.at(static_cast<size_t>(byte));
  if (mask > 255u || (mine & mask) != 0) return false;
  mine |= mask;
  return true;
}

class CodeIndexTest : public ::testing::TestWithParam<std::tuple<Codec, PageHalf, int>> {};

TEST_P(CodeIndexTest, EveryBitOfASectionIsUsedOnce) {
  const auto [codec, half, head_dim] = GetParam();
  std::vector<unsigned> used(static_cast<size_t>(CodeSectionBytes(codec, head_dim)));
  for (int token = 0; token < kPageTokens; ++token) {
    for (int channel = 0; channel < head_dim; ++channel) {
      const CodePlace place = CodePlaceOf(half, codec, head_dim, token, channel);
      ASSERT_TRUE(Use(used, place.byte, place.bit, place.bits)) << token << " " << channel;
      if (!place.has_low_bit()) continue;
      ASSERT_TRUE(Use(used, place.low_byte, place.low_bit, 1)) << token << " " << channel;
    }
  }
  for (unsigned bits : used) EXPECT_EQ(bits, 255u);
}

TEST_P(CodeIndexTest, ExactlyTheFreeChannelsOfE8StoreALowBit) {
  const auto [codec, half, head_dim] = GetParam();
  for (int channel = 0; channel < head_dim; ++channel) {
    // Keys at 64 store the low bits of the channels whose lane byte is 0 or 1: the same set.
    const CodePlace place = CodePlaceOf(half, codec, head_dim, 21, channel);
    EXPECT_EQ(place.has_low_bit(), IsE8(codec) && IsE8FreeChannel(head_dim, channel)) << channel;
  }
}

INSTANTIATE_TEST_SUITE_P(AllSections, CodeIndexTest,
                         ::testing::Combine(::testing::ValuesIn(kFieldCodecs),
                                            ::testing::Values(PageHalf::kKey, PageHalf::kValue),
                                            ::testing::Values(64, 128)));

TEST(TernaryCodePlaceTest, EveryPlaceIsUsedOnce) {
  for (int head_dim : {64, 128}) {
    std::vector<int> weights(static_cast<size_t>(CodeSectionBytes(Codec::kTernary, head_dim)));
    for (int token = 0; token < kPageTokens; ++token) {
      for (int channel = 0; channel < head_dim; ++channel) {
        const TritPlace place = TernaryCodePlace(head_dim, token, channel);
        weights.at(static_cast<size_t>(place.byte)) += place.weight;
      }
    }
    // The last byte of a row holds fewer: four codes at 64, three at 128.
    const size_t row_bytes = weights.size() / kPageTokens;
    for (size_t i = 0; i < weights.size(); ++i) {
      const bool last = i % row_bytes == row_bytes - 1;
      EXPECT_EQ(weights[i], !last ? 121 : head_dim == 64 ? 40 : 13);
    }
  }
}

}  // namespace
}  // namespace oriel
