#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/engine/tokenizer/jinja/render.h"

namespace oriel::jinja {
namespace {

TEST(WhiteSpaceTest, TrimsTheLineOfABlock) {
  EXPECT_EQ(Render("a\n  {% if true %}\n  b\n  {% endif %}\nc"), "a\n  b\nc");
  EXPECT_EQ(Render("a {% if true %}\nb{% endif %} c"), "a b c");
}

TEST(WhiteSpaceTest, LeavesTheLineOfAVariable) {
  EXPECT_EQ(Render("  {{ 1 }}\n  {{ 2 }}\n"), "  1\n  2");
}

TEST(WhiteSpaceTest, StripsAndKeepsWhereMarked) {
  EXPECT_EQ(Render("a  \n {{- 1 -}} \n b"), "a1b");
  EXPECT_EQ(Render("a\n  {%- if true -%}\n  b\n  {%- endif -%}\n  c"), "abc");
  EXPECT_EQ(Render("  {%+ if true %}b{% endif +%}\nc"), "  b\nc");
}

TEST(WhiteSpaceTest, TreatsCommentsAsBlocks) {
  EXPECT_EQ(Render("a\n  {# b #}\nc"), "a\nc");
  EXPECT_EQ(Render("a {#- b -#} c"), "ac");
  EXPECT_EQ(Render("{#- b #}{% if true %}x{% endif %}"), "x");
  EXPECT_THAT(Render("{# a"), testing::HasSubstr("Missing end of comment tag"));
}

TEST(WhiteSpaceTest, CopiesRawBlocks) {
  EXPECT_EQ(Render("{% raw %}{{ x }}{% if %}{% endraw %}"), "{{ x }}{% if %}");
  EXPECT_EQ(Render("{%- raw -%}  {{ x }}  {%- endraw -%}  y"), "{{ x }}y");
  EXPECT_THAT(Render("{% raw %}{% endraw"), testing::HasSubstr("Missing end of raw"));
}

TEST(WhiteSpaceTest, NormalizesLineEndsAndDropsTheLast) {
  EXPECT_EQ(Render("a\r\nb\rc\n"), "a\nb\nc");
  EXPECT_EQ(Render("a\n\n"), "a\n");
}

TEST(WhiteSpaceTest, LooksForClosersOutsideOfTextAndBrackets) {
  EXPECT_EQ(Render("{{ '}}' }}{% set a = '%}' %}{{ a }}{{ {'a': {'b': 1}} }}"),
            "}}%}{'a': {'b': 1}}");
}

TEST(WhiteSpaceTest, LeavesLoneBraces) { EXPECT_EQ(Render("{ a } {a{ }}"), "{ a } {a{ }}"); }

}  // namespace
}  // namespace oriel::jinja
