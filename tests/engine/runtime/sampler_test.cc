#include "engine/runtime/sampler.h"

#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "engine/runtime/publisher.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kernels/reference/reference_backend.h"

namespace oriel {
namespace {

using testing::ElementsAre;

constexpr int32_t kVocab = 50;

// Row r of a step likes token r % vocab best, then the tokens behind it. Keeps which rows each call
// asked for.
class RowLogits : public Model {
 public:
  const ModelConfig& config() const override { return config_; }
  int32_t max_step_tokens() const override { return 1000; }
  absl::Status Forward(const BatchInputs&, const KvStorage&, Stream&) override {
    return absl::OkStatus();
  }
  absl::Status ComputeLogits(TensorView<const int32_t, 1> rows, TensorView<float, 2> logits,
                             Stream&) override {
    slices.emplace_back(rows.data, rows.data + rows.dim(0));
    for (int64_t i = 0; i < rows.dim(0); ++i) {
      for (int32_t token = 0; token < kVocab; ++token) {
        const int32_t distance = (token - rows(i) % kVocab + kVocab) % kVocab;
        logits(i, token) = rows(i) == nan_row ? std::numeric_limits<float>::quiet_NaN()
                                              : 10.0f - static_cast<float>(distance);
      }
    }
    return absl::OkStatus();
  }

  std::vector<std::vector<int32_t>> slices;
  int32_t nan_row = -1;

 private:
  ModelConfig config_;
};

class SamplerTest : public testing::Test {
 protected:
  // A sequence whose whole prompt is a row of the plan.
  Sequence& AddPromptRow(GenerationRequest request) {
    request.sampling.temperature = 0.0f;
    streams.push_back(std::make_shared<TokenStream>());
    PageTable table;
    table.num_tokens = static_cast<int32_t>(request.prompt.size());
    const bool ends_in_token = request.max_tokens > 0;
    sequences.push_back(
        std::make_unique<Sequence>(QueuedRequest{std::move(request), streams.back()}, table));
    BatchRow row;
    row.sequence = sequences.back().get();
    row.kind = RowKind::kPrompt;
    row.view.first_row = plan.num_tokens;
    row.view.num_queries = table.num_tokens;
    row.ends_in_token = ends_in_token;
    plan.num_tokens += table.num_tokens;
    plan.rows.push_back(row);
    return *sequences.back();
  }

  const SampledTokens& Sample(int32_t logits_rows_max) {
    EngineConfig config;
    config.logits_rows_max = logits_rows_max;
    config.max_model_len = 100;
    auto made = Sampler::Make(*backend, config, kVocab, 16);
    EXPECT_TRUE(made.ok()) << made.status();
    sampler = std::make_unique<Sampler>(std::move(*made));
    const auto tokens = sampler->Sample(plan, model, *stream);
    EXPECT_TRUE(tokens.ok()) << tokens.status();
    return **tokens;
  }

  std::vector<TokenEvent> EventsOf(size_t index) {
    std::vector<TokenEvent> events;
    streams[index]->Drain(events);
    return events;
  }

  std::unique_ptr<Backend> backend = MakeReferenceBackend();
  std::unique_ptr<Stream> stream = backend->MakeStream();
  RowLogits model;
  BatchPlan plan;
  std::vector<std::shared_ptr<TokenStream>> streams;
  std::vector<std::unique_ptr<Sequence>> sequences;
  std::unique_ptr<Sampler> sampler;
};

GenerationRequest Request(std::vector<TokenId> prompt) {
  GenerationRequest request;
  request.prompt = std::move(prompt);
  return request;
}

TEST_F(SamplerTest, DrawsFromTheLastRowOfEachSequence) {
  AddPromptRow(Request({1, 2, 3}));
  AddPromptRow(Request({4}));
  const SampledTokens& tokens = Sample(64);
  EXPECT_THAT(model.slices, ElementsAre(ElementsAre(2, 3)));
  ASSERT_EQ(tokens.rows.size(), 2u);
  EXPECT_EQ(tokens.rows[0].sampled.token, 2);
  EXPECT_EQ(tokens.rows[0].position, 3);
  EXPECT_EQ(tokens.rows[1].sampled.token, 3);
  EXPECT_EQ(tokens.num_generated(), 2);
}

TEST_F(SamplerTest, PromptLogprobsComeInSlicesAndInOrder) {
  GenerationRequest request = Request({9, 1, 3, 2, 4});
  request.sampling.num_top_prompt_logprobs = 2;
  AddPromptRow(request);
  const SampledTokens& tokens = Sample(2);
  EXPECT_THAT(model.slices, ElementsAre(ElementsAre(0, 1), ElementsAre(2, 3), ElementsAre(4)));
  ASSERT_EQ(tokens.rows.size(), 5u);
  EXPECT_EQ(tokens.rows[0].sampled.token, 1);  // what stands there, not the likeliest
  EXPECT_EQ(tokens.TopOf(tokens.rows[0])[0].token, 0);
  EXPECT_EQ(tokens.TopOf(tokens.rows[0])[1].token, 1);
  EXPECT_EQ(tokens.TopOf(tokens.rows[0])[1].logprob, tokens.rows[0].sampled.logprob);
  EXPECT_EQ(tokens.rows[3].position, 4);
  EXPECT_TRUE(tokens.rows[3].is_prompt_token);
  EXPECT_FALSE(tokens.rows[4].is_prompt_token);
  EXPECT_EQ(tokens.num_generated(), 1);
}

TEST_F(SamplerTest, EachRowHasItsOwnAdjustments) {
  GenerationRequest biased = Request({1});
  biased.sampling.logit_bias = {{7, 50.0f}};
  AddPromptRow(Request({1}));
  AddPromptRow(biased);
  GenerationRequest patient = Request({1});  // its likeliest token is 2, which would end it
  patient.end_token_ids = {2};
  patient.min_tokens = 1;
  AddPromptRow(patient);
  const SampledTokens& tokens = Sample(64);
  EXPECT_EQ(tokens.rows[0].sampled.token, 0);
  EXPECT_EQ(tokens.rows[1].sampled.token, 7);
  EXPECT_EQ(tokens.rows[2].sampled.token, 3);
}

TEST_F(SamplerTest, ASliceEndsWhereItsAdjustmentsWouldNotFit) {
  for (int32_t i = 0; i < 12; ++i) {
    GenerationRequest request = Request({i});
    for (TokenId token = 0; token < kVocab; ++token) {
      request.sampling.logit_bias.emplace_back(token, token == 20 + i ? 90.0f : 0.0f);
    }
    AddPromptRow(request);
  }
  const SampledTokens& tokens = Sample(64);
  EXPECT_GT(model.slices.size(), 1u);
  ASSERT_EQ(tokens.rows.size(), 12u);
  for (int32_t i = 0; i < 12; ++i) {
    EXPECT_EQ(tokens.rows[static_cast<size_t>(i)].sampled.token, 20 + i);
  }
}

TEST_F(SamplerTest, PublishesPromptTokensBeforeGeneratedOnes) {
  GenerationRequest request = Request({9, 1});
  request.sampling.num_top_prompt_logprobs = 0;
  request.max_tokens = 1;
  AddPromptRow(request);
  Publish(plan, Sample(1));
  const auto events = EventsOf(0);
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(events[0].kind, TokenEvent::Kind::kPromptToken);
  EXPECT_EQ(events[0].token, 9);
  EXPECT_NE(events[0].logprob, events[0].logprob);
  EXPECT_EQ(events[1].kind, TokenEvent::Kind::kPromptToken);
  EXPECT_EQ(events[1].token, 1);
  EXPECT_EQ(events[2].kind, TokenEvent::Kind::kToken);
  EXPECT_EQ(events[3].finish_reason, FinishReason::kLength);
}

TEST_F(SamplerTest, APromptAloneFinishesWithoutAToken) {
  GenerationRequest request = Request({9, 1, 4});
  request.sampling.num_top_prompt_logprobs = 0;
  request.max_tokens = 0;
  AddPromptRow(request);
  Publish(plan, Sample(64));
  const auto events = EventsOf(0);
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(events[2].token, 4);
  EXPECT_EQ(events[3].finish_reason, FinishReason::kLength);
}

TEST_F(SamplerTest, LogitsThatAreNotNumbersEndTheirRequestAlone) {
  AddPromptRow(Request({1, 2}));
  AddPromptRow(Request({3, 4}));
  model.nan_row = 1;
  Publish(plan, Sample(64));
  const auto failed = EventsOf(0);
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_EQ(failed[0].finish_reason, FinishReason::kError);
  EXPECT_EQ(failed[0].status.code(), absl::StatusCode::kInternal);
  EXPECT_EQ(EventsOf(1)[0].kind, TokenEvent::Kind::kToken);
}

}  // namespace
}  // namespace oriel
