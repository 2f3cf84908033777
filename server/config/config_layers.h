#ifndef ORIEL_SERVER_CONFIG_CONFIG_LAYERS_H_
#define ORIEL_SERVER_CONFIG_CONFIG_LAYERS_H_

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

// The settings among "NAME=value" entries that start with ORIEL_ and name a field; other ORIEL_
// names belong to scripts or to an orchestrator's service links and are left alone.
ConfigSettings ReadConfigEnvironment(const char* const* environment);

// Applies all layers and checks the whole. InvalidArgument names the layer, the setting, its value
// and its limits; an unknown name comes with the nearest known one.
absl::StatusOr<ServerConfig> ResolveServerConfig(const ConfigLayers& layers);

// The configuration as a YAML file that ReadConfigFile gives back.
std::string PrintConfig(const ServerConfig& config);

}  // namespace oriel

#endif  // ORIEL_SERVER_CONFIG_CONFIG_LAYERS_H_
