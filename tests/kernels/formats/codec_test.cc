#include "kernels/formats/codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "kernels/core/status.h"
#include "kernels/formats/parse_codec.h"

namespace oriel {
namespace {

static_assert(CodeSectionBytes(Codec::kFp16, 64) == 8192);
static_assert(CodeSectionBytes(Codec::kInt2, 128) == 2048);
static_assert(CodeSectionBytes(Codec::kE8_1p5, 128) == 1536);
static_assert(CodeSectionBytes(Codec::kE8_2p5, 64) == 1280);
static_assert(CodeSectionBytes(Codec::kTernary, 64) == 64 * 13);
static_assert(CodeSectionBytes(Codec::kTernary, 128) == 64 * 26);
static_assert(BitsPerValue(Codec::kFp16) == 16.0 && BitsPerValue(Codec::kInt1) == 1.0);
static_assert(BitsPerValue(Codec::kE8_1p5) == 1.5 && BitsPerValue(Codec::kE8_2p5) == 2.5);
static_assert(BitsPerValue(Codec::kTernary) == 1.625);
static_assert(MiddleCode(Codec::kInt2) == 1.5f && MiddleCode(Codec::kTernary) == 1.0f);

TEST(CodecTest, EveryNameParsesToItsCodec) {
  for (Codec codec : kAllCodecs) {
    const absl::StatusOr<Codec> parsed = ParseCodec(CodecName(codec));
    ASSERT_TRUE(parsed.ok()) << CodecName(codec);
    EXPECT_EQ(*parsed, codec);
  }
}

TEST(CodecTest, AnUnknownNameIsRefusedWithTheKnownOnes) {
  for (std::string_view name : {"", "int3", "INT2", "int2 ", "e8"}) {
    const absl::StatusOr<Codec> parsed = ParseCodec(name);
    ASSERT_FALSE(parsed.ok()) << name;
    EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(parsed.status().message()),
                ::testing::AllOf(::testing::HasSubstr(absl::StrCat("\"", ToAbsl(name), "\"")),
                                 ::testing::HasSubstr("fp16, int8, int4, int2, int1, e8_1p5, "
                                                      "e8_2p5, ternary")));
  }
}

TEST(CodecTest, EverySectionIsAMultipleOfSixteenBytes) {
  for (Codec codec : kAllCodecs) {
    for (int head_dim : {64, 128}) {
      EXPECT_GT(CodeSectionBytes(codec, head_dim), 0);
      EXPECT_EQ(CodeSectionBytes(codec, head_dim) % 16, 0) << CodecName(codec);
    }
  }
}

}  // namespace
}  // namespace oriel
