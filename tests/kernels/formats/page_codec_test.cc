#include "kernels/formats/page_codec.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <vector>

#include "kernels/formats/scale_5_3.h"
#include "tests/kernels/formats/golden_data.h"

namespace oriel {
namespace {

using testing::Fnv1a;
using testing::Hex;
using testing::RandomRows;

KvLayerFormat OneHead(int head_dim, const KvHeadFormat& head, int groups = 1,
                      bool asymmetric = false) {
  return *MakeKvLayerFormat(head_dim, std::span(&head, 1), groups, asymmetric);
}

TensorView<const Half, 2> View(const KvLayerFormat& format, const std::vector<Half>& rows) {
  return {rows.data(), {kPageTokens, format.head_dim}};
}

// Seals into bytes that were not zero before, so that a byte nobody writes shows.
std::vector<std::byte> Seal(const KvLayerFormat& format, const std::vector<Half>& keys,
                            const std::vector<Half>& values, int num_sinks) {
  std::vector<std::byte> page(static_cast<size_t>(format.Layout(0).bytes), std::byte{0x5A});
  SealHeadPage(format, 0, View(format, keys), View(format, values), num_sinks, page);
  return page;
}

struct Decoded {
  std::vector<float> keys, values;
};

Decoded Decode(const KvLayerFormat& format, const std::vector<std::byte>& page) {
  const size_t n = static_cast<size_t>(kPageTokens * format.head_dim);
  Decoded decoded{std::vector<float>(n), std::vector<float>(n)};
  DecodeHeadPage(format, 0, page, {decoded.keys.data(), {kPageTokens, format.head_dim}},
                 {decoded.values.data(), {kPageTokens, format.head_dim}});
  return decoded;
}

// Error over energy of the rows from `first_token` on, about their page mean for keys.
double RelativeError(const std::vector<Half>& rows, const std::vector<float>& decoded,
                     int head_dim) {
  double error = 0, energy = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    double mean = 0;
    for (size_t t = 0; t < kPageTokens; ++t) {
      mean += double{ToFloat(
                  rows[t * static_cast<size_t>(head_dim) + i % static_cast<size_t>(head_dim)])} /
              kPageTokens;
    }
    error += std::pow(double{ToFloat(rows[i])} - decoded[i], 2);
    energy += std::pow(double{ToFloat(rows[i])} - mean, 2);
  }
  return error / energy;
}

TEST(PageCodecTest, SealedPagesHaveTheGoldenBytes) {
  int num_pages = 0;
  for (std::istringstream& line : testing::GoldenLines("sealed_pages.txt")) {
    std::string key, value, hash;
    int head_dim = 0, groups = 0, asymmetric = 0, key_pre = 0, value_pre = 0, num_sinks = 0;
    int rough = 0;
    uint64_t seed = 0;
    size_t bytes = 0;
    line >> head_dim >> key >> value >> groups >> asymmetric >> key_pre >> value_pre >> num_sinks;
    line >> seed >> rough >> bytes >> hash;
    SCOPED_TRACE(line.str());
    KvHeadFormat head = DefaultHeadFormat(*CodecFromName(key), *CodecFromName(value));
    head.key_pre_scale_log2 = static_cast<int8_t>(key_pre);
    head.value_pre_scale_log2 = static_cast<int8_t>(value_pre);
    const KvLayerFormat format = OneHead(head_dim, head, groups, asymmetric != 0);
    const std::vector<std::byte> page =
        Seal(format, RandomRows(PageHalf::kKey, head_dim, seed, rough != 0),
             RandomRows(PageHalf::kValue, head_dim, seed + 1, rough != 0), num_sinks);
    EXPECT_EQ(page.size(), bytes);
    EXPECT_EQ(Fnv1a(page), hash);
    ++num_pages;
  }
  EXPECT_EQ(num_pages, 16);
}

TEST(PageCodecTest, TheWholeGoldenPageIsEqualByteForByte) {
  std::ifstream file(std::string(ORIEL_SOURCE_DIR) + "/tests/golden/pages/sealed_page_64.hex");
  std::string expected;
  for (std::string line; std::getline(file, line);) expected += line;
  const KvLayerFormat format = OneHead(64, DefaultHeadFormat(Codec::kInt2, Codec::kE8_1p5));
  const auto page = Seal(format, RandomRows(PageHalf::kKey, 64, 101, false),
                         RandomRows(PageHalf::kValue, 64, 102, false), 5);
  EXPECT_EQ(Hex(page), expected);
}

TEST(PageCodecTest, DecodedRowsLieNearTheirOriginals) {
  const struct {
    Codec codec;
    double error_max;
  } cases[] = {{Codec::kFp16, 0.0},    {Codec::kInt8, 2e-4},   {Codec::kInt4, 0.012},
               {Codec::kInt2, 0.14},   {Codec::kInt1, 0.6},    {Codec::kE8_1p5, 0.23},
               {Codec::kE8_2p5, 0.06}, {Codec::kTernary, 0.24}};
  for (const auto& c : cases) {
    for (int head_dim : {64, 128}) {
      const KvLayerFormat format = OneHead(head_dim, DefaultHeadFormat(c.codec, c.codec));
      const std::vector<Half> keys = RandomRows(PageHalf::kKey, head_dim, 31, false);
      const std::vector<Half> values = RandomRows(PageHalf::kValue, head_dim, 32, false);
      const Decoded decoded = Decode(format, Seal(format, keys, values, 0));
      EXPECT_LE(RelativeError(keys, decoded.keys, head_dim), c.error_max) << CodecName(c.codec);
      EXPECT_LE(RelativeError(values, decoded.values, head_dim), c.error_max) << CodecName(c.codec);
    }
  }
}

TEST(PageCodecTest, AGroupsOwnScaleFollowsAnOutlyingGroup) {
  std::vector<Half> rows = RandomRows(PageHalf::kValue, 128, 41, false);
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i % 128 < 32) rows[i] = ToHalf(64.0f * ToFloat(rows[i]));
  }
  const KvHeadFormat head = DefaultHeadFormat(Codec::kInt4, Codec::kInt4);
  double error[2] = {};
  for (int variant = 0; variant < 2; ++variant) {
    const KvLayerFormat format = OneHead(128, head, variant == 0 ? 1 : 4);
    const Decoded decoded = Decode(format, Seal(format, rows, rows, 0));
    for (size_t i = 0; i < rows.size(); ++i) {
      if (i % 128 >= 32) error[variant] += std::pow(ToFloat(rows[i]) - decoded.values[i], 2);
    }
  }
  EXPECT_LT(error[1], 0.1 * error[0]);
}

TEST(PageCodecTest, SinksAreEncodedButDoNotMoveTheCentre) {
  std::vector<Half> keys = RandomRows(PageHalf::kKey, 64, 51, false);
  const std::vector<Half> values = RandomRows(PageHalf::kValue, 64, 52, false);
  const KvLayerFormat format = OneHead(64, DefaultHeadFormat(Codec::kInt2, Codec::kE8_1p5));
  const auto before = Seal(format, keys, values, 3);
  for (size_t i = 0; i < 3 * 64; ++i) keys[i] = ToHalf(500.0f);
  const auto after = Seal(format, keys, values, 3);
  const HeadPageLayout layout = format.Layout(0);
  for (int i = layout.centre.offset; i < layout.bytes; ++i) {
    EXPECT_EQ(before[static_cast<size_t>(i)], after[static_cast<size_t>(i)]);
  }
  const std::vector<float> decoded_before = Decode(format, before).keys;
  const std::vector<float> decoded_after = Decode(format, after).keys;
  EXPECT_NE(decoded_before[0], decoded_after[0]);
  for (size_t i = 3 * 64; i < keys.size(); ++i) EXPECT_EQ(decoded_before[i], decoded_after[i]);
}

TEST(PageCodecTest, BrokenRowsSpoilOnlyTheirOwnToken) {
  std::vector<Half> rows = RandomRows(PageHalf::kValue, 64, 61, false);
  for (Codec codec : kAllCodecs) {
    if (codec == Codec::kFp16) continue;
    for (bool asymmetric : {false, true}) {
      const KvLayerFormat format =
          OneHead(64, DefaultHeadFormat(Codec::kFp16, codec), 1, asymmetric);
      const auto sound = Decode(format, Seal(format, rows, rows, 0));
      std::vector<Half> broken = rows;
      for (size_t i = 0; i < 64; ++i) {
        broken[10 * 64 + i] = Half{0x7E00};
        broken[20 * 64 + i] = Half{static_cast<uint16_t>(i % 2 == 0 ? 0x7C00 : 0xFC00)};
      }
      const auto page = Seal(format, broken, broken, 0);
      const PageSection scales = format.Layout(0).value_scales;
      for (int i = 0; i < scales.bytes; ++i) {
        EXPECT_LE(std::to_integer<int>(page[static_cast<size_t>(scales.offset + i)]),
                  kMaxScaleCode);
      }
      const auto decoded = Decode(format, page);
      for (size_t i = 0; i < rows.size(); ++i) {
        ASSERT_TRUE(std::isfinite(decoded.values[i])) << CodecName(codec);
        if (i / 64 == 10 || i / 64 == 20) continue;
        ASSERT_EQ(decoded.values[i], sound.values[i]) << CodecName(codec);
      }
      EXPECT_EQ(decoded.values[10 * 64], 0.0f);
    }
  }
}

TEST(PageCodecTest, ABrokenKeyPageStillHasValidScalesAndCentre) {
  std::vector<Half> rows(64 * 128, Half{0x7C00});
  const KvLayerFormat format = OneHead(128, DefaultHeadFormat(Codec::kInt2, Codec::kE8_1p5));
  const Decoded decoded = Decode(format, Seal(format, rows, rows, 0));
  for (float x : decoded.keys) {
    ASSERT_TRUE(std::isfinite(x));
    EXPECT_NEAR(x, 65504.0f, 100.0f);
  }
}

TEST(PageCodecTest, APreScaleGivesTheBytesOfScaledRowsAndDecodesBack) {
  const std::vector<Half> keys = RandomRows(PageHalf::kKey, 64, 71, false);
  const std::vector<Half> values = RandomRows(PageHalf::kValue, 64, 72, false);
  std::vector<Half> small_keys, small_values;
  for (Half x : keys) small_keys.push_back(ToHalf(0.125f * ToFloat(x)));
  for (Half x : values) small_values.push_back(ToHalf(0.25f * ToFloat(x)));
  // Dividing by a power of two must not have rounded for the comparison to be exact.
  for (size_t i = 0; i < keys.size(); ++i) {
    if (ToFloat(small_keys[i]) * 8.0f != ToFloat(keys[i])) small_keys[i] = Half{};
  }
  std::vector<Half> exact_keys;
  for (Half x : small_keys) exact_keys.push_back(ToHalf(8.0f * ToFloat(x)));
  std::vector<Half> exact_values;
  for (Half x : small_values) exact_values.push_back(ToHalf(4.0f * ToFloat(x)));

  KvHeadFormat head = DefaultHeadFormat(Codec::kE8_2p5, Codec::kInt4);
  const KvLayerFormat plain = OneHead(64, head);
  head.key_pre_scale_log2 = 3;
  head.value_pre_scale_log2 = 2;
  const KvLayerFormat scaled = OneHead(64, head);
  const auto plain_page = Seal(plain, exact_keys, exact_values, 2);
  const auto scaled_page = Seal(scaled, small_keys, small_values, 2);
  EXPECT_EQ(plain_page, scaled_page);
  const Decoded plain_rows = Decode(plain, plain_page);
  const Decoded scaled_rows = Decode(scaled, scaled_page);
  for (size_t i = 0; i < keys.size(); ++i) {
    EXPECT_EQ(scaled_rows.keys[i], 0.125f * plain_rows.keys[i]);
    EXPECT_EQ(scaled_rows.values[i], 0.25f * plain_rows.values[i]);
  }
}

TEST(PageCodecTest, Fp16HalvesAreTheRowsBits) {
  const std::vector<Half> keys = RandomRows(PageHalf::kKey, 64, 81, true);
  const std::vector<Half> values = RandomRows(PageHalf::kValue, 64, 82, true);
  const KvLayerFormat format = OneHead(64, DefaultHeadFormat(Codec::kFp16, Codec::kFp16));
  const auto page = Seal(format, keys, values, 5);
  ASSERT_EQ(page.size(), 2u * 64 * 64 * 2);
  EXPECT_TRUE(std::ranges::equal(std::as_bytes(std::span(keys)), std::span(page).first(8192)));
  EXPECT_TRUE(std::ranges::equal(std::as_bytes(std::span(values)), std::span(page).last(8192)));
}

TEST(PageCodecTest, StridedRowsSealLikeDenseOnes) {
  const std::vector<Half> rows = RandomRows(PageHalf::kKey, 64, 91, false);
  std::vector<Half> apart(64 * 192, Half{0x7BFF});
  for (size_t t = 0; t < 64; ++t) std::copy_n(&rows[t * 64], 64, &apart[t * 192]);
  const KvLayerFormat format = OneHead(64, DefaultHeadFormat(Codec::kInt2, Codec::kFp16));
  std::vector<std::byte> page(static_cast<size_t>(format.Layout(0).bytes));
  const TensorView<const Half, 2> strided(apart.data(), {64, 64}, {192, 1});
  SealHeadPage(format, 0, strided, strided, 0, page);
  EXPECT_EQ(page, Seal(format, rows, rows, 0));
}

TEST(PageCodecDeathTest, APageOfTheWrongSizeIsABug) {
  const std::vector<Half> rows(64 * 64);
  const KvLayerFormat format = OneHead(64, DefaultHeadFormat(Codec::kInt2, Codec::kE8_1p5));
  std::vector<std::byte> page(1999);
  EXPECT_DEATH(SealHeadPage(format, 0, View(format, rows), View(format, rows), 0, page), "bytes");
}

}  // namespace
}  // namespace oriel
