#include "kernels/cpu/huge_page_arena.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "gtest/gtest.h"

namespace oriel {
namespace {

bool IsZero(const Buffer& buffer) {
  return std::all_of(buffer.data(), buffer.data() + buffer.size_bytes(),
                     [](std::byte value) { return value == std::byte{0}; });
}

TEST(HugePageArenaTest, CutsAlignedZeroBuffersThatDoNotOverlap) {
  HugePageArena arena;
  std::vector<Buffer> buffers;
  for (size_t size : {1, 63, 64, 65, 5'000'000, 200, 70'000'000, 7, 64'000'000, 3'000'000}) {
    buffers.push_back(arena.Allocate(size).value());
    ASSERT_EQ(buffers.back().size_bytes(), size);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(buffers.back().data()) % 64, 0u);
    ASSERT_TRUE(IsZero(buffers.back())) << size;
    std::memset(buffers.back().data(), static_cast<int>(buffers.size()), size);
  }
  for (size_t i = 0; i < buffers.size(); ++i) {
    const auto mark = static_cast<std::byte>(i + 1);
    EXPECT_EQ(std::count(buffers[i].data(), buffers[i].data() + buffers[i].size_bytes(), mark),
              static_cast<int64_t>(buffers[i].size_bytes()));
  }
}

TEST(HugePageArenaTest, GivesAnEmptyBufferForNoBytes) {
  HugePageArena arena;
  EXPECT_EQ(arena.Allocate(0).value().size_bytes(), 0u);
}

TEST(HugePageArenaTest, BuffersOutliveTheArena) {
  Buffer buffer;
  {
    HugePageArena arena;
    buffer = arena.Allocate(100).value();
    arena.Allocate(100).value();
  }
  std::memset(buffer.data(), 1, 100);
  EXPECT_EQ(buffer.data()[99], std::byte{1});
}

TEST(HugePageArenaTest, SaysHowManyBytesCouldNotBeHad) {
  HugePageArena arena;
  const auto buffer = arena.Allocate(size_t{1} << 60);
  EXPECT_EQ(buffer.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_NE(buffer.status().message().find("bytes"), absl::string_view::npos);
}

}  // namespace
}  // namespace oriel
