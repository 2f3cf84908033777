#include "engine/tokenizer/jinja/limits.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/engine/tokenizer/jinja/render.h"

namespace oriel::jinja {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string Repeat(const std::string& text, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) {
    out += text;
  }
  return out;
}

TEST(LimitsTest, BoundsTheSource) {
  EXPECT_EQ(Render("abcdef", "{}", Limits{.source_bytes_max = 5}),
            "RESOURCE_EXHAUSTED: the template has 6 bytes, the limit is 5");
  EXPECT_EQ(Render("abcde", "{}", Limits{.source_bytes_max = 5}), "abcde");
}

TEST(LimitsTest, BoundsTheOutput) {
  EXPECT_EQ(Render("{% for i in range(10) %}abc{% endfor %}", "{}", Limits{.output_bytes_max = 29}),
            "RESOURCE_EXHAUSTED: line 1: the rendered text is longer than 29 bytes");
  EXPECT_TRUE(
      TryRender("{% for i in range(10) %}abc{% endfor %}", "{}", Limits{.output_bytes_max = 30})
          .ok());
}

TEST(LimitsTest, BoundsSteps) {
  EXPECT_EQ(Render("{% for i in range(9) %}{% for j in range(9) %}{{ j }}{% endfor %}{% endfor %}",
                   "{}", Limits{.steps_max = 100}),
            "RESOURCE_EXHAUSTED: line 1: the template took more than 100 steps");
}

TEST(LimitsTest, BoundsTheDepthOfVariables) {
  const Limits limits{.value_depth_max = 3};
  EXPECT_EQ(Render("{{ v }}", R"({"v": [[[1]]]})", limits), "[[[1]]]");
  EXPECT_THAT(Render("{{ v }}", R"({"v": [[[[1]]]]})", limits),
              HasSubstr("nest deeper than 3 levels"));
}

// Each of these would take all memory, all time or all of the stack of a naive interpreter.
TEST(LimitsTest, StopsHostileTemplates) {
  const std::vector<std::string> sources = {
      "{{ 'x' * 10**9 }}",
      "{{ 'x' * 10**18 }}",
      "{{ [1] * 10**18 }}",
      "{{ 'abcdefgh' * (2**61) }}",
      "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
      "{% set ns = namespace(s='x') %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% "
      "endfor %}",
      "{% set ns = namespace(s='x') %}{% for i in range(99) %}{% set ns.s = ns.s ~ ns.s %}{% "
      "endfor %}",
      "{% set ns = namespace(s=[1]) %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% "
      "endfor %}",
      "{% set ns = namespace(s=[1]) %}{% for i in range(99999) %}{% set ns.s = [ns.s] %}{% endfor "
      "%}",
      "{% set ns = namespace(s=1) %}{% for i in range(99) %}{% set ns.s = [ns.s, ns.s] %}{% endfor "
      "%}"
      "{{ ns.s }}",
      "{% set ns = namespace(s=1) %}{% for i in range(99) %}{% set ns.s = [ns.s, ns.s] %}{% endfor "
      "%}"
      "{{ ns.s|tojson }}",
      "{% set ns = namespace(s=1, t=1) %}{% for i in range(99) %}{% set ns.s = [ns.s, ns.s] %}"
      "{% set ns.t = [ns.t, ns.t] %}{% endfor %}{{ ns.s == ns.t }}",
      "{% set ns = namespace() %}{% set ns.a = [ns] %}{{ ns }}",
      "{% set ns = namespace(a=1) %}{% for i in range(9999) %}{% for j in [ns.a] %}"
      "{% set ns.a = [loop] %}{% endfor %}{% endfor %}",
      "{% set ns = namespace(a={}) %}{% for i in range(9999) %}{% set ns.a = {'g': [ns.a.get]} %}"
      "{% set ns.a = {'g': ns.a.g} %}{% endfor %}",
      "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
      "{% macro m(n) %}{% for i in [1, 2] %}{{ m(n) }}{% endfor %}{% endmacro %}{{ m(1) }}",
      "{% macro m() %}{% call m() %}{{ caller() }}{% endcall %}{% endmacro %}{{ m() }}",
      "{{ 'a'.replace('', 'b' * 1000000).replace('b', 'c' * 1000000) }}",
      "{{ ('a' * 1000000).replace('a', 'b' * 1000000) }}",
      "{{ ('a' * 1000000).rfind('b' + 'a' * 500000) }}",
      "{% set s = 'a' * 10000000 %}{% for i in range(99999) %}{{ s == s + 'b' }}{% endfor %}",
      "{% set s = 'a' * 10000000 %}{% set t = s + '' %}{% for i in range(99999) %}"
      "{% if s == t %}{% endif %}{% endfor %}",
      "{% set s = 'a' * 10000000 %}{% for i in range(99999) %}{% if s|length %}{% endif %}{% "
      "endfor %}",
      "{% set s = 'a' * 10000000 %}{% for i in range(99999) %}{% if s[9999999] %}{% endif %}{% "
      "endfor %}",
      "{% set s = 'a' * 10000000 %}{% for i in range(99999) %}{% if 'b' in s %}{% endif %}{% "
      "endfor %}",
      "{% set s = 'a ' * 10000000 %}{% for i in range(99999) %}{% if s.split() %}{% endif %}{% "
      "endfor %}",
      "{{ ['a' * 1000000] * 1000|string }}",
      "{{ (['a' * 1000000] * 1000)|join }}",
      "{{ '%1000000s' * 1000 % (1, 2) }}",
      "{{ ('%1000000d' * 1000)|format(*range(1000)) }}",
      "{{ 'a'.center(10**12) }}",
      "{{ range(100000)|list|tojson(indent='x' * 1000000) }}",
      "{% set ns = namespace(s='x' * 10000000) %}{% for i in range(100) %}{% set ns.s = ns.s|upper "
      "%}"
      "{% endfor %}",
  };
  // A tenth of the usual limits stops them just as surely, and the test sooner.
  const Limits limits{.steps_max = 500'000, .built_bytes_max = 32 * 1024 * 1024};
  for (const std::string& source : sources) {
    SCOPED_TRACE(source);
    const auto text = TryRender(source, "{}", limits);
    ASSERT_FALSE(text.ok()) << text->substr(0, 100);
    EXPECT_THAT(text.status().ToString(), testing::AnyOf(StartsWith("RESOURCE_EXHAUSTED: line"),
                                                         StartsWith("INVALID_ARGUMENT: line")));
  }
}

TEST(LimitsTest, BoundsTheNestingOfTheSource) {
  constexpr int kDeep = 10'000;
  const std::vector<std::string> sources = {
      "{{ " + Repeat("(", kDeep) + "1" + Repeat(")", kDeep) + " }}",
      "{{ " + Repeat("[", kDeep) + Repeat("]", kDeep) + " }}",
      "{{ " + Repeat("{'a':", kDeep) + "1" + Repeat("}", kDeep) + " }}",
      "{{ " + Repeat("not ", kDeep) + "1 }}",
      "{{ " + Repeat("- ", kDeep) + "1 }}",
      "{{ " + Repeat("1 + ", kDeep) + "1 }}",
      "{{ " + Repeat("1 * ", kDeep) + "1 }}",
      "{{ " + Repeat("1 ** ", kDeep) + "1 }}",
      "{{ " + Repeat("1 and ", kDeep) + "1 }}",
      "{{ " + Repeat("1 or ", kDeep) + "1 }}",
      "{{ " + Repeat("1 if ", kDeep) + "1 }}",
      "{{ " + Repeat("1 if 1 else ", kDeep) + "1 }}",
      "{{ a" + Repeat(".a", kDeep) + " }}",
      "{{ a" + Repeat("[0]", kDeep) + " }}",
      "{{ a" + Repeat("()", kDeep) + " }}",
      "{{ " + Repeat("a(", kDeep) + Repeat(")", kDeep) + " }}",
      "{{ " + Repeat("a[", kDeep) + "0" + Repeat("]", kDeep) + " }}",
      "{{ 1" + Repeat("|abs", kDeep) + " }}",
      "{{ 1" + Repeat("|default(1", kDeep) + Repeat(")", kDeep) + " }}",
      "{{ 1 is in " + Repeat("(", kDeep) + Repeat(")", kDeep) + " }}",
      Repeat("{% if 1 %}", kDeep) + Repeat("{% endif %}", kDeep),
      Repeat("{% for i in [1] %}", kDeep) + Repeat("{% endfor %}", kDeep),
      Repeat("{% set a %}", kDeep) + Repeat("{% endset %}", kDeep),
      "{% for " + Repeat("(", kDeep) + "a" + Repeat(")", kDeep) + " in [] %}{% endfor %}",
  };
  for (const std::string& source : sources) {
    SCOPED_TRACE(source.substr(0, 40));
    const auto text = TryRender(source);
    ASSERT_FALSE(text.ok());
    EXPECT_EQ(text.status().code(), absl::StatusCode::kResourceExhausted) << text.status();
    EXPECT_THAT(std::string(text.status().message()), HasSubstr("line 1: "));
  }
}

TEST(LimitsTest, AllowsLongFlatSources) {
  const std::string chain = "{{ " + Repeat("'a' ~ ", 5000) + "'a' }}";
  EXPECT_EQ(Render(chain).size(), 5001u);
  const std::string branches =
      "{% if x %}" + Repeat("{% elif x %}", 5000) + "{% else %}y{% endif %}";
  EXPECT_EQ(Render(branches), "y");
}

}  // namespace
}  // namespace oriel::jinja
