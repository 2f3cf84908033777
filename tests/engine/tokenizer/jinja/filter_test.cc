#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/engine/tokenizer/jinja/render.h"

namespace oriel::jinja {
namespace {

using testing::HasSubstr;

TEST(ToJsonTest, KeepsOrderAndUnicodeAndEscapesNoHtml) {
  EXPECT_EQ(
      Render("{{ v|tojson }}", R"({"v": {"z": "é<&>'", "a": [1, 2.0, null, true], "e": {}}})"),
      R"({"z": "é<&>'", "a": [1, 2.0, null, true], "e": {}})");
}

TEST(ToJsonTest, IndentsAsPython) {
  EXPECT_EQ(Render("{{ {'a': [1, {}], 'b': []}|tojson(indent=2) }}"),
            "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}");
}

TEST(ToJsonTest, EscapesControlsAndNonAsciiOnDemand) {
  EXPECT_EQ(Render(R"({{ "\n\t\x01\"\\/" |tojson }})"), R"("\n\t\u0001\"\\/")");
  EXPECT_EQ(Render("{{ 'é🙂'|tojson(ensure_ascii=true) }}"), R"("\u00e9\ud83d\ude42")");
}

TEST(ToJsonTest, SortsKeysAndTakesSeparators) {
  EXPECT_EQ(Render("{{ {'b': 1, 'a': 2}|tojson(sort_keys=true, separators=(',', ':')) }}"),
            R"({"a":2,"b":1})");
}

TEST(ToJsonTest, RefusesWhatIsNotJson) {
  EXPECT_THAT(Render("{{ x|tojson }}"),
              HasSubstr("Object of type Undefined is not JSON serializable"));
}

TEST(FilterTest, DefaultsOnlyWhatIsUndefined) {
  EXPECT_EQ(Render("{{ x|default('d') }} {{ ''|default('d') }}| {{ ''|default('d', true) }}"),
            "d | d");
}

TEST(FilterTest, SelectsAndMaps) {
  const std::string variables = R"({"l": [{"n": "a", "v": 1}, {"n": "b", "v": 0}, {"n": "c"}]})";
  EXPECT_EQ(Render("{{ l|selectattr('v')|map(attribute='n')|join(',') }}", variables), "a");
  EXPECT_EQ(Render("{{ l|selectattr('v', 'defined')|map(attribute='n')|join(',') }}", variables),
            "a,b");
  EXPECT_EQ(Render("{{ l|rejectattr('n', 'equalto', 'b')|list|length }}", variables), "2");
  EXPECT_EQ(Render("{{ l|map(attribute='v', default=9)|list }}", variables), "[1, 0, 9]");
  EXPECT_EQ(Render("{{ [1, 2, 3]|select('odd')|map('string')|list }}"), "['1', '3']");
  EXPECT_EQ(Render("{{ none|selectattr('a')|list }}"), "[]");
}

TEST(FilterTest, EmptiesAGeneratorByReadingIt) {
  EXPECT_EQ(Render("{% set g = [1, 2]|select %}{{ g|list }}{{ g|list }}"), "[1, 2][]");
}

TEST(FilterTest, SortsStablyAndWithoutCase) {
  EXPECT_EQ(Render("{{ ['b', 'A', 'a', 'B']|sort }} {{ ['b', 'A']|sort(case_sensitive=true) }}"),
            "['A', 'a', 'b', 'B'] ['A', 'b']");
  EXPECT_EQ(Render("{{ [[1, 'b'], [0, 'a'], [1, 'a']]|sort(attribute='0', reverse=true) }}"),
            "[[1, 'b'], [1, 'a'], [0, 'a']]");
  EXPECT_THAT(Render("{{ [1, 'a']|sort }}"), HasSubstr("'<' not supported"));
}

TEST(FilterTest, SortsDicts) {
  EXPECT_EQ(Render("{{ {'b': 1, 'A': 2}|dictsort }} {{ {'a': 3, 'b': 1}|dictsort(by='value') }}"),
            "[('A', 2), ('b', 1)] [('b', 1), ('a', 3)]");
}

TEST(FilterTest, ReadsNumbers) {
  EXPECT_EQ(Render("{{ '42.7'|int }} {{ 'x'|int(5) }} {{ '0x1F'|int(base=16) }} {{ '1e3'|float }}"),
            "42 5 31 1000.0");
  EXPECT_EQ(Render("{{ 2.5|round }} {{ 2.675|round(2) }} {{ 42.55|round(1, 'floor') }}"),
            "2.0 2.67 42.5");
}

TEST(FilterTest, IndentsAllLinesButTheFirstAndEmptyOnes) {
  EXPECT_EQ(Render("{{ 'a\\nb\\n\\nc'|indent(2) }}"), "a\n  b\n\n  c");
  EXPECT_EQ(Render("{{ 'a\\nb'|indent('> ', first=true) }}"), "> a\n> b");
}

TEST(FilterTest, ChangesCaseAsUnicodeHasIt) {
  EXPECT_EQ(Render("{{ 'straße'|upper }} {{ 'ΑΣ'|lower }} {{ \"it's o'k\"|title }}"),
            "STRASSE ας It's O'k");
  EXPECT_EQ(Render("{{ \"it's o'k\".title() }} {{ 'éCOLE'|capitalize }}"), "It'S O'K École");
}

TEST(FilterTest, SaysWhichFilterIsMissing) {
  EXPECT_THAT(Render("\n{{ 1|frobnicate }}"), HasSubstr("line 2: No filter named 'frobnicate'."));
}

TEST(FilterTest, NamesAnUnknownArgument) {
  EXPECT_THAT(Render("{{ [1]|join(sep=',') }}"), HasSubstr("unexpected keyword argument 'sep'"));
}

}  // namespace
}  // namespace oriel::jinja
