#include "engine/tokenizer/chat_template.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/engine/tokenizer/jinja/render.h"

namespace oriel {
namespace {

using Json = nlohmann::ordered_json;
using testing::HasSubstr;

std::string Render(const std::string& source, const ChatTemplateInput& input) {
  const auto parsed = ChatTemplate::Parse(source);
  if (!parsed.ok()) {
    return parsed.status().ToString();
  }
  const auto text = parsed->Render(input);
  return text.ok() ? *text : text.status().ToString();
}

TEST(ChatTemplateTest, PassesTheConversation) {
  ChatTemplateInput input;
  input.messages = Json::parse(R"([{"role": "user", "content": "hi"}])");
  input.bos_token = "<s>";
  EXPECT_EQ(Render("{{ bos_token }}{{ messages[0].content }}{{ add_generation_prompt }}"
                   "{{ tools is none }}{{ documents is none }}{{ eos_token is defined }}",
                   input),
            "<s>hiTrueTrueTrueFalse");
}

TEST(ChatTemplateTest, PassesExtraVariables) {
  ChatTemplateInput input;
  input.extra = Json::parse(R"({"enable_thinking": false, "eos_token": "</x>"})");
  input.eos_token = "</s>";
  EXPECT_EQ(Render("{{ enable_thinking is false }}{{ eos_token }}", input), "True</x>");
}

TEST(ChatTemplateTest, RefusesExtraVariablesThatHideTheConversation) {
  ChatTemplateInput input;
  input.extra = Json::parse(R"({"messages": []})");
  EXPECT_EQ(Render("", input),
            "INVALID_ARGUMENT: chat template: an extra variable of the template may not be called "
            "'messages'");
  input.extra = Json::array();
  EXPECT_THAT(Render("", input), HasSubstr("not an object"));
}

TEST(ChatTemplateTest, ReadsTheClockItIsGiven) {
  ChatTemplateInput input;
  input.local_time = jinja::TestTime;
  EXPECT_EQ(Render("{{ strftime_now('%Y-%m-%d') }}", input), "2024-07-26");
  input.local_time = nullptr;
  EXPECT_THAT(Render("{{ strftime_now('%Y') }}", input), testing::MatchesRegex("2[0-9][0-9][0-9]"));
}

TEST(ChatTemplateTest, PrefixesErrors) {
  EXPECT_EQ(Render("\n{{ raise_exception('roles must alternate') }}", {}),
            "INVALID_ARGUMENT: chat template: line 2: roles must alternate");
  EXPECT_EQ(Render("{% foo %}", {}),
            "INVALID_ARGUMENT: chat template: line 1: Encountered unknown tag 'foo'.");
}

TEST(ChatTemplateTest, RefusesTextThatIsNotUtf8) {
  EXPECT_THAT(Render("a\xff", {}), HasSubstr("not UTF-8"));
  ChatTemplateInput input;
  input.messages = Json::array({{{"content", "a\xff"}}});
  EXPECT_THAT(Render("a", input), HasSubstr("not UTF-8"));
}

TEST(ChatTemplateTest, TurnsIntegersBeyondSixtyFourBitsIntoFloats) {
  ChatTemplateInput input;
  input.tools = Json::parse("[18446744073709551615, 9223372036854775807, -9223372036854775808]");
  EXPECT_EQ(Render("{{ tools|tojson }}", input),
            "[1.8446744073709552e+19, 9223372036854775807, -9223372036854775808]");
}

TEST(ChatTemplateTest, RendersTheSameTwice) {
  const auto parsed = ChatTemplate::Parse(
      "{% set ns = namespace(n=0) %}{% set ns.n = ns.n + 1 %}"
      "{{ ns.n }}{% for m in messages %}{{ m }}{% endfor %}");
  ASSERT_TRUE(parsed.ok());
  ChatTemplateInput input;
  input.messages = Json::array({1, 2});
  EXPECT_EQ(*parsed->Render(input), "112");
  EXPECT_EQ(*parsed->Render(input), "112");
}

}  // namespace
}  // namespace oriel
