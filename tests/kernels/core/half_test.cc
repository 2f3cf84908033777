#include "kernels/core/half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>

namespace oriel {
namespace {

TEST(HalfTest, EveryHalfSurvivesTheWayToFloatAndBack) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const Half half{static_cast<uint16_t>(bits)};
    const float value = ToFloat(half);
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(ToFloat(ToHalf(value))));
    } else {
      EXPECT_EQ(ToHalf(value).bits, half.bits) << "bits " << bits;
    }
  }
}

TEST(HalfTest, ValuesAreThoseOfBinary16) {
  EXPECT_EQ(ToFloat(Half{0x3C00}), 1.0f);
  EXPECT_EQ(ToFloat(Half{0xC000}), -2.0f);
  EXPECT_EQ(ToFloat(Half{0x7BFF}), 65504.0f);
  EXPECT_EQ(ToFloat(Half{0x0001}), std::ldexp(1.0f, -24));
  EXPECT_EQ(ToFloat(Half{0x0400}), std::ldexp(1.0f, -14));
}

TEST(HalfTest, RoundsToNearestWithTiesToEven) {
  // Between two neighbouring halves the nearer wins; in the middle the even one.
  for (uint32_t bits = 0; bits < 0x7BFF; ++bits) {
    const float low = ToFloat(Half{static_cast<uint16_t>(bits)});
    const float high = ToFloat(Half{static_cast<uint16_t>(bits + 1)});
    const float middle = low + 0.5f * (high - low);
    EXPECT_EQ(ToHalf(middle).bits, (bits & 1u) == 0 ? bits : bits + 1);
    EXPECT_EQ(ToHalf(std::nextafter(middle, 0.0f)).bits, bits);
    EXPECT_EQ(ToHalf(std::nextafter(middle, 1e30f)).bits, bits + 1);
  }
}

TEST(HalfTest, TooLargeBecomesInfinityAndTooSmallZero) {
  EXPECT_EQ(ToHalf(65519.996f).bits, 0x7BFF);
  EXPECT_EQ(ToHalf(65520.0f).bits, 0x7C00);
  EXPECT_EQ(ToHalf(-1e10f).bits, 0xFC00);
  EXPECT_EQ(ToHalf(std::numeric_limits<float>::infinity()).bits, 0x7C00);
  EXPECT_EQ(ToHalf(1e-10f).bits, 0);
  EXPECT_EQ(ToHalf(-1e-10f).bits, 0x8000);
}

TEST(HalfTest, BFloat16IsTheUpperHalfOfAFloat) {
  EXPECT_EQ(ToFloat(BFloat16{0x3F80}), 1.0f);
  EXPECT_EQ(ToFloat(BFloat16{0xC040}), -3.0f);
}

}  // namespace
}  // namespace oriel
