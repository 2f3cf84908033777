#include "server/cli/bench_command.h"

#include <algorithm>
#include <cstdio>
#include <memory>

#include "absl/strings/str_cat.h"
#include "kernels/core/status.h"
#include "server/admin/startup_report.h"
#include "server/cli/bench_report.h"
#include "server/cli/json_file.h"
#include "server/model_bundle.h"

namespace oriel {
namespace {

constexpr int32_t kTokensMax = 1 << 24;
constexpr int32_t kStreamsMax = 4096;
constexpr int32_t kRepetitionsMax = 1000;

// What the tests need of the engine, where the configuration leaves it open.
absl::Status FitToTests(const std::vector<SpeedTest>& tests, EngineConfig& config) {
  int32_t streams = 1;
  int64_t sequence_tokens = 0;
  for (const SpeedTest& test : tests) {
    streams = std::max(streams, test.streams);
    sequence_tokens = std::max(sequence_tokens, SequenceTokens(test, config.prefill_chunk_tokens));
  }
  if (sequence_tokens > kTokensMax) {
    return absl::InvalidArgumentError(absl::StrCat("the tests need sequences of ", sequence_tokens,
                                                   " tokens, the limit is ", kTokensMax));
  }
  config.max_num_seqs = streams;
  if (config.max_model_len == 0) config.max_model_len = static_cast<int32_t>(sequence_tokens);
  return absl::OkStatus();
}

// Brings weights and code into memory; the times are dropped.
absl::Status WarmUp(Engine& engine, uint64_t seed) {
  const int32_t prompt = std::min(engine.config().prefill_chunk_tokens, 32);
  if (prompt + 2 > engine.config().max_model_len) return absl::OkStatus();
  return MeasureSpeed(engine, {.prompt_tokens = prompt}, 1, seed).status();
}

}  // namespace

BenchCommand::BenchCommand(CLI::App& app)
    : command_(app.add_subcommand("bench", "tokens a second at depths and numbers of streams")) {
  command_->add_option("MODEL", model_path_, "GGUF file")->required();
  command_->add_option("--prompt-tokens", plan_.prompt_tokens, "of a prompt test; 0: none")
      ->check(CLI::Range(0, kTokensMax));
  command_
      ->add_option("--generate-tokens", plan_.generate_tokens,
                   "of each stream of a decode test; 0: none")
      ->check(CLI::Range(0, kTokensMax));
  command_
      ->add_option("--depth", plan_.depths,
                   "tokens in the cache before the clock starts, separated by commas")
      ->delimiter(',')
      ->check(CLI::Range(0, kTokensMax));
  command_
      ->add_option("--streams", plan_.streams,
                   "streams that decode together, separated by commas; the most of them is "
                   "max-num-seqs")
      ->delimiter(',')
      ->check(CLI::Range(1, kStreamsMax));
  command_->add_option("--repetitions", repetitions_, "of each test")
      ->check(CLI::Range(1, kRepetitionsMax));
  command_->add_option("--seed", seed_, "of the prompts' random tokens");
  command_->add_option("--json", json_path_, "write the results there, in llama-bench's fields");
  flags_.AddTo(*command_, ConfigGroup::kEngine);
}

absl::Status BenchCommand::Run() {
  ORIEL_ASSIGN_OR_RETURN(ServerConfig config, flags_.Resolve());
  const std::vector<SpeedTest> tests = TestsOf(plan_);
  if (tests.empty()) {
    return absl::InvalidArgumentError(
        "--prompt-tokens and --generate-tokens are both 0: nothing to measure");
  }
  ORIEL_RETURN_IF_ERROR(FitToTests(tests, config.engine));
  ORIEL_ASSIGN_OR_RETURN(const std::unique_ptr<ServedModel> served,
                         LoadServedModel(model_path_, config.engine, BackendOptionsOf(config)));
  ORIEL_RETURN_IF_ERROR(served->backend->AdoptThread());
  std::printf("%s%s\n", BackendLine(*served->backend).c_str(), BenchTableHead().c_str());
  ORIEL_RETURN_IF_ERROR(WarmUp(*served->engine, seed_));
  Json report = Json::array();
  for (const SpeedTest& test : tests) {
    ORIEL_ASSIGN_OR_RETURN(const SpeedResult result,
                           MeasureSpeed(*served->engine, test, repetitions_, seed_));
    std::printf("%s\n", BenchTableRow(result).c_str());
    std::fflush(stdout);
    report.push_back(BenchJson(result, *served));
  }
  return json_path_.empty() ? absl::OkStatus() : WriteJsonFile(json_path_, report);
}

}  // namespace oriel
