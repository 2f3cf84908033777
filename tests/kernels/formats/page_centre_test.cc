#include "kernels/formats/page_centre.h"

#include <gtest/gtest.h>

#include <vector>

namespace oriel {
namespace {

TEST(PageCentreTest, IsTheMeanOfTheTokensThatAreNoSinks) {
  // Channel c of token t is c - 30, plus a disturbance in the sinks that must not count.
  std::vector<float> rows(64 * 64);
  for (int token = 0; token < 64; ++token) {
    for (int c = 0; c < 64; ++c) {
      rows[static_cast<size_t>(64 * token + c)] =
          static_cast<float>(c - 30) + (token < 5 ? 1000.0f : 0.0f);
    }
  }
  const PageCentre centre = MakePageCentre(64, rows, 5);
  EXPECT_EQ(centre.scale, ToHalf(33.0f / 127.0f));
  EXPECT_EQ(centre.codes[63], 127);
  for (int c = 0; c < 64; ++c) {
    EXPECT_NEAR(centre.at(c), static_cast<float>(c - 30), 0.5f * 33.0f / 127.0f + 0.02f) << c;
  }
  EXPECT_GT(MakePageCentre(64, rows, 4).at(0), -20.0f);
}

TEST(PageCentreTest, APageOfSinksAndAZeroPageHaveAZeroCentre) {
  EXPECT_EQ(MakePageCentre(64, std::vector<float>(64 * 64, 3.0f), 64), PageCentre{});
  EXPECT_EQ(MakePageCentre(128, std::vector<float>(64 * 128, 0.0f), 0), PageCentre{});
}

TEST(PageCentreTest, AMeanTooSmallForItsScaleIsZeroAndOneTooLargeSaturates) {
  EXPECT_EQ(MakePageCentre(64, std::vector<float>(64 * 64, 0x1p-24f), 0), PageCentre{});
  const PageCentre centre = MakePageCentre(64, std::vector<float>(64 * 64, -0x1p32f), 0);
  EXPECT_EQ(ToFloat(centre.scale), 65504.0f);
  EXPECT_EQ(centre.codes[0], -127);
}

}  // namespace
}  // namespace oriel
