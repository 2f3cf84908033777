#include "tests/kernels/formats/lane_loads.h"

#include <gtest/gtest.h>

#include "kernels/core/check.h"
#include "tests/kernels/formats/golden_data.h"

namespace oriel {
namespace {

using testing::Fragment;

int BitsOf(Codec codec) { return static_cast<int>(BitsPerValue(codec)); }

// Position in 16 of lane quarter t and byte b, as movmatrix leaves it.
int MovmatrixPosition(int t, int b) { return 2 * t + 8 * (b / 2) + b % 2; }

Fragment KeyFragment(Codec codec, int head_dim, std::span<const std::byte> section, int lane,
                     int tile, int step) {
  if (codec == Codec::kE8_1p5) {
    return testing::KeyE8_1p5Fragment(head_dim, section, lane, tile, step);
  }
  if (codec == Codec::kE8_2p5) {
    return testing::KeyE8_2p5Fragment(head_dim, section, lane, tile, step);
  }
  return testing::KeyIntegerFragment(BitsOf(codec), head_dim, section, lane, tile, step);
}

Fragment ValueFragment(Codec codec, int head_dim, std::span<const std::byte> section, int lane,
                       int y, int i) {
  if (codec == Codec::kE8_1p5) return testing::ValueE8_1p5Fragment(head_dim, section, lane, y, i);
  if (codec == Codec::kE8_2p5) return testing::ValueE8_2p5Fragment(head_dim, section, lane, y, i);
  return testing::ValueIntegerFragment(BitsOf(codec), head_dim, section, lane, y, i);
}

// The power of two that a code is multiplied by where it lies in its byte.
int KeyFieldShift(Codec codec, int head_dim, int tile, int channel) {
  const int step = channel / 32;
  if (codec == Codec::kE8_1p5) return 2 * (channel / 16 % 4);
  if (codec == Codec::kE8_2p5) return 4 * (step % 2) + 1;
  const int bits = BitsOf(codec);
  return bits * ((head_dim / 32 * tile + step) % (8 / bits));
}

int ValueFieldShift(Codec codec, int head_dim, int y, int channel) {
  const int i = channel / 16;
  if (codec == Codec::kE8_1p5) return 2 * (i % 4);
  if (codec == Codec::kE8_2p5) return 4 * (i / 2 % 2) + 1;
  if (codec == Codec::kInt1 && head_dim == 64) return 4 * (channel / 8 % 2) + i;
  const int bits = BitsOf(codec);
  return bits * ((head_dim / 16 * y + i) % (8 / bits));
}

unsigned ByteOf(uint32_t word, int b) { return (word >> (8 * b)) & 0xFFu; }

class LaneLoadsTest : public ::testing::TestWithParam<std::tuple<Codec, int>> {
 protected:
  void Pack(PageHalf half) {
    const auto [codec, head_dim] = GetParam();
    codes_ = testing::RandomCodes(codec, head_dim, 77);
    section_.resize(static_cast<size_t>(CodeSectionBytes(codec, head_dim)));
    PackCodes(half, codec, head_dim, codes_, section_);
  }

  unsigned Code(int token, int channel) const {
    const int head_dim = std::get<1>(GetParam());
    return codes_[static_cast<size_t>(token * head_dim + channel)];
  }

  std::vector<uint8_t> codes_;
  std::vector<std::byte> section_;
};

TEST_P(LaneLoadsTest, KeyRegistersHoldTheCodesOfTheirFragment) {
  const auto [codec, head_dim] = GetParam();
  Pack(PageHalf::kKey);
  for (int lane = 0; lane < 32; ++lane) {
    const int g = lane / 4;
    const int t = lane % 4;
    for (int tile = 0; tile < 4; ++tile) {
      for (int step = 0; step < head_dim / 32; ++step) {
        const Fragment a = KeyFragment(codec, head_dim, section_, lane, tile, step);
        for (int k = 0; k < 4; ++k) {
          for (int b = 0; b < 4; ++b) {
            const int kappa = head_dim == 128 ? 4 * t + b : MovmatrixPosition(t, b);
            const int token = 16 * tile + 8 * (k % 2) + g;
            const int channel = 32 * step + 16 * (k / 2) + kappa;
            ASSERT_EQ(ByteOf(a[static_cast<size_t>(k)], b),
                      Code(token, channel) << KeyFieldShift(codec, head_dim, tile, channel))
                << "token " << token << " channel " << channel;
          }
        }
      }
    }
  }
}

TEST_P(LaneLoadsTest, ValueRegistersHoldTheCodesOfTheirFragment) {
  const auto [codec, head_dim] = GetParam();
  Pack(PageHalf::kValue);
  for (int lane = 0; lane < 32; ++lane) {
    const int g = lane / 4;
    const int t = lane % 4;
    for (int y = 0; y < 2; ++y) {
      for (int i = 0; i < head_dim / 16; ++i) {
        const Fragment a = ValueFragment(codec, head_dim, section_, lane, y, i);
        for (int rt = 0; rt < 4; ++rt) {
          for (int b = 0; b < 4; ++b) {
            const int token = 32 * y + 16 * (rt / 2) + MovmatrixPosition(t, b);
            const int channel = 16 * i + 8 * (rt % 2) + g;
            ASSERT_EQ(ByteOf(a[static_cast<size_t>(rt)], b),
                      Code(token, channel) << ValueFieldShift(codec, head_dim, y, channel))
                << "token " << token << " channel " << channel;
          }
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(AllCodecs, LaneLoadsTest,
                         ::testing::Combine(::testing::Values(Codec::kInt8, Codec::kInt4,
                                                              Codec::kInt2, Codec::kInt1,
                                                              Codec::kE8_1p5, Codec::kE8_2p5),
                                            ::testing::Values(64, 128)));

}  // namespace
}  // namespace oriel
