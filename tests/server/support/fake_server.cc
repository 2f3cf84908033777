// oriel_fake_server: the real HTTP server and the real engine around the tagged model, for tests of
// endurance. Its tokens are bytes; a step takes as long as it is told to, but no computing.
//
//   oriel_fake_server --step-ms 50 --http-port 0 --max-num-seqs 512

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "kernels/core/status.h"
#include "kernels/reference/reference_backend.h"
#include "server/cli/config_flags.h"
#include "server/cli/run_server.h"
#include "tests/support/engine_harness.h"
#include "tests/support/tiny_model.h"

namespace oriel {
namespace {

struct FakeOptions {
  int32_t step_ms = 20;
  int32_t load_ms = 0;
};

// A tagged model whose steps last `step_time` at least.
class PacedModel final : public Model {
 public:
  PacedModel(const TaggedModelOptions& options, absl::Duration step_time)
      : tagged_(options), step_time_(step_time) {}

  const ModelConfig& config() const override { return tagged_.config(); }
  int32_t max_step_tokens() const override { return tagged_.max_step_tokens(); }
  absl::Status Forward(const BatchInputs& inputs, const KvStorage& storage,
                       Stream& stream) override {
    const absl::Time end = absl::Now() + step_time_;
    ORIEL_RETURN_IF_ERROR(tagged_.Forward(inputs, storage, stream));
    absl::SleepFor(end - absl::Now());
    return absl::OkStatus();
  }
  absl::Status ComputeLogits(TensorView<const int32_t, 1> rows, TensorView<float, 2> logits,
                             Stream& stream) override {
    return tagged_.ComputeLogits(rows, logits, stream);
  }

 private:
  TaggedModel tagged_;
  const absl::Duration step_time_;
};

// The tokenizer and the chat template of a tiny model file; the file itself is gone afterwards.
absl::StatusOr<std::unique_ptr<GgufFile>> MakeTokenizerFile() {
  std::string path = absl::StrCat("/tmp/oriel_fake_server_", getpid(), ".gguf");
  ORIEL_RETURN_IF_ERROR(MakeTinyModel({}).WriteTo(path));
  absl::StatusOr<GgufFile> file = GgufFile::Open(path);
  std::remove(path.c_str());
  if (!file.ok()) return file.status();
  return std::make_unique<GgufFile>(*std::move(file));
}

absl::StatusOr<std::unique_ptr<ServedModel>> LoadFake(EngineConfig config,
                                                      const FakeOptions& options) {
  absl::SleepFor(absl::Milliseconds(options.load_ms));
  if (config.max_model_len == 0) config.max_model_len = 1024;
  auto served = std::make_unique<ServedModel>();
  ORIEL_ASSIGN_OR_RETURN(served->file, MakeTokenizerFile());
  ORIEL_ASSIGN_OR_RETURN(served->text, ModelText::Load(*served->file));
  served->backend = MakeReferenceBackend();
  const TaggedModelOptions model{
      .max_step_tokens = config.prefill_chunk_tokens + config.max_num_seqs,
      .vocab = kTinyModelVocab,
      .context_tokens = config.max_model_len};
  ORIEL_ASSIGN_OR_RETURN(
      served->engine,
      MakeEngineWithAllPages(
          config, std::make_unique<PacedModel>(model, absl::Milliseconds(options.step_ms)),
          *served->backend));
  return served;
}

int Main(int argc, char** argv) {
  CLI::App app("The HTTP server and the engine around a model that computes nothing.");
  FakeOptions options;
  ConfigFlags flags;
  app.add_option("--step-ms", options.step_ms, "least duration of a step");
  app.add_option("--load-ms", options.load_ms, "how long loading takes");
  flags.AddTo(app, ConfigGroup::kServer);
  CLI11_PARSE(app, argc, argv);
  const auto config = flags.Resolve();
  absl::Status status = config.status();
  if (status.ok()) {
    status = RunServer(*config, "fake", [&] { return LoadFake(config->engine, options); });
  }
  if (status.ok()) return 0;
  std::fprintf(stderr, "oriel_fake_server: %s\n", std::string(status.message()).c_str());
  return 1;
}

}  // namespace
}  // namespace oriel

int main(int argc, char** argv) { return oriel::Main(argc, argv); }
