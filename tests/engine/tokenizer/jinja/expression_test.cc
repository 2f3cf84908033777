#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/engine/tokenizer/jinja/render.h"

namespace oriel::jinja {
namespace {

using testing::HasSubstr;

TEST(ExpressionTest, FollowsPrecedence) {
  EXPECT_EQ(Render("{{ 1 + 2 * 3 - 4 // 3 }} {{ -2 ** 2 }} {{ 1 ~ 2 * 3 }}"), "6 4 16");
  EXPECT_EQ(Render("{{ not 1 == 2 }} {{ 1 < 2 < 2 }} {{ true and '' or 'x' }}"), "True False x");
}

TEST(ExpressionTest, DividesAsPython) {
  EXPECT_EQ(Render("{{ -7 // 2 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ -7.5 % 2 }} {{ 2 ** -1 }}"),
            "-4 2 3.5 0.5 0.5");
  EXPECT_THAT(Render("{{ 1 / 0 }}"), HasSubstr("line 1: division by zero"));
}

TEST(ExpressionTest, RefusesIntegersBeyondSixtyFourBits) {
  EXPECT_THAT(Render("{{ 9223372036854775807 + 1 }}"), HasSubstr("more than 64 bits"));
  EXPECT_THAT(Render("{{ (-9223372036854775807 - 1) // -1 }}"), HasSubstr("more than 64 bits"));
  EXPECT_EQ(Render("{{ (-9223372036854775807 - 1) % -1 }}"), "0");
  EXPECT_THAT(Render("{{ 9223372036854775808 }}"), HasSubstr("more than 64 bits"));
}

TEST(ExpressionTest, PrintsAsPython) {
  EXPECT_EQ(Render("{{ [1, 'a', \"b'c\", none, true, 1.0, (1,), {'k': []}] }}"),
            "[1, 'a', \"b'c\", None, True, 1.0, (1,), {'k': []}]");
  EXPECT_EQ(Render("{{ 1e16 }} {{ 1e15 }} {{ 0.0001 }} {{ 0.00001 }} {{ 0.1 + 0.2 }}"),
            "1e+16 1000000000000000.0 0.0001 1e-05 0.30000000000000004");
  EXPECT_EQ(Render("{{ ['\\n\\u200b\\u00e9'] }}"), "['\\n\\u200b\u00e9']");
}

TEST(ExpressionTest, SlicesCodePoints) {
  EXPECT_EQ(Render("{{ s[1] }} {{ s[-1] }} {{ s[1:3] }} {{ s[::-1] }} {{ s|length }}",
                   R"({"s": "aé🙂z"})"),
            "é z é🙂 z🙂éa 4");
  EXPECT_EQ(Render("{{ [1, 2, 3][-2:] }} {{ [1, 2, 3][::2] }} {{ [1][5:] }}"), "[2, 3] [1, 3] []");
}

TEST(ExpressionTest, PrintsUndefinedAsNothingAndRefusesToUseIt) {
  EXPECT_EQ(Render("[{{ x }}][{{ d.y }}][{{ d['y'] }}]", R"({"d": {}})"), "[][][]");
  EXPECT_THAT(Render("a\n{{ x.y }}"), HasSubstr("line 2: 'x' is undefined"));
  EXPECT_THAT(Render("{{ d.y.z }}", R"({"d": {}})"),
              HasSubstr("'dict object' has no attribute 'y'"));
  EXPECT_THAT(Render("{{ l[3] + 1 }}", R"({"l": []})"), HasSubstr("list object has no element 3"));
  EXPECT_THAT(Render("{{ 'a' + x }}"), HasSubstr("'x' is undefined"));
}

TEST(ExpressionTest, PrefersMethodsByDotAndItemsByBracket) {
  EXPECT_EQ(Render("{{ d['items'] }} {{ d.items()|list }}", R"({"d": {"items": 1}})"),
            "1 [('items', 1)]");
}

TEST(ExpressionTest, RefusesToChangeValues) {
  EXPECT_THAT(Render("{{ l.append(1) }}", R"({"l": []})"),
              HasSubstr("access to attribute 'append' of 'list' object is unsafe"));
  EXPECT_THAT(Render("{{ d.update({}) }}", R"({"d": {}})"), HasSubstr("unsafe"));
}

TEST(ExpressionTest, DecidesShortCircuits) {
  EXPECT_EQ(Render("{{ 0 and x.y }} {{ 1 or x.y }} {{ 'a' if true else x.y }}"), "0 1 a");
}

TEST(ExpressionTest, JoinsNeighbouringTextLiterals) {
  EXPECT_EQ(Render(R"({{ "a" 'b' "\u00e9\x41\n\\\"" }})"), "ab\u00e9A\n\\\"");
}

TEST(ExpressionTest, RefusesEscapesThatAreNoCodePoint) {
  EXPECT_THAT(Render(R"({{ "\ud800" }})"), HasSubstr("no code point"));
  EXPECT_THAT(Render(R"({{ "\U00110000" }})"), HasSubstr("no code point"));
  EXPECT_THAT(Render(R"({{ "\x4" }})"), HasSubstr("cut short"));
  EXPECT_THAT(Render(R"({{ "\x4g" }})"), HasSubstr("no code point"));
}

TEST(ExpressionTest, NamesTheLineOfASyntaxError) {
  EXPECT_THAT(Render("a\nb\n{{ 1 + }}"), HasSubstr("line 3: expected an expression"));
  EXPECT_THAT(Render("\n{{ [1, 2) }}"), HasSubstr("line 2: unexpected ')', expected ']'"));
  EXPECT_THAT(Render("{{ f(a=1, 2) }}"), HasSubstr("invalid syntax for function call"));
}

TEST(TestOperatorTest, TakesAnArgumentWithAndWithoutParentheses) {
  EXPECT_EQ(Render("{{ 4 is divisibleby 2 }} {{ 4 is divisibleby(3) }} {{ 1 is not in [1] }}"),
            "True False False");
}

TEST(TestOperatorTest, TellsTypesApart) {
  EXPECT_EQ(Render("{{ true is integer }} {{ true is number }} {{ 1.0 is float }} "
                   "{{ 's' is sequence }} {{ {} is mapping }} {{ none is none }}"),
            "False True True True True True");
  EXPECT_THAT(Render("{{ 1 is foo }}"), HasSubstr("No test named 'foo'."));
}

}  // namespace
}  // namespace oriel::jinja
