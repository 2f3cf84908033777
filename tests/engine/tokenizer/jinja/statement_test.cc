#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/engine/tokenizer/jinja/render.h"

namespace oriel::jinja {
namespace {

using testing::HasSubstr;

TEST(ForTest, DescribesTheLoop) {
  EXPECT_EQ(Render("{% for c in 'abc' %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}"
                   "{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.previtem }}"
                   "{{ loop.nextitem }} {% endfor %}"),
            "103TrueFalse3b 212FalseFalse3ac 321FalseTrue3b ");
}

TEST(ForTest, FiltersLazilySoThatTheBodyCanEndIt) {
  EXPECT_EQ(Render("{% set ns = namespace(found=false) %}"
                   "{% for i in [1, 2, 3, 4] if not ns.found %}{{ i }}"
                   "{% if i == 2 %}{% set ns.found = true %}{% endif %}{% endfor %}"),
            "12");
}

TEST(ForTest, CountsFilteredItemsOnly) {
  EXPECT_EQ(Render("{% for i in [1, 2, 3] if i != 2 %}{{ loop.index }}/{{ loop.length }}"
                   "{{ loop.last }} {% endfor %}"),
            "1/2False 2/2True ");
}

TEST(ForTest, TakesElseWhereThereIsNoItem) {
  EXPECT_EQ(Render("{% for i in [] %}x{% else %}none{% endfor %}"), "none");
  EXPECT_EQ(Render("{% for i in [1] if i > 1 %}x{% else %}none{% endfor %}"), "none");
  EXPECT_EQ(Render("{% for i in [1] %}{% break %}{% else %}none{% endfor %}"), "");
}

TEST(ForTest, UnpacksAndLeaves) {
  EXPECT_EQ(Render("{% for (a, b), c in [((1, 2), 3)] %}{{ a }}{{ b }}{{ c }}{% endfor %}"), "123");
  EXPECT_EQ(Render("{% for i in range(9) %}{% if i == 1 %}{% continue %}{% endif %}"
                   "{% if i == 4 %}{% break %}{% endif %}{{ i }}{% endfor %}"),
            "023");
  EXPECT_THAT(Render("{% for a, b in [(1, 2, 3)] %}{% endfor %}"),
              HasSubstr("too many values to unpack (expected 2)"));
  EXPECT_THAT(Render("{% break %}"), HasSubstr("'break' outside of a loop"));
}

TEST(ForTest, RefusesRecursion) {
  EXPECT_THAT(Render("{% for i in [] recursive %}{% endfor %}"), HasSubstr("not supported"));
}

TEST(SetTest, KeepsTheScopeOfALoop) {
  EXPECT_EQ(Render("{% set a = 1 %}{% for i in [2, 3] %}{{ a }}{% set a = i %}{{ a }}{% endfor %}"
                   "{{ a }}"),
            "12131");
  EXPECT_EQ(Render("{% if true %}{% set a = 1 %}{% endif %}{{ a }}"), "1");
}

TEST(SetTest, ReachesOutThroughANamespace) {
  EXPECT_EQ(Render("{% set ns = namespace(n=0) %}{% for i in [1, 2] %}{% set ns.n = ns.n + i %}"
                   "{% endfor %}{{ ns.n }}"),
            "3");
  EXPECT_THAT(Render("{% set d = {} %}{% set d.a = 1 %}"),
              HasSubstr("cannot assign attribute on non-namespace object"));
}

TEST(SetTest, CapturesABlock) {
  EXPECT_EQ(Render("{% set a | upper | trim %} b{{ 1 }} {% endset %}[{{ a }}]"), "[B1]");
}

TEST(SetTest, UnpacksATuple) {
  EXPECT_EQ(Render("{% set a, b = 1, 2 %}{{ b }}{{ a }}{% set c = 1, 2 %}{{ c }}"), "21(1, 2)");
}

TEST(MacroTest, BindsArguments) {
  EXPECT_EQ(Render("{% macro m(a, b=2, c=a) %}<{{ a }}{{ b }}{{ c }}>{% endmacro %}"
                   "{{ m(1) }}{{ m(1, c=5) }}{{ m(b=3, a=4) }}{{ m() }}"),
            "<121><125><434><2>");
  EXPECT_THAT(Render("{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}"),
              HasSubstr("macro 'm' takes not more than 1 argument(s)"));
  EXPECT_THAT(Render("{% macro m(a) %}{% endmacro %}{{ m(z=2) }}"),
              HasSubstr("macro 'm' takes no keyword argument 'z'"));
}

TEST(MacroTest, TakesWhatItsBodyReads) {
  EXPECT_EQ(Render("{% macro m(a) %}{{ a }}{{ varargs }}{{ kwargs }}{% endmacro %}"
                   "{{ m(1, 2, z=3) }}"),
            "1(2,){'z': 3}");
  EXPECT_EQ(Render("{% macro m() %}[{{ caller('q') }}]{% endmacro %}"
                   "{% call(x) m() %}body {{ x }}{% endcall %}"),
            "[body q]");
}

TEST(MacroTest, SeesTheTemplateWhenCalledAndTheLoopWhenDefined) {
  EXPECT_EQ(Render("{% macro m() %}{{ later }}{% endmacro %}{% set later = 3 %}{{ m() }}"
                   "{% set later = 4 %}{{ m() }}"),
            "34");
  EXPECT_EQ(
      Render("{% set ns = namespace() %}{% for i in [1, 2] %}"
             "{% macro m() %}{{ i }}{% endmacro %}{% set ns.m = m %}{% endfor %}{{ ns.m() }}"),
      "2");
}

TEST(MacroTest, Recurses) {
  EXPECT_EQ(Render("{% macro f(n) %}{{ n }}{% if n > 0 %}{{ f(n - 1) }}{% endif %}{% endmacro %}"
                   "{{ f(3) }}"),
            "3210");
}

TEST(ScopeTest, WithAndFilterAndGeneration) {
  EXPECT_EQ(Render("{% with a = 1, b = 2 %}{{ a }}{{ b }}{% endwith %}{{ a }}"), "12");
  EXPECT_EQ(Render("{% filter upper %}a{{ 'b' }}{% endfilter %}"), "AB");
  EXPECT_EQ(Render("{% generation %}x{% set g = 1 %}{{ g }}{% endgeneration %}{{ g }}"), "x1");
}

TEST(StatementTest, NamesAnUnknownOrUnclosedTag) {
  EXPECT_THAT(Render("\n{% include 'x' %}"),
              HasSubstr("line 2: Encountered unknown tag 'include'."));
  EXPECT_THAT(Render("{% if 1 %}"), HasSubstr("Jinja was looking for 'endif'"));
  EXPECT_THAT(Render("{% endif %}"), HasSubstr("unknown tag 'endif'"));
}

TEST(StatementTest, ReportsTheLineOfTheFailure) {
  EXPECT_THAT(Render("{% for i in [1] %}\n{% if i %}\n{{ i.a.b }}\n{% endif %}{% endfor %}"),
              HasSubstr("line 3: 'int object' has no attribute 'a'"));
  EXPECT_THAT(Render("{% macro m() %}\n\n{{ x.y }}{% endmacro %}\n\n\n{{ m() }}"),
              HasSubstr("line 3: 'x' is undefined"));
}

}  // namespace
}  // namespace oriel::jinja
