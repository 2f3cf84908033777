#ifndef ORIEL_SERVER_CONFIG_CONFIG_FIELD_H_
#define ORIEL_SERVER_CONFIG_CONFIG_FIELD_H_

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "server/config/server_config.h"

namespace oriel {

// Which commands a field concerns: `generate`, `inspect`, `eval` and `bench` take the engine's,
// `serve` all.
enum class ConfigGroup : uint8_t { kEngine, kServer };

// One thing that can be configured. Its name is the same everywhere: `--window-tokens` as a flag,
// `window-tokens` in a file, ORIEL_WINDOW_TOKENS in the environment.
struct ConfigField {
  std::string_view name;
  ConfigGroup group = ConfigGroup::kServer;
  std::string_view help;
  // InvalidArgument says what the text is and what it must be.
  std::function<absl::Status(ServerConfig&, std::string_view)> set;
  // In the form that `set` reads.
  std::function<std::string(const ServerConfig&)> get;
};

// All fields, in the order of help texts and printed configurations.
std::span<const ConfigField> ConfigFields();

// Null if there is none. '_' and '-' are the same.
const ConfigField* FindConfigField(std::string_view name);

// " (did you mean window-tokens?)", or nothing if no name is near.
std::string SuggestConfigField(std::string_view name);

}  // namespace oriel

#endif  // ORIEL_SERVER_CONFIG_CONFIG_FIELD_H_
