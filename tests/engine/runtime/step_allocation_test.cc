#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "kernels/core/status.h"
#include "kernels/cpu/cpu_backend.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/engine_harness.h"
#include "tests/support/model_server.h"
#include "tests/support/temporary_file.h"
#include "tests/support/tiny_model.h"

namespace oriel {
namespace {

constexpr int32_t kPromptTokens = 700;  // several chunks, and pages that are sealed
constexpr int32_t kGeneratedTokens = 200;
constexpr int32_t kSequences = 3;

struct Serving {
  std::string name;
  InstructionSet instruction_set = InstructionSet::kAuto;
  Codec key_codec = Codec::kInt2;
  Codec value_codec = Codec::kE8_1p5;
};

absl::StatusOr<ModelServer> Serve(const std::string& path, const Serving& serving) {
  EngineConfig config;
  config.key_codec = serving.key_codec;
  config.value_codec = serving.value_codec;
  config.max_model_len = 1024;
  config.max_num_seqs = 4;
  config.prefill_chunk_tokens = 128;
  ORIEL_ASSIGN_OR_RETURN(
      std::unique_ptr<Backend> backend,
      MakeCpuBackend({.threads = 2, .instruction_set = serving.instruction_set}));
  return ServeModel(path, config, std::move(backend));
}

// Streams wake a reader through a closure as large as a connection's.
std::vector<std::shared_ptr<TokenStream>> SubmitAll(Engine& engine) {
  const auto last_woken = std::make_shared<RequestId>(0);
  std::vector<std::shared_ptr<TokenStream>> streams;
  for (RequestId id = 1; id <= kSequences; ++id) {
    GenerationRequest request =
        SimpleRequest(id, kPromptTokens + static_cast<int32_t>(id), kGeneratedTokens);
    for (TokenId& token : request.prompt) token %= 256;
    request.ignore_eos = true;
    if (id > 1) request.sampling.temperature = 1.0f;
    if (id > 2) request.sampling.top_p = 0.9f;
    streams.push_back(engine.Submit(std::move(request)).value());
    streams.back()->SetWakeup([last_woken, id] { *last_woken = id; });
  }
  return streams;
}

// Runs requests to their end, their events read after each step as a connection would, and counts
// the allocations of all steps but the first, which admits them.
int64_t AllocationsOfLaterSteps(Engine& engine) {
  const std::vector<std::shared_ptr<TokenStream>> streams = SubmitAll(engine);
  EXPECT_TRUE(engine.Step().value());
  std::vector<TokenEvent> events;
  events.reserve(TokenStream::kEventsReserved);
  int64_t allocations = 0;
  for (bool did_work = true; did_work;) {
    const int64_t before = NumAllocations();
    did_work = engine.Step().value();
    allocations += NumAllocations() - before;
    for (const auto& stream : streams) {
      stream->Drain(events);
      events.clear();
    }
  }
  return allocations;
}

class StepAllocationTest : public ::testing::TestWithParam<Serving> {};

// Prompt chunks and decode steps, pages begun, sealed and given back, ends of requests. The first
// round sizes what is kept: the kernels' intermediate values.
TEST_P(StepAllocationTest, AStepOfASizeSeenBeforeAllocatesNothing) {
  const TemporaryFile model(MakeTinyModel({}).Bytes());
  const auto server = Serve(model.path(), GetParam());
  if (absl::IsUnimplemented(server.status())) GTEST_SKIP() << server.status().message();
  ASSERT_TRUE(server.ok()) << server.status();
  const int64_t before = NumAllocations();
  AllocationsOfLaterSteps(*server->engine);
  EXPECT_GT(NumAllocations(), before) << "not even requests are counted";
  const uint64_t sealed_before = server->engine->stats().pages_sealed;
  EXPECT_EQ(AllocationsOfLaterSteps(*server->engine), 0);
  EXPECT_GT(server->engine->stats().pages_sealed, sealed_before);
}

INSTANTIATE_TEST_SUITE_P(
    All, StepAllocationTest,
    ::testing::Values(
        Serving{.name = "default"},
        Serving{.name = "avx2", .instruction_set = InstructionSet::kAvx2},
        Serving{.name = "int4_fp16", .key_codec = Codec::kInt4, .value_codec = Codec::kFp16},
        Serving{
            .name = "e8_2p5_ternary", .key_codec = Codec::kE8_2p5, .value_codec = Codec::kTernary}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace oriel
