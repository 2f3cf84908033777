#include "engine/benchmark/speed_benchmark.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <random>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "engine/benchmark/stream_group.h"
#include "kernels/core/status.h"

namespace oriel {
namespace {

using Clock = std::chrono::steady_clock;

int64_t NanosecondsSince(Clock::time_point begin) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - begin).count();
}

// A stream of depth 0 has a prompt all the same: a model goes on from something.
int32_t DecodePromptTokens(const SpeedTest& test) { return std::max(test.depth, 1); }

// Steps that take in the prompts of all streams; the first stream generates during them.
int64_t StepsToDepth(const SpeedTest& test, int32_t prefill_chunk_tokens) {
  const int64_t tokens = int64_t{DecodePromptTokens(test)} * test.streams;
  return (tokens + prefill_chunk_tokens - 1) / prefill_chunk_tokens;
}

absl::Status CheckTest(const SpeedTest& test, int32_t repetitions, const EngineConfig& config) {
  if (repetitions < 1 || test.streams < 1 || test.depth < 0 ||
      (test.prompt_tokens > 0) == (test.generate_tokens > 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("nothing to measure: ", repetitions, " repetitions of ", test.prompt_tokens,
                     " prompt tokens and ", test.generate_tokens, " generated tokens of ",
                     test.streams, " streams at depth ", test.depth));
  }
  if (test.streams > config.max_num_seqs) {
    return absl::InvalidArgumentError(
        absl::StrCat(test.streams, " streams, max_num_seqs is ", config.max_num_seqs));
  }
  if (test.prompt_tokens == 0 || test.depth % config.prefill_chunk_tokens == 0) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat("depth ", test.depth, " of ", test.name(),
                                                 " is not a multiple of prefill_chunk_tokens ",
                                                 config.prefill_chunk_tokens));
}

absl::StatusOr<int64_t> TimePrompt(const SpeedTest& test, StreamGroup& group,
                                   std::mt19937_64& random) {
  // A second token is asked for, so that the sequence still owns its pages when it is looked at.
  ORIEL_RETURN_IF_ERROR(group.Submit(1, test.depth + test.prompt_tokens, 2, random));
  while (group.prompt_tokens_done() < test.depth) ORIEL_RETURN_IF_ERROR(group.Step());
  const Clock::time_point begin = Clock::now();
  while (!group.all_started()) ORIEL_RETURN_IF_ERROR(group.Step());
  return NanosecondsSince(begin);
}

absl::StatusOr<int64_t> TimeDecode(const SpeedTest& test, int32_t prefill_chunk_tokens,
                                   StreamGroup& group, std::mt19937_64& random) {
  const int64_t steps_to_depth = StepsToDepth(test, prefill_chunk_tokens);
  ORIEL_RETURN_IF_ERROR(
      group.Submit(test.streams, DecodePromptTokens(test),
                   static_cast<int32_t>(steps_to_depth) + test.generate_tokens + 1, random));
  for (int64_t i = 0; i < steps_to_depth; ++i) ORIEL_RETURN_IF_ERROR(group.Step());
  if (!group.all_started()) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the cache does not hold ", test.streams, " streams of ",
                     SequenceTokens(test, prefill_chunk_tokens), " tokens at once"));
  }
  const Clock::time_point begin = Clock::now();
  for (int32_t i = 0; i < test.generate_tokens; ++i) ORIEL_RETURN_IF_ERROR(group.Step());
  return NanosecondsSince(begin);
}

}  // namespace

std::string SpeedTest::name() const {
  std::string name =
      prompt_tokens > 0 ? absl::StrCat("pp", prompt_tokens) : absl::StrCat("tg", generate_tokens);
  if (depth > 0) absl::StrAppend(&name, " @ d", depth);
  if (streams > 1) absl::StrAppend(&name, " x", streams);
  return name;
}

std::vector<SpeedTest> TestsOf(const SpeedPlan& plan) {
  std::vector<SpeedTest> tests;
  for (int32_t depth : plan.depths) {
    if (plan.prompt_tokens == 0) break;
    tests.push_back({.prompt_tokens = plan.prompt_tokens, .depth = depth});
  }
  for (int32_t depth : plan.depths) {
    for (int32_t streams : plan.streams) {
      if (plan.generate_tokens == 0) break;
      tests.push_back(
          {.generate_tokens = plan.generate_tokens, .depth = depth, .streams = streams});
    }
  }
  return tests;
}

int64_t SequenceTokens(const SpeedTest& test, int32_t prefill_chunk_tokens) {
  if (test.prompt_tokens > 0) return int64_t{test.depth} + test.prompt_tokens + 2;
  return DecodePromptTokens(test) + StepsToDepth(test, prefill_chunk_tokens) +
         test.generate_tokens + 1;
}

std::vector<double> SpeedResult::samples_tokens_per_s() const {
  std::vector<double> speeds;
  for (int64_t ns : samples_ns) {
    speeds.push_back(1e9 * static_cast<double>(test.timed_tokens()) / static_cast<double>(ns));
  }
  return speeds;
}

absl::StatusOr<SpeedResult> MeasureSpeed(Engine& engine, const SpeedTest& test, int32_t repetitions,
                                         uint64_t seed) {
  const int32_t chunk = engine.config().prefill_chunk_tokens;
  ORIEL_RETURN_IF_ERROR(CheckTest(test, repetitions, engine.config()));
  SpeedResult result;
  result.test = test;
  result.begin = absl::Now();
  std::mt19937_64 random(seed);
  for (int32_t i = 0; i < repetitions; ++i) {
    StreamGroup group(engine);
    ORIEL_ASSIGN_OR_RETURN(const int64_t ns, test.prompt_tokens > 0
                                                 ? TimePrompt(test, group, random)
                                                 : TimeDecode(test, chunk, group, random));
    result.samples_ns.push_back(ns);
    result.kv_cache_bytes = group.cache_bytes();
    ORIEL_ASSIGN_OR_RETURN(result.memory, ReadProcessMemory());
    ORIEL_RETURN_IF_ERROR(group.End());
  }
  return result;
}

double Mean(const std::vector<double>& samples) {
  if (samples.empty()) return 0.0;
  return std::accumulate(samples.begin(), samples.end(), 0.0) / static_cast<double>(samples.size());
}

double StandardDeviation(const std::vector<double>& samples) {
  if (samples.size() < 2) return 0.0;
  const double mean = Mean(samples);
  double squares = 0.0;
  for (double sample : samples) squares += (sample - mean) * (sample - mean);
  return std::sqrt(squares / static_cast<double>(samples.size() - 1));
}

}  // namespace oriel
