#include "server/config/config_layers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <string_view>

#include "absl/strings/ascii.h"
#include "server/config/config_field.h"

namespace oriel {
namespace {

using ::testing::HasSubstr;

class ConfigLayersTest : public ::testing::Test {
 protected:
  ~ConfigLayersTest() override { std::filesystem::remove(path_); }

  std::string Write(const std::string& text) {
    std::ofstream(path_) << text;
    return path_;
  }

  std::string Refusal(const ConfigLayers& layers) {
    const auto config = ResolveServerConfig(layers);
    EXPECT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(config.status().message());
  }

  const std::string path_ = ::testing::TempDir() +
                            ::testing::UnitTest::GetInstance()->current_test_info()->name() +
                            ".yaml";
};

TEST_F(ConfigLayersTest, WithoutLayersTheDefaultsHold) {
  const auto config = ResolveServerConfig({});
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->http_port, 8000);
  EXPECT_EQ(config->engine.key_codec, Codec::kInt2);
  EXPECT_EQ(config->engine.value_codec, Codec::kE8_1p5);
}

TEST_F(ConfigLayersTest, FlagsBeatTheEnvironmentAndThatTheFile) {
  const auto config = ResolveServerConfig(
      {.file_path = Write("window-tokens: 64\nsink-tokens: 7\nmax-num-seqs: 3\n"),
       .environment = {{"window-tokens", "192"}, {"sink-tokens", "9"}},
       .flags = {{"window-tokens", "256"}}});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->engine.window_tokens, 256);
  EXPECT_EQ(config->engine.sink_tokens, 9);
  EXPECT_EQ(config->engine.max_num_seqs, 3);
}

TEST_F(ConfigLayersTest, AFileMayWriteUnderscores) {
  const auto config = ResolveServerConfig(
      {.file_path = Write("kv_cache_memory: 2GiB\n"), .environment = {}, .flags = {}});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->engine.kv_cache_memory_bytes, int64_t{2} << 30);
}

TEST_F(ConfigLayersTest, AnUnknownNameIsRefusedWithTheNearestInItsSpelling) {
  const std::string in_file =
      Refusal({.file_path = Write("windw_tokens: 128\n"), .environment = {}, .flags = {}});
  EXPECT_THAT(in_file, HasSubstr(path_));
  EXPECT_THAT(in_file, HasSubstr("did you mean window_tokens?"));
  EXPECT_THAT(Refusal({.file_path = {}, .environment = {}, .flags = {{"sink-tokes", "1"}}}),
              HasSubstr("--sink-tokes: no such setting (did you mean sink-tokens?)"));
}

TEST_F(ConfigLayersTest, AValueOutOfRangeIsRefusedWithItsLimits) {
  const struct {
    const char* name;
    const char* value;
    const char* fragment;
  } kCases[] = {
      {"http-port", "70000", "0 to 65535"},
      {"http-port", "eighty", "whole number"},
      {"max-num-seqs", "0", "1 to 4096"},
      {"key-codec", "int3", "int2"},
      {"window-tokens", "100", "multiple of 64"},
      {"drain-timeout", "nan", "seconds"},
      {"kv-cache-memory", "lots", "1.5GiB"},
      {"log-level", "loud", "trace, debug"},
      {"vllm-metric-names", "perhaps", "true or false"},
      {"backend", "abacus", "cpu, reference"},
      {"cpu-isa", "sse9", "auto, avx2, avx512"},
      {"max-request-memory", "1MiB", "the least is max-body-bytes, 16777216"},
  };
  for (const auto& test_case : kCases) {
    EXPECT_THAT(
        Refusal({.file_path = {}, .environment = {}, .flags = {{test_case.name, test_case.value}}}),
        HasSubstr(test_case.fragment))
        << test_case.name;
  }
}

TEST_F(ConfigLayersTest, ABrokenFileIsRefusedWithItsLine) {
  for (const char* text : {"a: [1, 2\n", "- 1\n- 2\n", "sink-tokens: [1]\n", "just text\n"}) {
    const auto settings = ReadConfigFile(Write(text));
    EXPECT_EQ(settings.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(std::string(settings.status().message()), HasSubstr(path_));
  }
  EXPECT_EQ(ReadConfigFile(path_ + ".none").status().code(), absl::StatusCode::kNotFound);
}

TEST_F(ConfigLayersTest, ThePrintedConfigurationIsReadBackAsItself) {
  const ConfigLayers layers{
      .file_path = {},
      .environment = {},
      .flags = {
          {"served-model-name", "true"}, {"drain-timeout", "2.5"}, {"kv-cache-memory", "1000001"}}};
  const std::string printed = PrintConfig(*ResolveServerConfig(layers));
  const auto again =
      ResolveServerConfig({.file_path = Write(printed), .environment = {}, .flags = {}});
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(PrintConfig(*again), printed);
  EXPECT_EQ(again->served_model_name, "true");
  EXPECT_EQ(again->engine.kv_cache_memory_bytes, 1000001);
}

TEST_F(ConfigLayersTest, TheEnvironmentGivesSettingsAndLeavesScriptsAndServiceLinksAlone) {
  const char* const environment[] = {"PATH=/bin",
                                     "ORIEL_SINK_TOKENS=9",
                                     "ORIEL_MODEL_DIR=/models",
                                     "ORIEL_TEST_MODELS=",
                                     "ORIEL_PORT=tcp://10.0.0.1:80",
                                     "ORIEL_PORT_80_TCP_ADDR=10.0.0.1",
                                     "ORIEL_HTTP_PORT=tcp://10.0.0.1:8000",
                                     "ORIEL_HTTP_PORT_8000_TCP=tcp://10.0.0.1:8000",
                                     "ORIEL_SERVICE_HOST=10.0.0.1",
                                     "ORIEL_HTTP_SERVICE_PORT_METRICS=9000",
                                     nullptr};
  const auto settings = ReadConfigEnvironment(environment);
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(*settings, (ConfigSettings{{"sink-tokens", "9"}}));
}

// The names in `text` of which `reading` has the beginning, as `$ORIEL_` has.
void AddNamesAfter(std::string_view reading, const std::string& text,
                   std::set<std::string>& names) {
  const auto is_in_name = [](char c) { return absl::ascii_isupper(c) || c == '_'; };
  for (size_t at = text.find(reading); at != text.npos; at = text.find(reading, at + 1)) {
    const auto begin = text.begin() + static_cast<std::ptrdiff_t>(text.find("ORIEL_", at));
    names.emplace(begin, std::find_if_not(begin, text.end(), is_in_name));
  }
}

// A script's variable that were missing in the list would keep every server from
// starting beside it.
TEST_F(ConfigLayersTest, EveryVariableThatAScriptReadsIsKnown) {
  std::set<std::string> names;
  for (const char* folder : {"deploy", "tests", "loadtest"}) {
    const std::string root = std::string(ORIEL_SOURCE_DIR) + "/" + folder;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
      if (entry.path().extension() != ".sh" && entry.path().extension() != ".py") continue;
      std::stringstream text;
      text << std::ifstream(entry.path()).rdbuf();
      const std::string all = text.str();
      for (std::string_view reading :
           {"${ORIEL_", "$ORIEL_", "environ.get(\"ORIEL_", "environ[\"ORIEL_"}) {
        AddNamesAfter(reading, all, names);
      }
    }
  }
  EXPECT_TRUE(names.contains("ORIEL_MODEL_DIR"));
  for (const std::string& name : names) {
    const std::string entry = name + "=1";
    const char* const environment[] = {entry.c_str(), nullptr};
    EXPECT_TRUE(ReadConfigEnvironment(environment).ok()) << name;
  }
}

TEST_F(ConfigLayersTest, AnUnknownVariableOfOursIsRefusedWithTheNearest) {
  const struct {
    const char* entry;
    const char* fragment;
  } kCases[] = {{"ORIEL_WINDOWS_TOKENS=1", "(did you mean ORIEL_WINDOW_TOKENS?)"},
                {"ORIEL_MODELS_DIR=/m", "(did you mean ORIEL_MODEL_DIR?)"},
                {"ORIEL_PORTS=tcp://10.0.0.1:80", "ORIEL_PORTS: no such setting"},
                {"ORIEL_PORT=8000", "ORIEL_PORT: no such setting"},
                {"ORIEL_MODEL=https://host/m.gguf", "ORIEL_MODEL: no such setting"},
                {"ORIEL_MAX_TCP_STREAMS=1", "ORIEL_MAX_TCP_STREAMS: no such setting"},
                {"ORIEL_sink_tokens=1", "ORIEL_sink_tokens: no such setting"},
                {"ORIEL_=1", "ORIEL_: no such setting"}};
  for (const auto& test_case : kCases) {
    const char* const environment[] = {test_case.entry, nullptr};
    const auto settings = ReadConfigEnvironment(environment);
    ASSERT_EQ(settings.status().code(), absl::StatusCode::kInvalidArgument) << test_case.entry;
    EXPECT_THAT(std::string(settings.status().message()), HasSubstr(test_case.fragment));
  }
}

TEST_F(ConfigLayersTest, EveryFieldReadsWhatItWrites) {
  const ServerConfig defaults;
  for (const ConfigField& field : ConfigFields()) {
    ServerConfig config;
    EXPECT_TRUE(field.set(config, field.get(defaults)).ok()) << field.name;
    EXPECT_EQ(field.get(config), field.get(defaults)) << field.name;
    EXPECT_FALSE(field.help.empty()) << field.name;
  }
}

TEST_F(ConfigLayersTest, TheExampleFileIsValid) {
  const auto config = ResolveServerConfig(
      {.file_path = std::string(ORIEL_SOURCE_DIR) + "/configs/server/oriel.yaml",
       .environment = {},
       .flags = {}});
  EXPECT_TRUE(config.ok()) << config.status();
}

}  // namespace
}  // namespace oriel
