#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "engine/model/load_model.h"
#include "engine/runtime/resolve_engine_config.h"
#include "kernels/core/status.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/reference/reference_backend.h"
#include "tests/support/engine_harness.h"
#include "tests/support/tiny_model.h"

namespace oriel {
namespace {

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
std::vector<KvLayerFormat> MixedFormats(const ModelConfig& model) {
  constexpr Codec kKeys[] = {Codec::kInt2, Codec::kE8_2p5, Codec::kInt4, Codec::kFp16};
  constexpr Codec kValues[] = {Codec::kE8_1p5, Codec::kInt8, Codec::kInt1, Codec::kE8_2p5};
  std::vector<KvLayerFormat> formats;
  size_t next = 0;
  for (int32_t layer = 0; layer < model.layers; ++layer) {
    std::vector<KvHeadFormat> heads;
    for (int32_t head = 0; head < model.kv_heads; ++head, ++next) {
      heads.push_back(DefaultHeadFormat(kKeys[next % 4], kValues[next % 4]));
    }
    formats.push_back(*MakeKvLayerFormat(model.head_dim, heads));
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

// An engine with what it borrows.
struct TinyServer {
  std::unique_ptr<GgufFile> file;
  std::unique_ptr<Backend> backend;
  std::unique_ptr<Engine> engine;
};

absl::StatusOr<TinyServer> Serve(const Serving& serving, const std::string& path,
                                 const Schedule& schedule) {
  TinyServer server;
  ORIEL_ASSIGN_OR_RETURN(GgufFile file, GgufFile::Open(path));
  server.file = std::make_unique<GgufFile>(std::move(file));
  ORIEL_ASSIGN_OR_RETURN(server.backend, MakeServingBackend(serving));
  ORIEL_ASSIGN_OR_RETURN(std::unique_ptr<Model> model,
                         LoadModel(*server.file, *server.backend, schedule.chunk + schedule.batch));
  EngineOptions options;
  if (serving.is_mixed) {
    options.formats = MixedFormats(model->config());
  } else {
    ORIEL_ASSIGN_OR_RETURN(options.formats,
                           MakeUniformFormats(ConfigOf(schedule), model->config()));
  }
  ORIEL_ASSIGN_OR_RETURN(const EngineConfig config,
                         ResolveEngineConfig(ConfigOf(schedule), model->config(), options.formats));
  ORIEL_ASSIGN_OR_RETURN(
      server.engine, Engine::Create(config, std::move(model), *server.backend, std::move(options)));
  return server;
}

// The events of every request, in the order of `requests`, however they arrived.
absl::StatusOr<std::vector<std::vector<TokenEvent>>> Answer(
    const Serving& serving, const std::string& path, const Schedule& schedule,
    const std::vector<GenerationRequest>& requests) {
  ORIEL_ASSIGN_OR_RETURN(const TinyServer server, Serve(serving, path, schedule));
  std::vector<size_t> order(requests.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::mt19937_64 random(static_cast<uint64_t>(schedule.chunk * 100 + schedule.batch));
  if (schedule.is_shuffled) std::shuffle(order.begin(), order.end(), random);
  std::vector<Arrival> arrivals;
  for (size_t place = 0; place < order.size(); ++place) {
    Arrival arrival;
    arrival.request = requests[order[place]];
    arrival.step = schedule.is_shuffled ? static_cast<int32_t>(place) : 0;
    arrivals.push_back(std::move(arrival));
  }
  ORIEL_ASSIGN_OR_RETURN(std::vector<std::vector<TokenEvent>> events,
                         RunArrivals(arrivals, *server.engine));
  std::vector<std::vector<TokenEvent>> by_request(requests.size());
  for (size_t place = 0; place < order.size(); ++place) {
    by_request[order[place]] = std::move(events[place]);
  }
  return by_request;
}

class TinyModelInvarianceTest : public ::testing::TestWithParam<Serving> {};

// Tokens and log-probabilities, bit for bit.
TEST_P(TinyModelInvarianceTest, AnswersDoNotDependOnTheSchedule) {
  const Serving& serving = GetParam();
  const std::string path = ::testing::TempDir() + "invariance_" + serving.name + ".gguf";
  ASSERT_TRUE(
      MakeTinyModel({.architecture = "qwen2", .q_heads = 4, .kv_heads = 2}).WriteTo(path).ok());
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

INSTANTIATE_TEST_SUITE_P(Backends, TinyModelInvarianceTest,
                         ::testing::Values(Serving{"reference", false, false, 16, 200},
                                           Serving{"reference_mixed", false, true, 16, 200},
                                           Serving{"cpu", true, false, 24, 400},
                                           Serving{"cpu_mixed", true, true, 24, 400}),
                         [](const ::testing::TestParamInfo<Serving>& test) {
                           return std::string(test.param.name);
                         });

}  // namespace
}  // namespace oriel
