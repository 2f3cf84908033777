#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "engine/tokenizer/chat_template.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/engine/tokenizer/jinja/render.h"

namespace oriel {
namespace {

// Pieces that bring a mutation closer to a template that still parses.
constexpr const char* kPieces[] = {"{{",
                                   "}}",
                                   "{%",
                                   "%}",
                                   "{#",
                                   "#}",
                                   "-",
                                   "{%- endif %}",
                                   "{% else %}",
                                   "{% endfor %}",
                                   "(",
                                   ")",
                                   "[",
                                   "]",
                                   "{",
                                   "}",
                                   "|",
                                   ".",
                                   ",",
                                   ":",
                                   "~",
                                   "**",
                                   "//",
                                   "%",
                                   "*",
                                   "'",
                                   "\"",
                                   "\\",
                                   "|tojson",
                                   "|list",
                                   "|join",
                                   "|sort",
                                   "|map('upper')",
                                   "|first",
                                   "|int",
                                   " is defined",
                                   " not in ",
                                   " if ",
                                   " else ",
                                   " and ",
                                   "loop.",
                                   "messages",
                                   "range(9)",
                                   "namespace()",
                                   "caller()",
                                   "99999999999",
                                   "1e308",
                                   "\xc3\xa9",
                                   "\xf0\x9f\x99\x82",
                                   "[::-1]",
                                   "[-1:]",
                                   ".split()",
                                   ".format(1)",
                                   "%s' % ",
                                   "{% raw %}",
                                   "\n"};

std::vector<std::string> ReadTemplates() {
  std::vector<std::string> sources;
  const std::filesystem::path folder = ORIEL_SOURCE_DIR "/tests/golden/chat_templates/templates";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream file(entry.path(), std::ios::binary);
    sources.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  std::sort(sources.begin(), sources.end());
  return sources;
}

class Mutator {
 public:
  explicit Mutator(std::vector<std::string> sources) : sources_(std::move(sources)) {}

  std::string Next() {
    std::string source = sources_[Below(sources_.size())];
    const size_t num_changes = 1 + Below(3);
    for (size_t i = 0; i < num_changes; ++i) {
      Change(source);
    }
    return source;
  }

 private:
  size_t Below(size_t end) { return static_cast<size_t>(random_() % end); }

  void Change(std::string& source) {
    const size_t place = Below(source.size() + 1);
    const size_t length = Below(20);
    switch (Below(5)) {
      case 0:
        source.insert(place, kPieces[Below(std::size(kPieces))]);
        break;
      case 1:
        source.erase(place, length);
        break;
      case 2:
        source.insert(place, source.substr(Below(source.size() + 1), length * 4));
        break;
      case 3:
        if (place < source.size()) {
          source[place] = static_cast<char>(Below(256));
        }
        break;
      case 4:
        source.replace(place, length, kPieces[Below(std::size(kPieces))]);
        break;
    }
  }

  const std::vector<std::string> sources_;
  std::mt19937_64 random_{20240726};
};

ChatTemplateInput MakeInput() {
  ChatTemplateInput input;
  input.messages = nlohmann::ordered_json::parse(
      R"([{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Ünï 🙂"},
          {"role": "assistant", "content": null, "tool_calls": [{"id": "abcdef123",
           "function": {"name": "f", "arguments": {"a": [1, 2.5, null]}}}]},
          {"role": "tool", "tool_call_id": "abcdef123", "content": "3"}])");
  input.tools = nlohmann::ordered_json::parse(
      R"([{"type": "function", "function": {"name": "f", "description": "d", "parameters":
          {"type": "object", "properties": {"a": {"type": "string", "description": "x"}}}}}])");
  input.bos_token = "<s>";
  input.eos_token = "</s>";
  input.local_time = jinja::TestTime;
  return input;
}

// Whatever the source, parsing and rendering end soon, with a text or a status. The mutations are
// the same in every run; only how many of them fit into the time differs.
TEST(FuzzTest, SurvivesMutatedTemplates) {
  constexpr auto kTime = std::chrono::milliseconds(2500);
  constexpr int kMutationsMax = 60'000;
  const jinja::Limits limits{.steps_max = 200'000, .built_bytes_max = 16 * 1024 * 1024};
  const ChatTemplateInput input = MakeInput();
  Mutator mutator(ReadTemplates());
  const auto end = std::chrono::steady_clock::now() + kTime;
  int num_rendered = 0;
  for (int i = 0; i < kMutationsMax && std::chrono::steady_clock::now() < end; ++i) {
    const auto parsed = ChatTemplate::Parse(mutator.Next(), limits);
    if (parsed.ok() && parsed->Render(input).ok()) {
      ++num_rendered;
    }
  }
  RecordProperty("rendered", num_rendered);
  EXPECT_GT(num_rendered, 0);
}

}  // namespace
}  // namespace oriel
