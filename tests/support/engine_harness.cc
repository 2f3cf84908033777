#include "tests/support/engine_harness.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/kv_cache/kv_cache_plan.h"
#include "kernels/core/status.h"

namespace oriel {
namespace {

// More steps than any schedule of the tests takes: a scheduler that makes no progress ends here.
constexpr int32_t kStepsMax = 1 << 20;

std::vector<TokenId> RandomTokens(int32_t count, int32_t vocab, std::mt19937_64& random) {
  std::vector<TokenId> tokens(static_cast<size_t>(count));
  std::uniform_int_distribution<TokenId> any(0, vocab - 1);
  for (TokenId& token : tokens) token = any(random);
  return tokens;
}

SamplingParams RandomSampling(int32_t vocab, std::mt19937_64& random) {
  const auto one_in = [&random](uint64_t n) { return random() % n == 0; };
  SamplingParams sampling;
  sampling.temperature = one_in(3) ? 0.0f : 0.5f + 0.25f * static_cast<float>(random() % 4);
  sampling.seed = random();
  if (one_in(3)) sampling.top_k = static_cast<int32_t>(1 + random() % 20);
  if (one_in(3)) sampling.top_p = 0.8f;
  if (one_in(4)) sampling.min_p = 0.05f;
  if (one_in(3)) sampling.presence_penalty = 0.5f;
  if (one_in(3)) sampling.frequency_penalty = 0.25f;
  if (one_in(3)) sampling.repetition_penalty = 1.25f;
  if (one_in(3)) sampling.logit_bias = {{static_cast<TokenId>(random() % 97) % vocab, 1.5f}};
  if (one_in(3)) sampling.num_top_logprobs = static_cast<int32_t>(random() % 4);
  if (one_in(4)) sampling.num_top_prompt_logprobs = static_cast<int32_t>(random() % 3);
  return sampling;
}

bool SameNumber(float a, float b) { return a == b || (std::isnan(a) && std::isnan(b)); }

bool SameEvent(const TokenEvent& a, const TokenEvent& b) {
  const auto same_top = [](const TokenLogprob& x, const TokenLogprob& y) {
    return x.token == y.token && SameNumber(x.logprob, y.logprob);
  };
  return a.kind == b.kind && a.token == b.token && SameNumber(a.logprob, b.logprob) &&
         a.finish_reason == b.finish_reason && a.stop_token == b.stop_token &&
         std::equal(a.top_logprobs.begin(), a.top_logprobs.end(), b.top_logprobs.begin(),
                    b.top_logprobs.end(), same_top);
}

absl::Status CheckAllFree(const Engine& engine) {
  const EngineStats stats = engine.stats();
  if (stats.pages_free == stats.pages_total && stats.sequences_running == 0 &&
      stats.window_pages_free == stats.window_pages_total) {
    return absl::OkStatus();
  }
  return absl::InternalError(absl::StrCat(
      "pages free ", stats.pages_free, " of ", stats.pages_total, ", window pages free ",
      stats.window_pages_free, " of ", stats.window_pages_total));
}

absl::StatusOr<std::vector<KvLayerFormat>> TaggedFormats(const Model& model) {
  ORIEL_ASSIGN_OR_RETURN(const KvLayerFormat format,
                         MakeKvLayerFormat(model.config().head_dim, kTaggedHeads));
  return std::vector<KvLayerFormat>(kTaggedLayers, format);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Engine>> MakeTaggedEngine(HarnessConfig config, Backend& backend,
                                                         EngineOptions options) {
  auto model = std::make_unique<TaggedModel>(config.model);
  ORIEL_ASSIGN_OR_RETURN(const std::vector<KvLayerFormat> formats, TaggedFormats(*model));
  if (options.formats.empty()) options.formats = formats;
  KvStorageShape shape = LargestUsefulShape(config.engine);
  shape.num_pages = std::min(config.num_pages, shape.num_pages);
  config.engine.kv_cache_memory_bytes =
      CacheBytes(UnitBytesOf(formats, config.engine.sink_tokens), shape);
  return Engine::Create(config.engine, std::move(model), backend, std::move(options));
}

absl::StatusOr<std::unique_ptr<Engine>> MakeEngineWithAllPages(EngineConfig config,
                                                               std::unique_ptr<Model> model,
                                                               Backend& backend,
                                                               EngineOptions options) {
  ORIEL_ASSIGN_OR_RETURN(const std::vector<KvLayerFormat> formats, TaggedFormats(*model));
  if (options.formats.empty()) options.formats = formats;
  config.kv_cache_memory_bytes =
      CacheBytes(UnitBytesOf(formats, config.sink_tokens), LargestUsefulShape(config));
  return Engine::Create(config, std::move(model), backend, std::move(options));
}

GenerationRequest SimpleRequest(RequestId id, int32_t num_prompt_tokens, int32_t max_tokens) {
  GenerationRequest request;
  request.id = id;
  for (int32_t i = 0; i < num_prompt_tokens; ++i) {
    request.prompt.push_back((static_cast<TokenId>(id) * 31 + i * 7) % 97);
  }
  request.sampling.temperature = 0.0f;
  request.max_tokens = max_tokens;
  return request;
}

GenerationRequest RandomRequest(RequestId id, const EngineConfig& config, int32_t vocab,
                                std::mt19937_64& random) {
  GenerationRequest request;
  request.id = id;
  // Short and long prompts, with lengths around page edges among them.
  std::uniform_int_distribution<int32_t> any_length(1, config.max_model_len - 1);
  int32_t length = any_length(random);
  if (random() % 2 == 0) length = std::min(length, 1 + static_cast<int32_t>(random() % 80));
  if (random() % 4 == 0)
    length = std::max(1, length / 64 * 64 + static_cast<int32_t>(random() % 3) - 1);
  request.prompt = RandomTokens(length, vocab, random);
  request.sampling = RandomSampling(vocab, random);
  const int32_t room = std::min(config.max_model_len - length, 150);
  request.max_tokens = std::uniform_int_distribution<int32_t>(1, room)(random);
  if (random() % 3 == 0)
    request.min_tokens = static_cast<int32_t>(random() % static_cast<uint64_t>(request.max_tokens));
  if (random() % 2 == 0) request.end_token_ids = RandomTokens(1, vocab, random);
  if (random() % 3 == 0) request.stop_token_ids = RandomTokens(2, vocab, random);
  request.ignore_eos = random() % 4 == 0;
  request.priority = static_cast<int32_t>(random() % 3);
  if (request.sampling.num_top_prompt_logprobs >= 0 && random() % 3 == 0) {
    request.max_tokens = request.min_tokens = 0;
  }
  return request;
}

absl::StatusOr<std::vector<std::vector<TokenEvent>>> RunArrivals(
    const std::vector<Arrival>& arrivals, Engine& engine) {
  std::vector<std::shared_ptr<TokenStream>> streams(arrivals.size());
  std::vector<std::vector<TokenEvent>> events(arrivals.size());
  int32_t last_arrival = 0;
  for (const Arrival& arrival : arrivals) last_arrival = std::max(last_arrival, arrival.step);
  bool busy = true;
  for (int32_t step = 0; busy || step <= last_arrival; ++step) {
    if (step == kStepsMax) return absl::InternalError("the engine makes no progress");
    for (size_t i = 0; i < arrivals.size(); ++i) {
      if (arrivals[i].step == step) {
        ORIEL_ASSIGN_OR_RETURN(streams[i], engine.Submit(arrivals[i].request));
      }
      if (arrivals[i].cancel_step == step) engine.Cancel(arrivals[i].request.id);
    }
    ORIEL_ASSIGN_OR_RETURN(busy, engine.Step());
  }
  for (size_t i = 0; i < arrivals.size(); ++i) streams[i]->Drain(events[i]);
  ORIEL_RETURN_IF_ERROR(CheckAllFree(engine));
  return events;
}

std::string DescribeDifference(const std::vector<TokenEvent>& events,
                               const std::vector<TokenEvent>& expected) {
  if (events.empty() || events.back().kind != TokenEvent::Kind::kFinished) return "no last event";
  const bool canceled = events.back().finish_reason == FinishReason::kCanceled;
  const size_t count = canceled ? events.size() - 1 : events.size();
  if (canceled ? count > expected.size() : count != expected.size()) {
    return absl::StrCat(events.size(), " events instead of ", expected.size());
  }
  for (size_t i = 0; i < count; ++i) {
    if (SameEvent(events[i], expected[i])) continue;
    return absl::StrCat("event ", i, " of ", count, ": token ", events[i].token, ", ",
                        events[i].logprob, " instead of ", expected[i].token, ", ",
                        expected[i].logprob);
  }
  return "";
}

}  // namespace oriel
