// The same request gives the same bytes under any schedule, on SmolLM2-135M with the CPU back end.
//
// There are 200 requests; ctest runs a share of them with each chunk size, chosen so that all four
// take about half a minute on two cores: a chunk of 1 gets short prompts, as every prompt token is
// then a step of its own. All of them with every chunk size, about ten minutes:
//
//   ORIEL_INVARIANCE_ALL=1 build/release/tests/engine/runtime/engine_real_model_test
//
// Needs the model file in ORIEL_MODEL_DIR or ~/.cache/oriel/models.

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "gtest/gtest.h"
#include "kernels/core/status.h"
#include "kernels/cpu/cpu_backend.h"
#include "tests/support/engine_harness.h"
#include "tests/support/model_files.h"
#include "tests/support/model_server.h"

namespace oriel {
namespace {

constexpr int32_t kRequests = 200;
constexpr int32_t kPromptTokensMax = 700;
constexpr int32_t kPromptVocab = 2000;  // so few that tokens repeat, and penalties bite
constexpr int32_t kGapStepsMax = 3;

// Lengths at which a page is filled, begun, or first read packed, and the two ends.
constexpr int32_t kEdgeLengths[] = {1, 63, 64, 65, 127, 128, 191, 192, 193, 257, 320, 700};

// A chunk size, and what of the requests ctest runs with it.
struct Schedule {
  int32_t chunk;
  int32_t batch;
  int32_t share_requests;
  int32_t share_prompt_tokens_max;
};

EngineConfig ConfigOf(int32_t chunk, int32_t batch) {
  EngineConfig config;
  config.max_model_len = 1024;
  config.max_num_seqs = batch;
  config.prefill_chunk_tokens = chunk;
  return config;
}

absl::StatusOr<ModelServer> ServeSmolLm2(int32_t chunk, int32_t batch) {
  ORIEL_ASSIGN_OR_RETURN(std::unique_ptr<Backend> backend, MakeCpuBackend({.threads = 2}));
  return ServeModel(ModelPath("SmolLM2-135M-Instruct.Q4_1.gguf"), ConfigOf(chunk, batch),
                    std::move(backend));
}

// Greedy ones and seeded ones, with every way to bend the distribution among them.
SamplingParams SamplingOf(int32_t index, std::mt19937_64& random) {
  SamplingParams sampling;
  sampling.temperature = index % 3 == 0 ? 0.0f : 0.5f + 0.25f * static_cast<float>(index % 4);
  sampling.seed = random();
  if (index % 3 == 1) sampling.top_p = 0.9f;
  if (index % 5 == 2) sampling.top_k = 40;
  if (index % 7 == 3) sampling.min_p = 0.02f;
  if (index % 4 == 1) sampling.presence_penalty = 0.5f;
  if (index % 4 == 2) sampling.frequency_penalty = 0.25f;
  if (index % 4 == 3) sampling.repetition_penalty = 1.2f;
  sampling.num_top_logprobs = index % 4;
  sampling.num_top_prompt_logprobs = index % 2 == 0 ? 0 : -1;
  return sampling;
}

// Three in four prompts are shorter than a page; the others reach many.
int32_t PromptTokensOf(int32_t index, std::mt19937_64& random) {
  if (index < static_cast<int32_t>(std::size(kEdgeLengths))) return kEdgeLengths[index];
  const int32_t longest = index % 4 == 0 ? kPromptTokensMax : 63;
  return std::uniform_int_distribution<int32_t>(1, longest)(random);
}

std::vector<GenerationRequest> MakeRequests() {
  std::mt19937_64 random(5);
  std::uniform_int_distribution<TokenId> any_token(0, kPromptVocab - 1);
  std::vector<GenerationRequest> requests(kRequests);
  for (int32_t i = 0; i < kRequests; ++i) {
    GenerationRequest& request = requests[static_cast<size_t>(i)];
    request.id = static_cast<RequestId>(i + 1);
    request.prompt.resize(static_cast<size_t>(PromptTokensOf(i, random)));
    for (TokenId& token : request.prompt) token = any_token(random);
    request.sampling = SamplingOf(i, random);
    request.max_tokens = std::uniform_int_distribution<int32_t>(4, 48)(random);
  }
  return requests;
}

std::vector<GenerationRequest> RequestsFor(const Schedule& schedule) {
  std::vector<GenerationRequest> requests = MakeRequests();
  if (std::getenv("ORIEL_INVARIANCE_ALL") != nullptr) return requests;
  std::erase_if(requests, [&](const GenerationRequest& request) {
    return static_cast<int32_t>(request.prompt.size()) > schedule.share_prompt_tokens_max;
  });
  requests.resize(static_cast<size_t>(schedule.share_requests));
  return requests;
}

// What each request is answered when it has the engine for itself and its prompt is read at once.
// Remembered, so that a run of all chunk sizes asks once.
absl::StatusOr<std::vector<std::vector<TokenEvent>>> AnswerAlone(
    const std::vector<GenerationRequest>& requests) {
  static std::map<RequestId, std::vector<TokenEvent>> answers;
  ORIEL_ASSIGN_OR_RETURN(const ModelServer server, ServeSmolLm2(1024, 1));
  std::vector<std::vector<TokenEvent>> events;
  for (const GenerationRequest& request : requests) {
    if (!answers.contains(request.id)) {
      ORIEL_ASSIGN_OR_RETURN(auto answer, AnswerInOrder({request}, {}, *server.engine));
      answers[request.id] = std::move(answer.front());
    }
    events.push_back(answers[request.id]);
  }
  return events;
}

class RealModelInvarianceTest : public ::testing::TestWithParam<Schedule> {};

// Tokens and log-probabilities, bit for bit.
TEST_P(RealModelInvarianceTest, AnswersDoNotDependOnTheSchedule) {
  const std::string path = ModelPath("SmolLM2-135M-Instruct.Q4_1.gguf");
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "no model file " << path;
  const Schedule& schedule = GetParam();
  const std::vector<GenerationRequest> requests = RequestsFor(schedule);
  const auto alone = AnswerAlone(requests);
  ASSERT_TRUE(alone.ok()) << alone.status();
  const auto server = ServeSmolLm2(schedule.chunk, schedule.batch);
  ASSERT_TRUE(server.ok()) << server.status();
  const ArrivalOrder order = {.is_shuffled = true,
                              .gap_steps_max = kGapStepsMax,
                              .seed = static_cast<uint64_t>(schedule.chunk)};
  const auto together = AnswerInOrder(requests, order, *server->engine);
  ASSERT_TRUE(together.ok()) << together.status();

  size_t num_tokens = 0;
  for (size_t i = 0; i < requests.size(); ++i) {
    ASSERT_EQ((*alone)[i].back().finish_reason, FinishReason::kLength);
    EXPECT_EQ(DescribeDifference((*together)[i], (*alone)[i]), "")
        << "request " << requests[i].id << ", prompt of " << requests[i].prompt.size()
        << " tokens, chunk " << schedule.chunk << ", batch " << schedule.batch;
    num_tokens += (*alone)[i].size() - 1;
  }
  const EngineStats stats = server->engine->stats();
  EXPECT_GT(stats.pages_sealed, 0u) << "no page was read packed: the test says too little";
  EXPECT_LT(stats.steps, stats.prompt_tokens + stats.generated_tokens) << "nothing ran together";
  RecordProperty("requests", static_cast<int>(requests.size()));
  RecordProperty("compared_tokens", static_cast<int>(num_tokens));
  std::cout << requests.size() << " requests, " << num_tokens << " tokens compared, " << stats.steps
            << " steps, " << stats.pages_sealed << " pages sealed\n";
}

INSTANTIATE_TEST_SUITE_P(Chunks, RealModelInvarianceTest,
                         ::testing::Values(Schedule{1, 16, 16, 260}, Schedule{17, 5, 24, 700},
                                           Schedule{64, 16, 24, 700}, Schedule{512, 16, 32, 700}),
                         [](const ::testing::TestParamInfo<Schedule>& test) {
                           return "Of" + std::to_string(test.param.chunk);
                         });

}  // namespace
}  // namespace oriel
