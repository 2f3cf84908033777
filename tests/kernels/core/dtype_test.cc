#include "kernels/core/dtype.h"

#include <gtest/gtest.h>

namespace oriel {
namespace {

TEST(DTypeTest, RowsAreWholeBlocks) {
  EXPECT_EQ(RowBytes(DType::kF32, 7), 28);
  EXPECT_EQ(RowBytes(DType::kQ4_1, 576), 360);
  EXPECT_EQ(RowBytes(DType::kQ6_K, 512), 420);
  EXPECT_EQ(RowBytes(DType::kQ4_K, 128), std::nullopt);
}

}  // namespace
}  // namespace oriel
