#include "server/config/nearest_name.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace oriel {
namespace {

constexpr std::array<std::string_view, 3> kNames = {"window-tokens", "sink-tokens", "threads"};

TEST(NearestNameTest, FindsWhatAMistypedNameMeant) {
  EXPECT_EQ(NearestName("windw-tokens", kNames), "window-tokens");
  EXPECT_EQ(NearestName("thread", kNames), "threads");
  EXPECT_EQ(NearestName("snik-tokens", kNames), "sink-tokens");
}

TEST(NearestNameTest, SuggestsNothingThatIsFar) {
  EXPECT_EQ(NearestName("temperature", kNames), std::nullopt);
  EXPECT_EQ(NearestName("", kNames), std::nullopt);
  EXPECT_EQ(NearestName(std::string(1000, 'x'), kNames), std::nullopt);
}

}  // namespace
}  // namespace oriel
