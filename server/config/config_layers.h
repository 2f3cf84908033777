#ifndef ORIEL_SERVER_CONFIG_CONFIG_LAYERS_H_
#define ORIEL_SERVER_CONFIG_CONFIG_LAYERS_H_

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/config/server_config.h"

namespace oriel {

// Settings as text, in the order in which they apply.
using ConfigSettings = std::vector<std::pair<std::string, std::string>>;

// What the three outer layers say. Later ones win: defaults < file < environment < flags.
struct ConfigLayers {
  std::string file_path;  // empty: no file
  ConfigSettings environment;
  ConfigSettings flags;
};

// The settings of a YAML file: one map of names to plain values. Errors: NotFound, or
// InvalidArgument with path and line.
absl::StatusOr<ConfigSettings> ReadConfigFile(const std::string& path);

// The settings among "NAME=value" entries: ORIEL_ and the name of a field. Left alone are the names
// that the project's scripts and tests use (kScriptVariables) and those that an orchestrator makes
// for a service called "oriel" (ORIEL_PORT=tcp://…). InvalidArgument: any other ORIEL_ name,
// with the nearest known one.
absl::StatusOr<ConfigSettings> ReadConfigEnvironment(const char* const* environment);

// What deploy/, tests/ and loadtest/ read; README.md says what for.
inline constexpr std::array<std::string_view, 9> kScriptVariables = {
    "ORIEL_BINARY",         "ORIEL_CACHE",      "ORIEL_FAKE_SERVER",
    "ORIEL_INVARIANCE_ALL", "ORIEL_MODEL_DIR",  "ORIEL_PRESET",
    "ORIEL_TEST_MODELS",    "ORIEL_TINY_MODEL", "ORIEL_VENV"};

// Applies all layers and checks the whole. InvalidArgument names the layer, the setting, its value
// and its limits; an unknown name comes with the nearest known one.
absl::StatusOr<ServerConfig> ResolveServerConfig(const ConfigLayers& layers);

// The configuration as a YAML file that ReadConfigFile gives back.
std::string PrintConfig(const ServerConfig& config);

}  // namespace oriel

#endif  // ORIEL_SERVER_CONFIG_CONFIG_LAYERS_H_
