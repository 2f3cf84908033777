#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "kernels/core/status.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/reference/reference_backend.h"
#include "tests/support/engine_harness.h"
#include "tests/support/model_server.h"
#include "tests/support/temporary_file.h"
#include "tests/support/tiny_model.h"

namespace oriel {
namespace {

constexpr TinyModelSpec kModel = {.architecture = "qwen2", .q_heads = 4, .kv_heads = 2};

// Who computes, and over which pages.
struct Serving {
  const char* name;
  bool is_cpu;
  bool is_mixed;  // another pair of codecs in every head
  int32_t num_requests;
  int32_t prompt_tokens_max;
};

// How the same requests are scheduled.
struct Schedule {
  int32_t chunk;
  int32_t batch;
  bool is_shuffled;
};

absl::StatusOr<std::unique_ptr<Backend>> MakeServingBackend(const Serving& serving) {
  if (serving.is_cpu) return MakeCpuBackend({.threads = 2});
  return MakeReferenceBackend();
}

EngineConfig ConfigOf(const Schedule& schedule) {
  EngineConfig config;
  config.window_tokens = 0;  // short prompts reach packed pages too
  config.max_model_len = 512;
  config.max_num_seqs = schedule.batch;
  config.prefill_chunk_tokens = schedule.chunk;
  return config;
}

// Pairs that walk through the codecs, so that no two heads of the model share one.
std::vector<KvLayerFormat> MixedFormats() {
  constexpr Codec kKeys[] = {Codec::kInt2, Codec::kE8_2p5, Codec::kInt4, Codec::kFp16};
  constexpr Codec kValues[] = {Codec::kE8_1p5, Codec::kInt8, Codec::kInt1, Codec::kE8_2p5};
  std::vector<KvLayerFormat> formats;
  size_t next = 0;
  for (uint32_t layer = 0; layer < kModel.layers; ++layer) {
    std::vector<KvHeadFormat> heads;
    for (uint32_t head = 0; head < kModel.kv_heads; ++head, ++next) {
      heads.push_back(DefaultHeadFormat(kKeys[next % 4], kValues[next % 4]));
    }
    formats.push_back(*MakeKvLayerFormat(static_cast<int32_t>(kModel.head_dim), heads));
  }
  return formats;
}

// Greedy and seeded requests; one in three also asks for its prompt's log-probabilities.
std::vector<GenerationRequest> MakeRequests(const Serving& serving) {
  std::mt19937_64 random(7);
  std::vector<GenerationRequest> requests;
  for (int32_t i = 0; i < serving.num_requests; ++i) {
    GenerationRequest request;
    request.id = static_cast<RequestId>(i + 1);
    const uint64_t length = 1 + random() % static_cast<uint64_t>(serving.prompt_tokens_max);
    for (uint64_t t = 0; t < length; ++t) {
      request.prompt.push_back(static_cast<TokenId>(random() % 256));
    }
    request.sampling.temperature = i % 2 == 0 ? 0.0f : 0.8f;
    request.sampling.seed = random();
    request.sampling.num_top_logprobs = 3;
    request.sampling.num_top_prompt_logprobs = i % 3 == 0 ? 1 : -1;
    request.max_tokens = 6;
    requests.push_back(std::move(request));
  }
  return requests;
}

// The events of every request, in the order of `requests`, however they arrived.
absl::StatusOr<std::vector<std::vector<TokenEvent>>> Answer(
    const Serving& serving, const std::string& path, const Schedule& schedule,
    const std::vector<GenerationRequest>& requests) {
  ORIEL_ASSIGN_OR_RETURN(std::unique_ptr<Backend> backend, MakeServingBackend(serving));
  ORIEL_ASSIGN_OR_RETURN(
      const ModelServer server,
      ServeModel(path, ConfigOf(schedule), std::move(backend),
                 serving.is_mixed ? MixedFormats() : std::vector<KvLayerFormat>()));
  return AnswerInOrder(requests,
                       {.is_shuffled = schedule.is_shuffled,
                        .gap_steps_max = schedule.is_shuffled ? 2 : 0,
                        .seed = static_cast<uint64_t>(schedule.chunk * 100 + schedule.batch)},
                       *server.engine);
}

class TinyModelInvarianceTest : public ::testing::TestWithParam<Serving> {};

// Tokens and log-probabilities, bit for bit.
TEST_P(TinyModelInvarianceTest, AnswersDoNotDependOnTheSchedule) {
  const Serving& serving = GetParam();
  const TemporaryFile model(MakeTinyModel(kModel).Bytes());
  const std::string& path = model.path();
  const std::vector<GenerationRequest> requests = MakeRequests(serving);
  const auto alone =
      Answer(serving, path, {.chunk = 512, .batch = 1, .is_shuffled = false}, requests);
  ASSERT_TRUE(alone.ok()) << alone.status();
  for (const std::vector<TokenEvent>& events : *alone) {
    ASSERT_EQ(events.back().finish_reason, FinishReason::kLength);
  }
  for (const Schedule& schedule : {Schedule{1, 16, false}, Schedule{17, 5, true},
                                   Schedule{64, 16, true}, Schedule{512, 16, true}}) {
    const auto together = Answer(serving, path, schedule, requests);
    ASSERT_TRUE(together.ok()) << together.status();
    for (size_t i = 0; i < requests.size(); ++i) {
      EXPECT_EQ(DescribeDifference((*together)[i], (*alone)[i]), "")
          << "request " << i << ", chunk " << schedule.chunk << ", batch " << schedule.batch;
    }
  }
}

// Sealed pages must be read, or the test above would say nothing about them.
TEST_P(TinyModelInvarianceTest, PromptsReachPackedPages) {
  const std::vector<GenerationRequest> requests = MakeRequests(GetParam());
  EXPECT_GE(std::count_if(requests.begin(), requests.end(),
                          [](const GenerationRequest& r) { return r.prompt.size() >= 128; }),
            2);
}

// A batch of 16 wants sixteen; under a sanitizer they would take minutes.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int32_t kReferenceRequests = 8;
#else
constexpr int32_t kReferenceRequests = 16;
#endif

INSTANTIATE_TEST_SUITE_P(
    Backends, TinyModelInvarianceTest,
    ::testing::Values(Serving{"reference", false, false, kReferenceRequests, 200},
                      Serving{"reference_mixed", false, true, kReferenceRequests, 200},
                      Serving{"cpu", true, false, 24, 400},
                      Serving{"cpu_mixed", true, true, 24, 400}),
    [](const ::testing::TestParamInfo<Serving>& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace oriel
