#ifndef ORIEL_SERVER_CLI_SERVE_COMMAND_H_
#define ORIEL_SERVER_CLI_SERVE_COMMAND_H_

#include <CLI/CLI.hpp>
#include <string>

#include "absl/status/status.h"
#include "server/cli/config_flags.h"

namespace oriel {

// `oriel serve MODEL`: serves the model over HTTP until SIGTERM or SIGINT, as run_server.h says.
class ServeCommand {
 public:
  explicit ServeCommand(CLI::App& app);

  bool chosen() const { return command_->parsed(); }
  absl::Status Run();

 private:
  CLI::App* command_;
  ConfigFlags flags_;
  std::string model_path_;
  bool dry_run_ = false;
  bool print_config_ = false;
};

}  // namespace oriel

#endif  // ORIEL_SERVER_CLI_SERVE_COMMAND_H_
