#ifndef ORIEL_ENGINE_BENCHMARK_SPEED_BENCHMARK_H_
#define ORIEL_ENGINE_BENCHMARK_SPEED_BENCHMARK_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "engine/benchmark/process_memory.h"
#include "engine/engine.h"

namespace oriel {

// One measurement. Of prompt_tokens and generate_tokens one is 0.
//   prompt   one stream takes in prompt_tokens tokens while `depth` tokens are in its cache, and
//            gives its first token.
//   decode   `streams` streams are brought to `depth` tokens, then all generate generate_tokens
//            tokens together, one of each stream in every step.
struct SpeedTest {
  int32_t prompt_tokens = 0;
  int32_t generate_tokens = 0;
  int32_t depth = 0;
  int32_t streams = 1;

  // Tokens that the clock runs for, of all streams.
  int64_t timed_tokens() const { return prompt_tokens + int64_t{generate_tokens} * streams; }
  // "pp512", "pp512 @ d4096", "tg64 @ d4096 x8".
  std::string name() const;
};

// What to measure: every depth with the prompt, and every depth and number of streams with decode.
struct SpeedPlan {
  int32_t prompt_tokens = 512;   // 0: no prompt tests
  int32_t generate_tokens = 64;  // 0: no decode tests
  std::vector<int32_t> depths = {0};
  std::vector<int32_t> streams = {1};
};

std::vector<SpeedTest> TestsOf(const SpeedPlan& plan);

// Tokens that a sequence of the test holds at most: while the last stream is brought to its depth
// the first already generates. max_model_len must be as many.
int64_t SequenceTokens(const SpeedTest& test, int32_t prefill_chunk_tokens);

// A test's times, a sample a repetition.
struct SpeedResult {
  SpeedTest test;
  absl::Time begin;
  std::vector<int64_t> samples_ns;
  int64_t kv_cache_bytes = 0;  // what the sequences own at the end of a repetition, and the scratch
  ProcessMemory memory;        // then

  std::vector<double> samples_tokens_per_s() const;
};

// Runs `test` through the engine step by step, as a server's engine thread does: continuous
// batching, sampling and token streams are all in the time. The engine is idle and never started.
//
// Errors      InvalidArgument: nothing to measure; a depth that is no whole number of prompt chunks
//             with a prompt test, because its clock could not start between two steps.
//             ResourceExhausted: the cache does not hold all streams at once. Those of
//             Engine::Submit and Engine::Step.
absl::StatusOr<SpeedResult> MeasureSpeed(Engine& engine, const SpeedTest& test, int32_t repetitions,
                                         uint64_t seed);

double Mean(const std::vector<double>& samples);
// Of the sample: over n - 1. 0 for fewer than two.
double StandardDeviation(const std::vector<double>& samples);

}  // namespace oriel

#endif  // ORIEL_ENGINE_BENCHMARK_SPEED_BENCHMARK_H_
