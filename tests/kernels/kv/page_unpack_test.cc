// The CPU kernels' unpacking against the page format's own, for every codec, half, head size and
// instruction set.

#include "kernels/cpu/page_unpack.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "hwy/targets.h"
#include "kernels/formats/code_section.h"

namespace oriel {
namespace {

struct Case {
  PageHalf half;
  Codec codec;
  int head_dim;
};

std::vector<Case> AllCases() {
  std::vector<Case> cases;
  for (PageHalf half : {PageHalf::kKey, PageHalf::kValue}) {
    for (Codec codec : kAllCodecs) {
      if (codec == Codec::kFp16) continue;
      for (int head_dim : {64, 128}) cases.push_back({half, codec, head_dim});
    }
  }
  return cases;
}

// The code of a token and channel in tiles, by the formulas of page_tiles.h.
uint8_t TileCode(const Case& c, const uint8_t* tiles, int token, int channel) {
  for (int t = 0; t < 4; ++t) {
    for (int b = 0; b < 4; ++b) {
      if (c.half == PageHalf::kKey && KeyQuadChannel(c.head_dim, t, b) == channel % 16) {
        const int quad = 4 * (channel / 16) + t;
        const int tile = token / 16 * (c.head_dim / 4) + quad;
        return tiles[64 * tile + 4 * (LaneOf(token) % 16) + b];
      }
      if (c.half == PageHalf::kValue && MovmatrixPlace(t, b) == token % 16) {
        const int quad = 4 * (token / 16) + t;
        const int tile = quad * (c.head_dim / 16) + channel / 16;
        return tiles[64 * tile + 4 * (LaneOf(channel) % 16) + b];
      }
    }
  }
  return 0xFF;
}

TEST(PageUnpackTest, GivesTheCodesOfThePageFormatOnEveryInstructionSet) {
  std::mt19937 random(7);
  for (const Case& c : AllCases()) {
    std::vector<std::byte> section(static_cast<size_t>(CodeSectionBytes(c.codec, c.head_dim)));
    for (std::byte& byte : section) byte = static_cast<std::byte>(random());
    std::vector<uint8_t> codes(static_cast<size_t>(64 * c.head_dim));
    UnpackCodes(c.half, c.codec, c.head_dim, section, codes);
    for (int64_t left = hwy::SupportedTargets(); left != 0; left &= left - 1) {
      const int64_t target = left & ~(left - 1);
      hwy::SetSupportedTargetsForTest(target);
      alignas(64) uint8_t tiles[kPageTileBytesMax];
      BestUnpacker(c.half, c.codec, c.head_dim)(reinterpret_cast<const uint8_t*>(section.data()),
                                                tiles);
      hwy::SetSupportedTargetsForTest(0);
      int wrong = 0;
      for (int token = 0; token < 64; ++token) {
        for (int channel = 0; channel < c.head_dim; ++channel) {
          const uint8_t code = codes[static_cast<size_t>(token * c.head_dim + channel)];
          wrong += TileCode(c, tiles, token, channel) != code;
        }
      }
      EXPECT_EQ(wrong, 0) << hwy::TargetName(target) << " " << CodecName(c.codec) << " "
                          << c.head_dim << (c.half == PageHalf::kKey ? " keys" : " values");
    }
  }
}

}  // namespace
}  // namespace oriel
