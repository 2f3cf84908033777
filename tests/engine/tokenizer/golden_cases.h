#ifndef ORIEL_TESTS_ENGINE_TOKENIZER_GOLDEN_CASES_H_
#define ORIEL_TESTS_ENGINE_TOKENIZER_GOLDEN_CASES_H_

#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace oriel {

inline std::string ReadSourceFile(const std::string& path) {
  std::ifstream file(std::string(ORIEL_SOURCE_DIR) + "/" + path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline nlohmann::json ReadGolden(const std::string& file_name) {
  return nlohmann::json::parse(ReadSourceFile("tests/golden/tokenizer/" + file_name));
}

// The texts that the generated golden files are about, by name.
inline std::map<std::string, std::string> GoldenTexts() {
  std::map<std::string, std::string> texts;
  const nlohmann::json golden = ReadGolden("generated_qwen2.json");
  for (const nlohmann::json& item : golden["cases"]) texts[item["name"]] = item["text"];
  return texts;
}

}  // namespace oriel

#endif  // ORIEL_TESTS_ENGINE_TOKENIZER_GOLDEN_CASES_H_
