#ifndef ORIEL_SERVER_CLI_GENERATE_COMMAND_H_
#define ORIEL_SERVER_CLI_GENERATE_COMMAND_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "server/cli/config_flags.h"

namespace oriel {

// `oriel generate MODEL --prompt TEXT`: one answer in the terminal, with speed and cache bytes.
class GenerateCommand {
 public:
  explicit GenerateCommand(CLI::App& app);

  bool chosen() const { return command_->parsed(); }
  absl::Status Run();

 private:
  CLI::App* command_;
  ConfigFlags flags_;
  std::string model_path_;
  std::string prompt_;
  int32_t max_tokens_ = 128;
  double temperature_ = 0.0;
  double top_p_ = 1.0;
  int32_t top_k_ = 0;
  uint64_t seed_ = 0;
  bool chat_ = false;
  bool ignore_eos_ = false;
  bool json_ = false;
};

}  // namespace oriel

#endif  // ORIEL_SERVER_CLI_GENERATE_COMMAND_H_
