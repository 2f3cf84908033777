#ifndef ORIEL_SERVER_CLI_INSPECT_COMMAND_H_
#define ORIEL_SERVER_CLI_INSPECT_COMMAND_H_

#include <CLI/CLI.hpp>
#include <string>

#include "absl/status/status.h"
#include "server/cli/config_flags.h"

namespace oriel {

// `oriel inspect MODEL`: what the file holds, and what a cache with the chosen codecs costs.
class InspectCommand {
 public:
  explicit InspectCommand(CLI::App& app);

  bool chosen() const { return command_->parsed(); }
  absl::Status Run();

 private:
  CLI::App* command_;
  ConfigFlags flags_;
  std::string model_path_;
  bool tensors_ = false;
  bool chat_template_ = false;
};

}  // namespace oriel

#endif  // ORIEL_SERVER_CLI_INSPECT_COMMAND_H_
