#include "kernels/core/tensor_view.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace oriel {
namespace {

TEST(TensorViewTest, IsRowMajorUnlessToldOtherwise) {
  std::vector<int> memory(24);
  std::iota(memory.begin(), memory.end(), 0);
  const TensorView<int, 3> view(memory.data(), {2, 3, 4});
  EXPECT_EQ(view.num_elements(), 24);
  EXPECT_EQ(view.stride(0), 12);
  EXPECT_EQ(view(1, 2, 3), 23);
  EXPECT_EQ(view.row(1, 0), memory.data() + 12);
  EXPECT_TRUE(view.is_dense());
}

TEST(TensorViewTest, StridedRowsSkipWhatLiesBetween) {
  std::vector<int> memory(20);
  std::iota(memory.begin(), memory.end(), 0);
  const TensorView<int, 2> view(memory.data() + 1, {4, 2}, {5, 1});
  EXPECT_EQ(view(3, 1), 17);
  EXPECT_FALSE(view.is_dense());
  const TensorView<const int, 2> read_only = view;
  EXPECT_EQ(read_only(2, 0), 11);
}

}  // namespace
}  // namespace oriel
