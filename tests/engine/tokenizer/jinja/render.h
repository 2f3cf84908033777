#ifndef ORIEL_TESTS_ENGINE_TOKENIZER_JINJA_RENDER_H_
#define ORIEL_TESTS_ENGINE_TOKENIZER_JINJA_RENDER_H_

#include <ctime>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "engine/tokenizer/jinja/template.h"
#include "nlohmann/json.hpp"

namespace oriel::jinja {

// Friday, 26 July 2024, 09:05.
inline std::tm TestTime() {
  std::tm time{};
  time.tm_year = 124;
  time.tm_mon = 6;
  time.tm_mday = 26;
  time.tm_hour = 9;
  time.tm_min = 5;
  time.tm_wday = 5;
  time.tm_yday = 207;
  return time;
}

// Parses and renders `source` with the fields of the object `variables`.
inline absl::StatusOr<std::string> TryRender(std::string source,
                                             const std::string& variables = "{}",
                                             const Limits& limits = {}) {
  const auto json = nlohmann::ordered_json::parse(variables);
  absl::StatusOr<Template> parsed = Template::Parse(std::move(source), limits);
  if (!parsed.ok()) {
    return parsed.status();
  }
  Template::Variables named;
  for (const auto& [name, value] : json.items()) {
    named.emplace_back(name, &value);
  }
  return parsed->Render(named, TestTime);
}

// The rendered text, or the error's code and message, so that both compare as text.
inline std::string Render(std::string source, const std::string& variables = "{}",
                          const Limits& limits = {}) {
  const absl::StatusOr<std::string> text = TryRender(std::move(source), variables, limits);
  return text.ok() ? *text : text.status().ToString();
}

}  // namespace oriel::jinja

#endif  // ORIEL_TESTS_ENGINE_TOKENIZER_JINJA_RENDER_H_
