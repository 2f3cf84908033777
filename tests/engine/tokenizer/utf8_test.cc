#include "engine/tokenizer/utf8.h"

#include <string>

#include "gtest/gtest.h"

namespace oriel {
namespace {

using namespace std::string_literals;

TEST(Utf8Test, EveryCodePointGoesThereAndBack) {
  for (char32_t code_point = 0; code_point <= 0x10FFFF; ++code_point) {
    if (code_point >= 0xD800 && code_point <= 0xDFFF) continue;
    std::string text;
    AppendUtf8(code_point, text);
    const Utf8Sequence sequence = NextUtf8Sequence(text);
    ASSERT_EQ(sequence.kind, Utf8Kind::kValid) << static_cast<uint32_t>(code_point);
    ASSERT_EQ(sequence.size_bytes, text.size());
    ASSERT_EQ(DecodeUtf8(text), code_point);
  }
}

TEST(Utf8Test, EveryStartOfACharacterIsIncomplete) {
  for (const std::string& text : {"\u00e9"s, "\u20ac"s, "\U0001F600"s}) {
    for (size_t size = 1; size < text.size(); ++size) {
      const Utf8Sequence sequence = NextUtf8Sequence(text.substr(0, size));
      EXPECT_EQ(sequence.kind, Utf8Kind::kIncomplete);
      EXPECT_EQ(sequence.size_bytes, size);
    }
  }
}

struct Invalid {
  std::string text;
  size_t size_bytes;
};

TEST(Utf8Test, InvalidSequencesEndBeforeTheByteThatBreaksThem) {
  const Invalid cases[] = {
      {"\x80", 1},              // a continuation alone
      {"\xC0\x80", 1},          // overlong
      {"\xC1\xBF", 1},          // overlong
      {"\xE0\x80\x80", 1},      // overlong
      {"\xF0\x8F\xBF\xBF", 1},  // overlong
      {"\xED\xA0\x80", 1},      // a surrogate
      {"\xF4\x90\x80\x80", 1},  // above U+10FFFF
      {"\xF5\x80\x80\x80", 1},
      {"\xFF", 1},
      {"\xC3"s + "a", 1},
      {"\xE2\x82"s + "a", 2},
      {"\xF0\x9F\x98"s + "a", 3},
  };
  for (const Invalid& item : cases) {
    const Utf8Sequence sequence = NextUtf8Sequence(item.text);
    EXPECT_EQ(sequence.kind, Utf8Kind::kInvalid) << testing::PrintToString(item.text);
    EXPECT_EQ(sequence.size_bytes, item.size_bytes) << testing::PrintToString(item.text);
  }
}

TEST(Utf8Test, ReplacesEachInvalidSequenceOnce) {
  EXPECT_EQ(ReplaceInvalidUtf8("a\xE2\x82z\xFF\xFFö\xF0\x9F"), "a\uFFFDz\uFFFD\uFFFDö\uFFFD");
  EXPECT_EQ(ReplaceInvalidUtf8("\u20ac\U0001F600"), "\u20ac\U0001F600");
  EXPECT_EQ(ReplaceInvalidUtf8(""), "");
}

}  // namespace
}  // namespace oriel
