#ifndef ORIEL_SERVER_CLI_EVAL_COMMAND_H_
#define ORIEL_SERVER_CLI_EVAL_COMMAND_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "server/cli/config_flags.h"

namespace oriel {

// `oriel eval kl MODEL --text FILE,…`: how far the packed cache is from FP16 pages
// (engine/evaluation/kl_evaluation.h).
class EvalCommand {
 public:
  explicit EvalCommand(CLI::App& app);

  bool chosen() const { return kl_->parsed(); }
  absl::Status Run();

 private:
  CLI::App* kl_;
  ConfigFlags flags_;
  std::string model_path_;
  std::vector<std::string> text_paths_;
  int32_t tokens_ = 4096;
  int32_t score_from_ = 2048;
  bool decode_ = false;
  std::string json_path_;
};

}  // namespace oriel

#endif  // ORIEL_SERVER_CLI_EVAL_COMMAND_H_
