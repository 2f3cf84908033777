#ifndef ORIEL_TESTS_SUPPORT_ENGINE_HARNESS_H_
#define ORIEL_TESTS_SUPPORT_ENGINE_HARNESS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "kernels/ops/backend.h"
#include "tests/support/tagged_model.h"

namespace oriel {

// A small engine config for the tagged model. `num_pages`: packed pages beyond which requests wait;
// at least what one sequence of max_model_len needs.
struct HarnessConfig {
  EngineConfig engine;
  TaggedModelOptions model;
  int32_t num_pages = 64;
};

// An engine over the tagged model; kv_cache_memory_bytes is set so that it has config.num_pages
// pages and max_num_seqs sequences.
absl::StatusOr<std::unique_ptr<Engine>> MakeTaggedEngine(HarnessConfig config, Backend& backend,
                                                         EngineOptions options = {});

// An engine over a tagged model, or one around it, with memory for max_num_seqs
// sequences of max_model_len.
absl::StatusOr<std::unique_ptr<Engine>> MakeEngineWithAllPages(EngineConfig config,
                                                               std::unique_ptr<Model> model,
                                                               Backend& backend,
                                                               EngineOptions options = {});

// Greedy, of `num_prompt_tokens` tokens that differ from id to id.
GenerationRequest SimpleRequest(RequestId id, int32_t num_prompt_tokens, int32_t max_tokens);

// Any valid request of up to max_model_len tokens.
GenerationRequest RandomRequest(RequestId id, const EngineConfig& config, int32_t vocab,
                                std::mt19937_64& random);

// A request with the step before which it arrives, and perhaps the step before which it is
// canceled.
struct Arrival {
  GenerationRequest request;
  int32_t step = 0;
  std::optional<int32_t> cancel_step;
};

// Runs arrivals to their end, step by step; events[i] are those of arrivals[i]. An error is the
// engine's. Checks that every page is free at the end.
absl::StatusOr<std::vector<std::vector<TokenEvent>>> RunArrivals(
    const std::vector<Arrival>& arrivals, Engine& engine);

// Empty if `events` are those expected; of a canceled request, if they begin like them. Else what
// differs.
std::string DescribeDifference(const std::vector<TokenEvent>& events,
                               const std::vector<TokenEvent>& expected);

}  // namespace oriel

#endif  // ORIEL_TESTS_SUPPORT_ENGINE_HARNESS_H_
