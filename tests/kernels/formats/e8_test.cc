#include "kernels/formats/e8.h"

#include <gtest/gtest.h>

#include <bit>
#include <set>

namespace oriel {
namespace {

static_assert(IsE8FreeChannel(128, 63) && !IsE8FreeChannel(128, 64));
static_assert(IsE8FreeChannel(64, 23) && !IsE8FreeChannel(64, 24));
static_assert(E8Sources(128, 16 * 5 + 3) == std::array<int, 3>{3, 35, 51});
static_assert(E8Sources(64, 16 * 2 + 8 + 1) == std::array<int, 3>{1, 17, 49});

TEST(E8Test, CodewordsDifferInFourOrEightBits) {
  for (int a = 0; a < kNumE8Codewords; ++a) {
    EXPECT_EQ(E8Codeword(a) & 0xF, a);
    for (int b = 0; b < a; ++b) {
      const int distance = std::popcount(static_cast<unsigned>(E8Codeword(a) ^ E8Codeword(b)));
      EXPECT_TRUE(distance == 4 || distance == 8) << a << " " << b;
    }
  }
}

TEST(E8Test, BlocksShareOutTheChannels) {
  for (int head_dim : {64, 128}) {
    std::set<int> channels;
    for (int block = 0; block < NumE8Blocks(head_dim); ++block) {
      for (int position = 0; position < kE8BlockChannels; ++position) {
        const int channel = E8Channel(head_dim, block, position);
        EXPECT_TRUE(channels.insert(channel).second);
        EXPECT_EQ(E8Block(head_dim, channel), block);
        EXPECT_EQ(E8Position(head_dim, channel), position);
      }
    }
    EXPECT_EQ(channels.size(), static_cast<size_t>(head_dim));
    EXPECT_EQ(*channels.rbegin(), head_dim - 1);
  }
}

TEST(E8Test, ADerivedLowBitIsTheXorOfItsSourcesInEveryCodeword) {
  for (int head_dim : {64, 128}) {
    for (int channel = 0; channel < head_dim; ++channel) {
      if (IsE8FreeChannel(head_dim, channel)) continue;
      for (int index = 0; index < kNumE8Codewords; ++index) {
        const auto low = [&](int c) { return E8Codeword(index) >> E8Position(head_dim, c) & 1; };
        int derived = 0;
        for (int source : E8Sources(head_dim, channel)) {
          EXPECT_TRUE(IsE8FreeChannel(head_dim, source));
          EXPECT_EQ(E8Block(head_dim, source), E8Block(head_dim, channel));
          derived ^= low(source);
        }
        EXPECT_EQ(derived, low(channel));
      }
    }
  }
}

}  // namespace
}  // namespace oriel
