#include "kernels/formats/code_section.h"

#include <gtest/gtest.h>

#include "tests/kernels/formats/golden_data.h"

namespace oriel {
namespace {

using testing::Fnv1a;
using testing::GoldenLines;
using testing::Hex;
using testing::RandomCodes;

TEST(CodeSectionTest, SectionsHaveTheGoldenBytesAndUnpackToTheirCodes) {
  int num_sections = 0;
  for (std::istringstream& line : GoldenLines("code_sections.txt")) {
    std::string name, half_name, hash, head;
    int head_dim = 0;
    uint64_t seed = 0;
    line >> name >> half_name >> head_dim >> seed >> hash >> head;
    const Codec codec = *CodecFromName(name);
    const PageHalf half = half_name == "K" ? PageHalf::kKey : PageHalf::kValue;
    SCOPED_TRACE(line.str());

    const std::vector<uint8_t> codes = RandomCodes(codec, head_dim, seed);
    // Packing overwrites whatever the section held before.
    std::vector<std::byte> section(static_cast<size_t>(CodeSectionBytes(codec, head_dim)),
                                   std::byte{0xA5});
    PackCodes(half, codec, head_dim, codes, section);
    EXPECT_EQ(Hex(std::span(section).first(16)), head);
    EXPECT_EQ(Fnv1a(section), hash);

    std::vector<uint8_t> unpacked(codes.size());
    UnpackCodes(half, codec, head_dim, section, unpacked);
    EXPECT_EQ(unpacked, codes);
    ++num_sections;
  }
  EXPECT_EQ(num_sections, 28);  // seven codecs, two halves, two head dimensions
}

TEST(CodeSectionTest, AnyBytesUnpackToValidCodes) {
  testing::Lcg lcg(3);
  for (Codec codec : kAllCodecs) {
    if (codec == Codec::kFp16) continue;
    for (int head_dim : {64, 128}) {
      std::vector<std::byte> section(static_cast<size_t>(CodeSectionBytes(codec, head_dim)));
      for (std::byte& byte : section) byte = static_cast<std::byte>(lcg.Draw(256));
      std::vector<uint8_t> codes(static_cast<size_t>(kPageTokens * head_dim));
      UnpackCodes(PageHalf::kKey, codec, head_dim, section, codes);
      for (uint8_t code : codes) ASSERT_LT(code, Levels(codec));
      if (!IsE8(codec)) continue;
      for (size_t token = 0; token < kPageTokens; ++token) {
        const size_t row = static_cast<size_t>(head_dim);
        EXPECT_TRUE(IsE8Row(head_dim, std::span(codes).subspan(token * row, row)));
      }
    }
  }
}

// kernels/formats/README.md computes these bytes by hand.
TEST(CodeSectionTest, TheWorkedPageHasTheBytesOfTheReadme) {
  std::vector<uint8_t> keys(64 * 128, 0);
  keys[0] = 3;
  keys[32] = 1;
  keys[64] = 2;
  keys[9 * 128 + 37] = 2;
  std::vector<std::byte> section(2048);
  PackCodes(PageHalf::kKey, Codec::kInt2, 128, keys, section);
  EXPECT_EQ(section[0], std::byte{0x27});
  EXPECT_EQ(section[89], std::byte{2 << 2});

  std::vector<uint8_t> values(64 * 128, 0);
  const uint8_t block[] = {3, 1, 0, 2, 3, 1, 2, 0};
  for (size_t i = 0; i < 8; ++i) values[16 * i] = block[i];
  section.resize(1536);
  PackCodes(PageHalf::kValue, Codec::kE8_1p5, 128, values, section);
  EXPECT_EQ(section[0], std::byte{0x93});
  EXPECT_EQ(section[512], std::byte{0x05});
}

TEST(CodeSectionDeathTest, CodesThatAreNoCodewordAreABug) {
  std::vector<uint8_t> codes(64 * 64, 0);
  codes[0] = 1;  // one low bit alone is no codeword
  std::vector<std::byte> section(static_cast<size_t>(CodeSectionBytes(Codec::kE8_1p5, 64)));
  EXPECT_DEATH(PackCodes(PageHalf::kKey, Codec::kE8_1p5, 64, codes, section), "IsE8Row");
}

TEST(CodeSectionDeathTest, ACodeAboveTheLevelsIsABug) {
  std::vector<uint8_t> codes(64 * 64, 4);
  std::vector<std::byte> section(static_cast<size_t>(CodeSectionBytes(Codec::kInt2, 64)));
  EXPECT_DEATH(PackCodes(PageHalf::kKey, Codec::kInt2, 64, codes, section), "Levels");
}

}  // namespace
}  // namespace oriel
