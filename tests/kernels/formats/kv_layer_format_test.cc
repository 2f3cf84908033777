#include "kernels/formats/kv_layer_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "tests/kernels/formats/golden_data.h"

namespace oriel {
namespace {

using ::testing::HasSubstr;

TEST(HeadPageLayoutTest, SectionsHaveTheGoldenSizesAndFollowEachOther) {
  int num_layouts = 0;
  for (std::istringstream& line : testing::GoldenLines("layouts.txt")) {
    std::string key, value;
    int head_dim = 0, groups = 0, asymmetric = 0, whole = 0;
    std::array<int, 8> sizes{};
    line >> head_dim >> key >> value >> groups >> asymmetric;
    for (int& size : sizes) line >> size;
    line >> whole;
    SCOPED_TRACE(line.str());

    const HeadPageLayout layout = MakeHeadPageLayout(head_dim, *CodecFromName(key),
                                                     *CodecFromName(value), groups, asymmetric);
    const PageSection sections[] = {layout.key_codes,    layout.value_codes, layout.key_scales,
                                    layout.value_scales, layout.key_zeros,   layout.value_zeros,
                                    layout.centre,       layout.centre_scale};
    int offset = 0;
    for (size_t i = 0; i < sizes.size(); ++i) {
      EXPECT_EQ(sections[i].bytes, sizes[i]) << "section " << i;
      EXPECT_EQ(sections[i].offset, offset) << "section " << i;
      EXPECT_EQ(offset % kPageSectionAlignment, 0);
      offset += sizes[i];
    }
    EXPECT_EQ(layout.bytes, whole);
    EXPECT_EQ(offset, whole);
    ++num_layouts;
  }
  EXPECT_EQ(num_layouts, 20);
}

TEST(HeadPageLayoutTest, ScalesOfTokensGPlusEightIAreNeighbours) {
  static_assert(ScaleIndex(0) == 0 && ScaleIndex(8) == 1 && ScaleIndex(1) == 8);
  static_assert(ScaleIndex(63) == 63 && ScaleIndex(13) == 41 && ScaleIndex(13, 1) == 105);
  std::set<int> bytes;
  for (int group = 0; group < 4; ++group) {
    for (int token = 0; token < kPageTokens; ++token) bytes.insert(ScaleIndex(token, group));
  }
  EXPECT_EQ(bytes.size(), 256u);
  EXPECT_EQ(*bytes.rbegin(), 255);
}

TEST(KvLayerFormatTest, EveryHeadHasItsOwnCodecsAndPlace) {
  const std::vector<KvHeadFormat> heads = {DefaultHeadFormat(Codec::kInt2, Codec::kE8_1p5),
                                           DefaultHeadFormat(Codec::kFp16, Codec::kInt1),
                                           DefaultHeadFormat(Codec::kE8_2p5, Codec::kFp16)};
  const absl::StatusOr<KvLayerFormat> format = MakeKvLayerFormat(64, heads);
  ASSERT_TRUE(format.ok()) << format.status();
  EXPECT_EQ(format->kv_heads, 3);
  EXPECT_EQ(format->head_offset[0], 0);
  EXPECT_EQ(format->head_offset[1], 2000);
  EXPECT_EQ(format->head_offset[2], 2000 + 8192 + 512 + 64);
  EXPECT_EQ(format->layer_page_bytes, 2000 + 8768 + 1280 + 8192 + 64 + 64 + 16);
  EXPECT_EQ(format->head(1).key_transform, HeadTransform::kNone);
  EXPECT_EQ(format->head(1).value_transform, HeadTransform::kHadamard);
  EXPECT_EQ(format->head(2).value, Codec::kFp16);
}

TEST(KvLayerFormatTest, AUniformFormatIsTheSameCodecsInEveryHead) {
  const std::vector<KvHeadFormat> heads(8, DefaultHeadFormat(Codec::kInt2, Codec::kE8_1p5));
  EXPECT_EQ(MakeUniformKvLayerFormat(128, 8, Codec::kInt2, Codec::kE8_1p5),
            *MakeKvLayerFormat(128, heads));
}

TEST(KvLayerFormatTest, StoredBitsAreThoseOfTheDesign) {
  EXPECT_NEAR(StoredBitsPerValue(MakeUniformKvLayerFormat(128, 2, Codec::kInt2, Codec::kE8_1p5)),
              1.883, 0.0005);
  EXPECT_NEAR(StoredBitsPerValue(MakeUniformKvLayerFormat(64, 3, Codec::kInt2, Codec::kE8_1p5)),
              1.953, 0.0005);
  EXPECT_EQ(StoredBitsPerValue(MakeUniformKvLayerFormat(64, 1, Codec::kFp16, Codec::kFp16)), 16.0);
}

void ExpectRefused(const absl::StatusOr<KvLayerFormat>& format, const char* what) {
  ASSERT_FALSE(format.ok()) << what;
  EXPECT_EQ(format.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(format.status().message()), HasSubstr(what));
}

TEST(KvLayerFormatTest, WhatIsOutOfBoundsIsRefusedByName) {
  const std::vector<KvHeadFormat> one(1, DefaultHeadFormat(Codec::kInt2, Codec::kE8_1p5));
  const std::vector<KvHeadFormat> integers(1, DefaultHeadFormat(Codec::kInt2, Codec::kInt4));
  for (int head_dim : {-64, 0, 80, 96, 256}) {
    ExpectRefused(MakeKvLayerFormat(head_dim, one), "head_dim is ");
  }
  ExpectRefused(MakeKvLayerFormat(64, {}), "kv_heads is 0, limits are 1 and 128");
  const std::vector<KvHeadFormat> many(129, one[0]);
  ExpectRefused(MakeKvLayerFormat(64, many), "kv_heads is 129");
  for (int groups : {-1, 0, 3, 4}) {
    ExpectRefused(MakeKvLayerFormat(64, integers, groups), "groups is ");
  }
  EXPECT_TRUE(MakeKvLayerFormat(64, integers, 2).ok());
  EXPECT_TRUE(MakeKvLayerFormat(128, integers, 4).ok());
  ExpectRefused(MakeKvLayerFormat(64, one, 2), "head 0, values: e8_1p5 with groups 2");
}

TEST(KvLayerFormatTest, PreScalesHaveALimitAndNoPlaceInFp16) {
  std::vector<KvHeadFormat> heads(2, DefaultHeadFormat(Codec::kInt2, Codec::kFp16));
  heads[1].key_pre_scale_log2 = 16;
  EXPECT_TRUE(MakeKvLayerFormat(64, heads).ok());
  heads[1].key_pre_scale_log2 = -17;
  ExpectRefused(MakeKvLayerFormat(64, heads), "head 1, keys: pre_scale_log2 is -17");
  heads[1].key_pre_scale_log2 = 0;
  heads[1].value_pre_scale_log2 = 1;
  ExpectRefused(MakeKvLayerFormat(64, heads), "head 1, values: pre_scale_log2 is 1, fp16");
}

}  // namespace
}  // namespace oriel
