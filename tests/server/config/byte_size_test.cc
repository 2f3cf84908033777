#include "server/config/byte_size.h"

#include <gtest/gtest.h>

namespace oriel {
namespace {

TEST(ByteSizeTest, ReadsDecimalAndBinaryUnitsInEitherCase) {
  EXPECT_EQ(*ParseByteSize("0"), 0);
  EXPECT_EQ(*ParseByteSize("123"), 123);
  EXPECT_EQ(*ParseByteSize("800M"), 800'000'000);
  EXPECT_EQ(*ParseByteSize("800mb"), 800'000'000);
  EXPECT_EQ(*ParseByteSize("64KiB"), 65536);
  EXPECT_EQ(*ParseByteSize("1.5GiB"), 1'610'612'736);
  EXPECT_EQ(*ParseByteSize("2 gib"), int64_t{2} << 30);
}

TEST(ByteSizeTest, RefusesWhatIsNoSize) {
  for (const char* text : {"", "GiB", "-1", "1.2.3G", "5 apples", "1e9", "9999999T"}) {
    EXPECT_EQ(ParseByteSize(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(ByteSizeTest, ExactSizeIsReadBackAsItself) {
  for (int64_t bytes : {int64_t{0}, int64_t{1}, int64_t{1000}, int64_t{1024}, int64_t{16} << 20,
                        (int64_t{3} << 30) + 1}) {
    EXPECT_EQ(*ParseByteSize(ExactByteSize(bytes)), bytes);
  }
}

TEST(ByteSizeTest, ReadableSizeHasThreeDigits) {
  EXPECT_EQ(ReadableByteSize(512), "512 B");
  EXPECT_EQ(ReadableByteSize(1536), "1.50 KiB");
  EXPECT_EQ(ReadableByteSize(int64_t{12} << 20), "12.0 MiB");
  EXPECT_EQ(ReadableByteSize(int64_t{120} << 30), "120 GiB");
}

}  // namespace
}  // namespace oriel
