#include "engine/tokenizer/special_token_matcher.h"

#include <ctime>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace oriel {
namespace {

std::vector<SpecialTokenMatcher::Match> FindAll(const SpecialTokenMatcher& matcher,
                                                std::string_view text) {
  std::vector<SpecialTokenMatcher::Match> matches;
  for (size_t begin = 0; begin < text.size();) {
    const SpecialTokenMatcher::Match match = matcher.FindFrom(text, begin);
    if (match.size_bytes == 0) break;
    matches.push_back(match);
    begin = match.begin + match.size_bytes;
  }
  return matches;
}

TEST(SpecialTokenMatcherTest, TakesTheLongestOfTokensThatStartTogether) {
  SpecialTokenMatcher matcher;
  matcher.Add("<a>", 1);
  matcher.Add("<a><b>", 2);
  matcher.Add("<b>", 3);
  const auto matches = FindAll(matcher, "x<a><b><a>y<b>");
  ASSERT_EQ(matches.size(), 3u);
  EXPECT_EQ(matches[0].id, 2);
  EXPECT_EQ(matches[0].begin, 1u);
  EXPECT_EQ(matches[1].id, 1);
  EXPECT_EQ(matches[2].id, 3);
  EXPECT_EQ(matches[2].begin, 11u);
}

TEST(SpecialTokenMatcherTest, GoesOnAfterAStartThatIsNoToken) {
  SpecialTokenMatcher matcher;
  matcher.Add("<<b>", 7);
  const auto matches = FindAll(matcher, "<<<<b");
  EXPECT_TRUE(matches.empty());
  ASSERT_EQ(FindAll(matcher, "<<<<b>").size(), 1u);
  EXPECT_EQ(FindAll(matcher, "<<<<b>")[0].begin, 2u);
}

TEST(SpecialTokenMatcherTest, FindsNothingWithoutTokens) {
  const SpecialTokenMatcher matcher;
  EXPECT_EQ(matcher.FindFrom("<a>", 0).size_bytes, 0u);
  EXPECT_EQ(matcher.FindFrom("<a>", 0).begin, 3u);
}

// With each of a thousand tokens looked for in all of the text this would be 10^9 steps.
TEST(SpecialTokenMatcherTest, TimeDoesNotGrowWithTheNumberOfTokens) {
  SpecialTokenMatcher matcher;
  for (TokenId id = 0; id < 1000; ++id) matcher.Add("<|reserved_" + std::to_string(id) + "|>", id);
  std::string text(1'000'000, 'a');
  for (size_t i = 0; i < text.size(); i += 100) text[i] = '<';
  const std::clock_t start = std::clock();
  EXPECT_EQ(matcher.FindFrom(text, 0).size_bytes, 0u);
  EXPECT_LT(static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC, 0.5);
}

}  // namespace
}  // namespace oriel
