#include "kernels/core/buffer.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <utility>

namespace oriel {
namespace {

TEST(BufferTest, HostMemoryIsAlignedAndZero) {
  absl::StatusOr<Buffer> buffer = MakeHostBuffer(100000);
  ASSERT_TRUE(buffer.ok()) << buffer.status();
  EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer->data()) % 64, 0u);
  for (size_t i = 0; i < buffer->size_bytes(); ++i) {
    ASSERT_EQ(buffer->data()[i], std::byte{0});
  }
}

TEST(BufferTest, GivesMemoryBackExactlyOnceHoweverOftenItMoves) {
  int released = 0;
  std::byte memory[8];
  {
    Buffer first(memory, sizeof(memory), [&released](std::byte*, size_t) { ++released; });
    Buffer second(std::move(first));
    Buffer third;
    third = std::move(second);
    EXPECT_EQ(third.data(), memory);
    EXPECT_EQ(released, 0);
  }
  EXPECT_EQ(released, 1);
}

TEST(BufferTest, AnImpossibleSizeIsAnErrorWithTheSizeInIt) {
  const absl::StatusOr<Buffer> buffer = MakeHostBuffer(size_t{1} << 60);
  EXPECT_EQ(buffer.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_NE(buffer.status().message().find("1152921504606846976"), absl::string_view::npos);
}

TEST(BufferTest, NothingIsAnEmptyBuffer) {
  const absl::StatusOr<Buffer> buffer = MakeHostBuffer(0);
  ASSERT_TRUE(buffer.ok());
  EXPECT_EQ(buffer->size_bytes(), 0u);
}

}  // namespace
}  // namespace oriel
