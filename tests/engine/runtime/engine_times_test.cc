#include "engine/runtime/engine_times.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "kernels/reference/reference_backend.h"
#include "tests/support/engine_harness.h"

namespace oriel {
namespace {

// An engine whose clock stands still but where a test moves it.
class EngineTimesTest : public ::testing::Test {
 protected:
  EngineTimesTest() {
    HarnessConfig harness;
    harness.engine.max_model_len = 512;
    harness.engine.max_num_seqs = 2;
    harness.engine.prefill_chunk_tokens = 64;
    harness.engine.window_tokens = 64;
    auto made =
        MakeTaggedEngine(harness, *backend_, {.formats = {}, .clock = [this] { return now_; }});
    EXPECT_TRUE(made.ok()) << made.status();
    engine_ = *std::move(made);
  }

  void StepAfter(absl::Duration pause) {
    now_ += pause;
    EXPECT_TRUE(*engine_->Step());
  }
  EngineTimes times() const { return engine_->stats().times; }

  absl::Time now_ = absl::FromUnixSeconds(1000);
  std::unique_ptr<Backend> backend_ = MakeReferenceBackend();
  std::unique_ptr<Engine> engine_;
};

TEST_F(EngineTimesTest, ARequestsTimesAreThoseOfItsSteps) {
  GenerationRequest request = SimpleRequest(1, 100, 3);
  request.arrival = now_ - absl::Seconds(1);
  ASSERT_TRUE(engine_->Submit(request).ok());
  StepAfter(absl::Seconds(2));         // 64 of 100 prompt tokens
  StepAfter(absl::Milliseconds(250));  // the other 36, and the first token
  StepAfter(absl::Milliseconds(500));
  StepAfter(absl::Milliseconds(1500));
  EXPECT_EQ(times().queue_seconds.sum(), 2.0);
  EXPECT_EQ(times().first_token_seconds.sum(), 3.25);
  EXPECT_EQ(times().prefill_seconds.sum(), 0.25);
  EXPECT_EQ(times().next_token_seconds.sum(), 2.0);
  EXPECT_EQ(times().next_token_seconds.count(), 2u);
  EXPECT_EQ(times().decode_seconds.sum(), 2.0);
  EXPECT_EQ(times().output_token_seconds.sum(), 1.0);
  EXPECT_EQ(times().output_token_seconds.count(), 1u);
}

TEST_F(EngineTimesTest, WithoutAnArrivalTimeARequestCountsFromSubmit) {
  ASSERT_TRUE(engine_->Submit(SimpleRequest(1, 10, 1)).ok());
  StepAfter(absl::Seconds(3));
  EXPECT_EQ(times().first_token_seconds.sum(), 3.0);
  EXPECT_EQ(times().decode_seconds.sum(), 0.0);
  EXPECT_EQ(times().decode_seconds.count(), 1u);
  EXPECT_EQ(times().output_token_seconds.count(), 0u);
}

TEST_F(EngineTimesTest, ACanceledRequestWaitedButHasNoDecodeTime) {
  ASSERT_TRUE(engine_->Submit(SimpleRequest(1, 10, 100)).ok());
  StepAfter(absl::Seconds(1));
  engine_->Cancel(1);
  StepAfter(absl::Seconds(1));
  EXPECT_EQ(times().queue_seconds.count(), 1u);
  EXPECT_EQ(times().decode_seconds.count(), 0u);
}

TEST_F(EngineTimesTest, StepsAreToldApartByWhatTheyCompute) {
  ASSERT_TRUE(engine_->Submit(SimpleRequest(1, 10, 8)).ok());
  StepAfter(absl::Seconds(1));
  StepAfter(absl::Seconds(1));
  StepAfter(absl::Seconds(1));
  ASSERT_TRUE(engine_->Submit(SimpleRequest(2, 20, 1)).ok());
  StepAfter(absl::Seconds(1));
  const auto steps = [&](StepPhase phase) {
    return times().phases[static_cast<size_t>(phase)].step_seconds.count();
  };
  EXPECT_EQ(steps(StepPhase::kPrompt), 1u);
  EXPECT_EQ(steps(StepPhase::kDecode), 2u);
  EXPECT_EQ(steps(StepPhase::kMixed), 1u);
  EXPECT_EQ(times().step_tokens.sum(), 10 + 1 + 1 + 21);
}

}  // namespace
}  // namespace oriel
