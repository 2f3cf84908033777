#include "server/json_body.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace oriel {
namespace {

using ::testing::HasSubstr;

constexpr int32_t kDepthMax = 8;

std::string Refusal(const std::string& body) {
  const auto json = ParseJsonBody(body, kDepthMax);
  EXPECT_EQ(json.status().code(), absl::StatusCode::kInvalidArgument) << body.substr(0, 80);
  return std::string(json.status().message());
}

std::string ObjectWithMembers(int32_t count) {
  std::string text = "{";
  for (int32_t i = 0; i < count; ++i) absl::StrAppend(&text, i == 0 ? "" : ",", "\"", i, "\":1");
  return text + "}";
}

TEST(JsonBodyTest, KeepsTheOrderOfMembers) {
  const auto json = ParseJsonBody(R"({"z":1,"a":{"y":2,"b":3}})", kDepthMax);
  ASSERT_TRUE(json.ok());
  EXPECT_EQ(json->dump(), R"({"z":1,"a":{"y":2,"b":3}})");
}

TEST(JsonBodyTest, RefusesWhatIsNoObject) {
  EXPECT_THAT(Refusal(""), HasSubstr("no body"));
  EXPECT_THAT(Refusal("[1]"), HasSubstr("it is array"));
  EXPECT_THAT(Refusal("{\"a\":1"), HasSubstr("not valid JSON"));
  EXPECT_THAT(Refusal("{\"a\":NaN}"), HasSubstr("not valid JSON"));
  EXPECT_THAT(Refusal("{\"a\":\"\xff\"}"), HasSubstr("not valid JSON"));
}

TEST(JsonBodyTest, CountsDepthOutsideOfStringsOnly) {
  const std::string brackets(100, '[');
  EXPECT_TRUE(ParseJsonBody("{\"a\":\"" + brackets + "\\\"" + brackets + "\"}", kDepthMax).ok());
  EXPECT_TRUE(ParseJsonBody("{\"a\":[[[[[[[]]]]]]]}", kDepthMax).ok());
  EXPECT_THAT(Refusal("{\"a\":[[[[[[[[]]]]]]]]}"), HasSubstr("more than 8 levels"));
  // Far more than a stack has room for.
  EXPECT_THAT(Refusal("{\"a\":" + std::string(1'000'000, '[')), HasSubstr("levels"));
}

TEST(JsonBodyTest, BoundsMembersBecauseOrderedObjectsCompareThemAll) {
  EXPECT_TRUE(ParseJsonBody(ObjectWithMembers(kJsonMembersMax), kDepthMax).ok());
  EXPECT_THAT(Refusal(ObjectWithMembers(kJsonMembersMax + 1)), HasSubstr("2049 members"));
  std::string many = "{\"a\":[";
  for (int i = 0; i < 33; ++i) absl::StrAppend(&many, i == 0 ? "" : ",", ObjectWithMembers(2000));
  EXPECT_THAT(Refusal(many + "]}"), HasSubstr("together"));
}

TEST(JsonBodyTest, AMessageIsShortHoweverLongTheFault) {
  const auto json = ParseJsonBody("{\"a\":" + std::string(100000, '1') + "}", kDepthMax);
  ASSERT_FALSE(json.ok());
  EXPECT_LT(json.status().message().size(), 400u);
}

}  // namespace
}  // namespace oriel
