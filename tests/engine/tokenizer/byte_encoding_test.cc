#include "engine/tokenizer/byte_encoding.h"

#include <set>

#include "gtest/gtest.h"

namespace oriel {
namespace {

TEST(ByteEncodingTest, EveryByteHasItsOwnCharacterAndComesBack) {
  std::set<std::string> characters;
  for (int byte = 0; byte < 256; ++byte) {
    const std::string character = EncodeByte(static_cast<uint8_t>(byte));
    EXPECT_TRUE(characters.insert(character).second) << byte;
    EXPECT_EQ(DecodeByteText(character), std::string(1, static_cast<char>(byte))) << byte;
  }
}

TEST(ByteEncodingTest, KnownCharacters) {
  EXPECT_EQ(EncodeByte(' '), "Ġ");
  EXPECT_EQ(EncodeByte('\n'), "Ċ");
  EXPECT_EQ(EncodeByte('A'), "A");
  EXPECT_EQ(EncodeByte(0xAD), "\u0143");
  EXPECT_EQ(DecodeByteText("Ġgrün"), " gr\xFCn");
}

TEST(ByteEncodingTest, KeepsCharactersThatStandForNoByte) {
  EXPECT_EQ(DecodeByteText("<｜end｜>"), "<｜end｜>");
  EXPECT_EQ(DecodeByteText("\u0144"), "\u0144");
  EXPECT_EQ(DecodeByteText("a\xFF"), "a\xFF");
}

}  // namespace
}  // namespace oriel
