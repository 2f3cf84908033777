#include "engine/benchmark/process_memory.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace oriel {
namespace {

TEST(ProcessMemoryTest, CountsWhatIsTouched) {
  constexpr int64_t kBytes = 64 << 20;
  const ProcessMemory before = ReadProcessMemory().value();
  std::vector<char> touched(kBytes);
  std::memset(touched.data(), 1, touched.size());
  const ProcessMemory after = ReadProcessMemory().value();
  EXPECT_GE(after.resident_bytes - before.resident_bytes, kBytes * 9 / 10);
  EXPECT_GE(after.anonymous_bytes - before.anonymous_bytes, kBytes * 9 / 10);
  EXPECT_GE(after.peak_resident_bytes, after.resident_bytes);
  EXPECT_GT(after.file_bytes, 0);
  EXPECT_NE(touched[1], 0);
}

}  // namespace
}  // namespace oriel
