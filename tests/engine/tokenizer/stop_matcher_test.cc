#include "engine/tokenizer/stop_matcher.h"

#include <random>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace oriel {
namespace {

using ::testing::HasSubstr;
using StopText = StopMatcher::StopText;

StopMatcher MakeMatcher(const std::vector<std::string>& stops,
                        StopText stop_text = StopText::kExclude) {
  absl::StatusOr<StopMatcher> matcher = StopMatcher::Make(stops, stop_text);
  EXPECT_TRUE(matcher.ok()) << matcher.status();
  return std::move(matcher).value();
}

TEST(StopMatcherTest, PassesTextThroughWithoutStops) {
  StopMatcher matcher = MakeMatcher({});
  const StopMatcher::Output output = matcher.Append("anything");
  EXPECT_EQ(output.text, "anything");
  EXPECT_FALSE(output.stopped);
  EXPECT_EQ(matcher.Finish().text, "");
}

TEST(StopMatcherTest, KeepsBackOnlyWhatCouldBecomeAStop) {
  StopMatcher matcher = MakeMatcher({"###", "\nUser:"});
  EXPECT_EQ(matcher.Append("one #").text, "one ");
  EXPECT_EQ(matcher.Append("# two").text, "## two");
  EXPECT_EQ(matcher.Append("\nUse").text, "");
  EXPECT_EQ(matcher.Append("ful").text, "\nUseful");
  EXPECT_EQ(matcher.Append("\nU").text, "");
  EXPECT_EQ(matcher.Finish().text, "\nU");
}

TEST(StopMatcherTest, CutsBeforeTheStopOrBehindIt) {
  for (StopText stop_text : {StopText::kExclude, StopText::kInclude}) {
    StopMatcher matcher = MakeMatcher({"END"}, stop_text);
    EXPECT_EQ(matcher.Append("go on E").text, "go on ");
    const StopMatcher::Output output = matcher.Append("ND and more");
    EXPECT_TRUE(output.stopped);
    EXPECT_EQ(output.stop_index, 0u);
    EXPECT_EQ(output.text, stop_text == StopText::kInclude ? "END" : "");
    EXPECT_EQ(output.end_bytes, stop_text == StopText::kInclude ? 9u : 6u);
  }
}

TEST(StopMatcherTest, TheStopThatIsCompleteFirstCounts) {
  StopMatcher matcher = MakeMatcher({"abcdef", "cd"});
  const StopMatcher::Output output = matcher.Append("xabcdefg");
  EXPECT_TRUE(output.stopped);
  EXPECT_EQ(output.stop_index, 1u);
  EXPECT_EQ(output.text, "xab");
}

TEST(StopMatcherTest, OfStopsThatAreCompleteTogetherTheLongestCounts) {
  StopMatcher matcher = MakeMatcher({"d", "bcd", "cd"});
  const StopMatcher::Output output = matcher.Append("abcd");
  EXPECT_EQ(output.stop_index, 1u);
  EXPECT_EQ(output.text, "a");
}

TEST(StopMatcherTest, FindsAStopThatStartsInsideOfAFailedOne) {
  StopMatcher matcher = MakeMatcher({"aab"});
  EXPECT_EQ(matcher.Append("aaa").text, "a");
  const StopMatcher::Output output = matcher.Append("b");
  EXPECT_TRUE(output.stopped);
  EXPECT_EQ(output.text, "");
  EXPECT_EQ(output.end_bytes, 1u);
}

TEST(StopMatcherTest, OverlappingStartsOfSeveralStopsKeepTheLongestBack) {
  StopMatcher matcher = MakeMatcher({"<|end|>", "end|x", "|>>"});
  EXPECT_EQ(matcher.Append("a<|end|").text, "a");
  EXPECT_EQ(matcher.Append("y").text, "<|end|y");
  EXPECT_EQ(matcher.Append("end|").text, "");
  EXPECT_TRUE(matcher.Append("x").stopped);
}

TEST(StopMatcherTest, NeverCutsInsideOfACharacter) {
  StopMatcher matcher = MakeMatcher({"é!"});
  EXPECT_EQ(matcher.Append("caf\u00e9").text, "caf");
  EXPECT_EQ(matcher.Append("\u00e8").text, "éè");
}

TEST(StopMatcherTest, AnEmptyStopIsRefusedWithItsPlace) {
  const absl::Status status =
      StopMatcher::Make(std::vector<std::string>{"a", ""}, StopText::kExclude).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("stop string 1 is empty"));
}

// The definition, on the whole text at once: the first end of any stop, then the longest that ends
// there.
std::string CutSlowly(const std::string& text, const std::vector<std::string>& stops,
                      StopText stop_text) {
  for (size_t end = 1; end <= text.size(); ++end) {
    size_t longest = 0;
    for (const std::string& stop : stops) {
      if (text.substr(0, end).ends_with(stop)) longest = std::max(longest, stop.size());
    }
    if (longest > 0) return text.substr(0, stop_text == StopText::kInclude ? end : end - longest);
  }
  return text;
}

TEST(StopMatcherTest, EqualsTheDefinitionHoweverTheTextIsCut) {
  std::mt19937 random(99);
  const auto random_text = [&random](size_t size) {
    std::string text(size, 'a');
    for (char& byte : text) byte = static_cast<char>('a' + random() % 2);
    return text;
  };
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::string> stops;
    for (uint32_t i = 0; i <= random() % 3; ++i) stops.push_back(random_text(2 + random() % 5));
    const std::string text = random_text(random() % 24);
    const StopText stop_text = random() % 2 == 0 ? StopText::kExclude : StopText::kInclude;
    StopMatcher matcher = MakeMatcher(stops, stop_text);
    std::string shown;
    bool stopped = false;
    for (size_t begin = 0; begin < text.size() && !stopped;) {
      const size_t size = 1 + random() % 4;
      const StopMatcher::Output output = matcher.Append(std::string_view(text).substr(begin, size));
      shown += output.text;
      stopped = output.stopped;
      EXPECT_EQ(output.end_bytes, shown.size());
      begin += size;
    }
    if (!stopped) shown += matcher.Finish().text;
    EXPECT_EQ(shown, CutSlowly(text, stops, stop_text))
        << text << " " << testing::PrintToString(stops);
  }
}

}  // namespace
}  // namespace oriel
