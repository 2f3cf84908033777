#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "engine/tokenizer/chat_template.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/engine/tokenizer/jinja/render.h"

namespace oriel {
namespace {

using Json = nlohmann::ordered_json;

// The folder of make_golden.py, which says what the files hold.
const std::filesystem::path kFolder = ORIEL_SOURCE_DIR "/tests/golden/chat_templates";

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> TemplateNames() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder / "templates")) {
    names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::optional<std::string> TextOrNone(const Json& value) {
  return value.is_string() ? std::optional(value.get<std::string>()) : std::nullopt;
}

ChatTemplateInput MakeInput(const Json& conversation, const Json& tokens) {
  ChatTemplateInput input;
  input.messages = conversation["messages"];
  input.tools = conversation.value("tools", Json());
  input.add_generation_prompt = conversation.value("add_generation_prompt", true);
  input.extra = conversation.value("extra", Json::object());
  input.bos_token = TextOrNone(tokens["bos_token"]);
  input.eos_token = TextOrNone(tokens["eos_token"]);
  input.local_time = jinja::TestTime;
  return input;
}

class GoldenTemplateTest : public testing::TestWithParam<std::string> {};

TEST_P(GoldenTemplateTest, RendersAsJinja2) {
  const Json cases = Json::parse(ReadFile(kFolder / "cases.json"));
  const Json expected = Json::parse(ReadFile(kFolder / "expected" / (GetParam() + ".json")));
  const auto parsed =
      ChatTemplate::Parse(ReadFile(kFolder / "templates" / (GetParam() + ".jinja")));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  ASSERT_GE(expected["results"].size(), 4u);
  for (const Json& result : expected["results"]) {
    SCOPED_TRACE(result["case"].get<std::string>());
    const auto conversation = std::find_if(cases.begin(), cases.end(), [&](const Json& candidate) {
      return candidate["name"] == result["case"];
    });
    ASSERT_NE(conversation, cases.end());
    const auto text = parsed->Render(MakeInput(*conversation, expected["tokens"]));
    if (result.contains("output")) {
      ASSERT_TRUE(text.ok()) << text.status();
      EXPECT_EQ(*text, result["output"].get<std::string>());
    } else {
      ASSERT_FALSE(text.ok()) << *text;
      EXPECT_THAT(std::string(text.status().message()),
                  testing::HasSubstr(result["error"].get<std::string>()));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Families, GoldenTemplateTest, testing::ValuesIn(TemplateNames()),
                         [](const auto& family) { return family.param; });

TEST(GoldenSnippetsTest, RenderAsJinja2) {
  const Json variables = Json::parse(ReadFile(kFolder / "snippets.json"))["variables"];
  const Json expected = Json::parse(ReadFile(kFolder / "expected_snippets.json"));
  for (const Json& result : expected["results"]) {
    const auto source = result["source"].get<std::string>();
    SCOPED_TRACE(source);
    const auto text = jinja::TryRender(source, variables.dump());
    if (result.contains("output")) {
      ASSERT_TRUE(text.ok()) << text.status();
      EXPECT_EQ(*text, result["output"].get<std::string>());
    } else {
      ASSERT_FALSE(text.ok()) << *text;
      EXPECT_THAT(std::string(text.status().message()),
                  testing::HasSubstr(result["error"].get<std::string>()));
    }
  }
}

TEST(GoldenTemplatesTest, CoverTheFamiliesAndModels) { EXPECT_GE(TemplateNames().size(), 25u); }

}  // namespace
}  // namespace oriel
