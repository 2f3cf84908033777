#include "engine/base/histogram.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace oriel {
namespace {

using ::testing::ElementsAre;

constexpr std::array<double, 3> kBounds = {1, 2, 4};

TEST(HistogramTest, ABoundBelongsToItsBucketAndTheLastBucketIsOpen) {
  Histogram histogram(kBounds);
  for (double value : {0.5, 1.0, 1.5, 2.0, 4.0, 4.1, 1e9}) histogram.Observe(value);
  EXPECT_THAT(histogram.bucket_counts(), ElementsAre(2, 2, 1, 2));
  EXPECT_EQ(histogram.count(), 7u);
  EXPECT_EQ(histogram.sum(), 0.5 + 1 + 1.5 + 2 + 4 + 4.1 + 1e9);
}

TEST(HistogramTest, ACopyIsASnapshot) {
  Histogram histogram(kBounds);
  const Histogram before = histogram;
  histogram.Observe(3);
  EXPECT_EQ(before.count(), 0u);
  EXPECT_THAT(before.bucket_counts(), ElementsAre(0, 0, 0, 0));
}

}  // namespace
}  // namespace oriel
