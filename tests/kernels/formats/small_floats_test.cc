#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "kernels/formats/fp8_e4m3.h"
#include "kernels/formats/scale_5_3.h"

namespace oriel {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// The nearest code by exhaustive search in double; a tie goes to the even code.
template <typename Decode>
uint8_t NearestBySearch(double x, int num_codes, Decode decode) {
  int best = 0;
  for (int code = 1; code < num_codes; ++code) {
    const double error = std::abs(static_cast<double>(decode(static_cast<uint8_t>(code))) - x);
    const double least = std::abs(static_cast<double>(decode(static_cast<uint8_t>(best))) - x);
    if (error < least || (error == least && code % 2 == 0)) best = code;
  }
  return static_cast<uint8_t>(best);
}

TEST(Scale53Test, EveryCodeComesBackFromItsScale) {
  for (int code = 0; code <= kMaxScaleCode; ++code) {
    const uint8_t byte = static_cast<uint8_t>(code);
    EXPECT_EQ(EncodeScale(DecodeScale(byte)), byte);
    if (code == 0) continue;
    EXPECT_GT(DecodeScale(byte), DecodeScale(static_cast<uint8_t>(code - 1)));
  }
}

TEST(Scale53Test, TheMiddleOfTwoScalesRoundsToTheEvenCodeAndItsNeighboursToTheNearer) {
  for (int code = 0; code < kMaxScaleCode; ++code) {
    const uint8_t below = static_cast<uint8_t>(code);
    const uint8_t above = static_cast<uint8_t>(code + 1);
    const float middle = 0.5f * (DecodeScale(below) + DecodeScale(above));
    EXPECT_EQ(EncodeScale(middle), code % 2 == 0 ? below : above) << code;
    EXPECT_EQ(EncodeScale(std::nextafter(middle, 0.0f)), below) << code;
    EXPECT_EQ(EncodeScale(std::nextafter(middle, kInfinity)), above) << code;
  }
}

TEST(Scale53Test, WhatHasNoScaleSaturates) {
  EXPECT_EQ(EncodeScale(kInfinity), kMaxScaleCode);
  EXPECT_EQ(EncodeScale(std::numeric_limits<float>::max()), kMaxScaleCode);
  EXPECT_EQ(EncodeScale(61441.0f), kMaxScaleCode);
  EXPECT_EQ(EncodeScale(kNaN), 0);
  EXPECT_EQ(EncodeScale(-1.0f), 0);
  EXPECT_EQ(EncodeScale(-kInfinity), 0);
  EXPECT_EQ(EncodeScale(std::numeric_limits<float>::denorm_min()), 0);
}

TEST(Scale53Test, ACodeShiftedBySevenIsTheFp16Number) {
  for (int code = 0; code <= kMaxScaleCode; ++code) {
    const Half half{static_cast<uint16_t>(code << 7)};
    EXPECT_EQ(DecodeScale(static_cast<uint8_t>(code)), ToFloat(half));
    EXPECT_TRUE(std::isfinite(ToFloat(half)));
  }
}

TEST(Scale53Test, RandomScalesRoundToTheNearest) {
  std::mt19937 random(5);
  std::uniform_real_distribution<float> exponent(-20.0f, 16.0f);
  for (int i = 0; i < 2000; ++i) {
    const float x = std::exp2(exponent(random));
    EXPECT_EQ(EncodeScale(x), NearestBySearch(x, kMaxScaleCode + 1, DecodeScale)) << x;
  }
}

TEST(Fp8E4M3Test, EveryNumberComesBackAndMinusZeroIsZero) {
  for (int code = 0; code < 256; ++code) {
    const float value = DecodeE4M3(static_cast<uint8_t>(code));
    if ((code & 0x7F) == 0x7F) {
      EXPECT_TRUE(std::isnan(value));
    } else {
      EXPECT_EQ(EncodeE4M3(value), code == 0x80 ? 0 : code);
    }
  }
}

TEST(Fp8E4M3Test, KnownNumbers) {
  EXPECT_EQ(DecodeE4M3(0x01), 0x1p-9f);
  EXPECT_EQ(DecodeE4M3(0x08), 0x1p-6f);
  EXPECT_EQ(DecodeE4M3(0x38), 1.0f);
  EXPECT_EQ(DecodeE4M3(0xB9), -1.125f);
  EXPECT_EQ(DecodeE4M3(0x7E), 448.0f);
}

TEST(Fp8E4M3Test, WhatIsTooLargeSaturatesAndNaNBecomesZero) {
  EXPECT_EQ(EncodeE4M3(1e9f), 0x7E);
  EXPECT_EQ(EncodeE4M3(-kInfinity), 0xFE);
  EXPECT_EQ(EncodeE4M3(kNaN), 0);
  EXPECT_EQ(EncodeE4M3(-0x1p-11f), 0);
}

TEST(Fp8E4M3Test, RandomNumbersRoundToTheNearest) {
  std::mt19937 random(6);
  std::uniform_real_distribution<float> exponent(-12.0f, 9.5f);
  for (int i = 0; i < 2000; ++i) {
    const float x = std::exp2(exponent(random));
    const uint8_t nearest = NearestBySearch(x, kMaxE4M3Code + 1, DecodeE4M3);
    EXPECT_EQ(EncodeE4M3(x), nearest) << x;
    EXPECT_EQ(EncodeE4M3(-x), nearest == 0 ? 0 : nearest | 0x80) << x;
  }
}

}  // namespace
}  // namespace oriel
