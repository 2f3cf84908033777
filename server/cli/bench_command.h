#ifndef ORIEL_SERVER_CLI_BENCH_COMMAND_H_
#define ORIEL_SERVER_CLI_BENCH_COMMAND_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "engine/benchmark/speed_benchmark.h"
#include "server/cli/config_flags.h"

namespace oriel {

// `oriel bench MODEL`: tokens a second of the engine that serves, over depths and numbers of
// streams (engine/benchmark/speed_benchmark.h), as a table and as JSON (bench_report.h).
class BenchCommand {
 public:
  explicit BenchCommand(CLI::App& app);

  bool chosen() const { return command_->parsed(); }
  absl::Status Run();

 private:
  CLI::App* command_;
  ConfigFlags flags_;
  std::string model_path_;
  SpeedPlan plan_;
  int32_t repetitions_ = 3;
  uint64_t seed_ = 1;
  std::string json_path_;
};

}  // namespace oriel

#endif  // ORIEL_SERVER_CLI_BENCH_COMMAND_H_
