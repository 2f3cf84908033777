#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/engine/tokenizer/jinja/render.h"

namespace oriel::jinja {
namespace {

using testing::HasSubstr;

TEST(TextMethodTest, Strips) {
  EXPECT_EQ(
      Render("[{{ ' \\u3000a '.strip() }}][{{ 'xxaxx'.lstrip('x') }}][{{ 'a\\n'.rstrip() }}]"),
      "[a][axx][a]");
}

TEST(TextMethodTest, Splits) {
  EXPECT_EQ(Render("{{ ' a  b '.split() }} {{ 'a,b,'.split(',') }} {{ 'a b c'.split(none, 1) }}"),
            "['a', 'b'] ['a', 'b', ''] ['a', 'b c']");
  EXPECT_EQ(Render("{{ 'a,b,c'.rsplit(',', 1) }} {{ 'a\\r\\nb\\n'.splitlines() }}"),
            "['a,b', 'c'] ['a', 'b']");
  EXPECT_THAT(Render("{{ 'a'.split('') }}"), HasSubstr("empty separator"));
}

TEST(TextMethodTest, FindsByCodePoint) {
  EXPECT_EQ(Render("{{ 'éa🙂b'.find('b') }} {{ 'aXbX'.rfind('X') }} {{ 'a'.find('z') }}"),
            "3 3 -1");
  EXPECT_THAT(Render("{{ 'a'.index('z') }}"), HasSubstr("substring not found"));
}

TEST(TextMethodTest, Replaces) {
  EXPECT_EQ(Render("{{ 'aaa'.replace('a', 'b', 2) }} {{ 'éb'.replace('', '-') }}"), "bba -é-b-");
}

TEST(TextMethodTest, ComparesItsEdges) {
  EXPECT_EQ(Render("{{ 'abc'.startswith(('x', 'ab')) }} {{ 'abc'.endswith('bc') }} "
                   "{{ 'abc'.startswith('b', 1) }} {{ 'abc'.removesuffix('c') }}"),
            "True True True ab");
}

TEST(TextMethodTest, JoinsTextsOnly) {
  EXPECT_EQ(Render("{{ ', '.join(['a', 'b']) }}"), "a, b");
  EXPECT_THAT(Render("{{ ''.join([1]) }}"), HasSubstr("expected str instance, int found"));
}

TEST(FormatTest, FillsInPercentFormats) {
  EXPECT_EQ(
      Render("{{ '%s|%5s|%-5s|%05d|%+d|%.2f|%x|%%|%r' % ('a', 'b', 'c', 42, 3, 2.345, 255, 'q')"
             " }}"),
      "a|    b|c    |00042|+3|2.35|ff|%|'q'");
  EXPECT_EQ(Render("{{ '%(a)s' % {'a': 1} }} {{ '%s'|format(2) }}"), "1 2");
  EXPECT_THAT(Render("{{ '%s %s' % 'a' }}"), HasSubstr("not enough arguments"));
  EXPECT_THAT(Render("{{ '%s' % (1, 2) }}"), HasSubstr("not all arguments converted"));
}

TEST(FormatTest, FillsInBraceFormats) {
  EXPECT_EQ(Render("{{ '{} {1} {x!r} {{}}'.format('a', 'b', x='c') }}"), "a b 'c' {}");
  EXPECT_EQ(Render("{{ '{:>4}|{:*^5}|{:,}|{:.1f}'.format('a', 'b', 1234567, 2.25) }}"),
            "   a|**b**|1,234,567|2.2");
}

TEST(FormatTest, LimitsWidths) {
  EXPECT_THAT(Render("{{ '%99999999999999999999d' % 1 }}"), HasSubstr("above 1000000"));
  EXPECT_THAT(Render("{{ '%.101f' % 1.5 }}"), HasSubstr("above 100"));
}

TEST(DictMethodTest, ReadsInOrder) {
  EXPECT_EQ(Render("{% for k, v in d.items() %}{{ k }}{{ v }}{% endfor %} {{ d.keys()|list }} "
                   "{{ d.get('q', 5) }} {{ d.get('q') }}",
                   R"({"d": {"z": 1, "a": 2}})"),
            "z1a2 ['z', 'a'] 5 None");
}

TEST(FunctionTest, CountsRanges) {
  EXPECT_EQ(Render("{{ range(3)|list }} {{ range(1, 4)|list }} {{ range(5, 0, -2)|list }}"),
            "[0, 1, 2] [1, 2, 3] [5, 3, 1]");
  EXPECT_THAT(Render("{{ range(10**9) }}"), HasSubstr("Range too big"));
  EXPECT_THAT(Render("{{ range(9223372036854775807, -9223372036854775807, -1) }}"),
              HasSubstr("Range too big"));
  EXPECT_THAT(Render("{{ range(1, 2, 0) }}"), HasSubstr("must not be zero"));
}

TEST(FunctionTest, TellsTheTime) {
  EXPECT_EQ(Render("{{ strftime_now('%d %b %Y, %A %H:%M %-d %%') }}"),
            "26 Jul 2024, Friday 09:05 26 %");
  EXPECT_THAT(Render("{{ strftime_now('%100000d') }}"), HasSubstr("does not know"));
  EXPECT_THAT(Render("{{ strftime_now('%') }}"), HasSubstr("ends within a conversion"));
}

TEST(FunctionTest, RaisesWithTheLine) {
  EXPECT_EQ(Render("\n\n{{ raise_exception('no ' ~ 'way') }}"), "INVALID_ARGUMENT: line 3: no way");
}

}  // namespace
}  // namespace oriel::jinja
