#ifndef ORIEL_SERVER_CLI_CONFIG_FLAGS_H_
#define ORIEL_SERVER_CLI_CONFIG_FLAGS_H_

#include <CLI/CLI.hpp>
#include <deque>
#include <string>

#include "absl/status/statusor.h"
#include "server/config/config_field.h"
#include "server/config/server_config.h"

namespace oriel {

// The flags of a command that set configuration fields: `--window-tokens 128` for the field
// `window-tokens`, and `--config FILE`.
//
// Lifecycle   AddTo before the command line is parsed, Resolve after; lives as long as the command.
class ConfigFlags {
 public:
  // Adds the engine's fields; the server's as well if `most` is kServer.
  void AddTo(CLI::App& command, ConfigGroup most);

  // Defaults < file < environment < flags. Errors: ResolveServerConfig.
  absl::StatusOr<ServerConfig> Resolve() const;

 private:
  struct Flag {
    std::string name;
    std::string value;
    CLI::Option* option = nullptr;  // says whether the flag was given; lives as long as the command
  };

  std::string file_path_;
  std::deque<Flag> flags_;  // a deque: options point at the values
};

}  // namespace oriel

#endif  // ORIEL_SERVER_CLI_CONFIG_FLAGS_H_
