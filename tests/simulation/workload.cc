#include "tests/simulation/workload.h"

#include <algorithm>
#include <array>

#include "engine/kv_cache/kv_cache_plan.h"
#include "kernels/core/check.h"

namespace oriel {
namespace {

constexpr std::array<Codec, 6> kCodecs = {Codec::kFp16, Codec::kInt8,   Codec::kInt4,
                                          Codec::kInt2, Codec::kE8_1p5, Codec::kE8_2p5};

Codec RandomCodec(SimulationRandom& random) {
  return kCodecs[static_cast<size_t>(random.Between(0, static_cast<int32_t>(kCodecs.size()) - 1))];
}

std::vector<KvLayerFormat> RandomFormats(const ModelConfig& model, SimulationRandom& random) {
  std::vector<KvLayerFormat> formats;
  for (int32_t l = 0; l < model.layers; ++l) {
    std::vector<KvHeadFormat> heads;
    for (int32_t h = 0; h < model.kv_heads; ++h) {
      heads.push_back(DefaultHeadFormat(RandomCodec(random), RandomCodec(random)));
    }
    const auto format = MakeKvLayerFormat(model.head_dim, heads);
    ORIEL_CHECK(format.ok());
    formats.push_back(*format);
  }
  return formats;
}

int64_t RandomCacheBytes(const EngineConfig& config, const std::vector<KvLayerFormat>& formats,
                         SimulationRandom& random) {
  KvStorageShape shape = LargestUsefulShape(config);
  const int32_t longest = PagesOfLongestSequence(config);
  // From the least that is allowed to enough for all that can run.
  const int64_t wanted =
      longest + int64_t{random.Between(0, 8)} * longest * config.max_num_seqs / 8;
  shape.num_pages = static_cast<int32_t>(std::min<int64_t>(wanted, shape.num_pages));
  return CacheBytes(UnitBytesOf(formats, config.sink_tokens), shape);
}

std::vector<TokenId> RandomTokens(int32_t count, int32_t vocab, SimulationRandom& random) {
  std::vector<TokenId> tokens(static_cast<size_t>(count));
  for (TokenId& token : tokens) token = random.Between(0, vocab - 1);
  return tokens;
}

// All numbers are short binary fractions, so that sums of them are exact.
SamplingParams RandomSampling(const SimulatedEngine& engine, SimulationRandom& random) {
  SamplingParams sampling;
  sampling.temperature = random.OneIn(3) ? 0.0f : 0.25f * static_cast<float>(random.Between(1, 8));
  sampling.seed = random.Next();
  if (random.OneIn(4)) sampling.presence_penalty = 0.5f;
  if (random.OneIn(4)) sampling.frequency_penalty = 0.25f;
  if (random.OneIn(4)) sampling.repetition_penalty = 2.0f;
  for (int32_t i = random.OneIn(4) ? random.Between(1, 3) : 0; i > 0; --i) {
    sampling.logit_bias.emplace_back(random.Between(0, engine.model.vocab - 1),
                                     0.5f * static_cast<float>(random.Between(-8, 8)));
  }
  const int32_t top_max = engine.config.top_logprobs_max;
  if (random.OneIn(4)) sampling.num_top_logprobs = random.Between(0, top_max);
  if (random.OneIn(10)) sampling.num_top_prompt_logprobs = random.Between(0, top_max);
  return sampling;
}

int32_t RandomPromptLength(int32_t most, SimulationRandom& random) {
  const int32_t length = random.HeavyTailed(1, most);
  if (!random.OneIn(5)) return length;
  return std::clamp(length / 64 * 64 + random.Between(-1, 1), 1, most);
}

GenerationRequest RandomRequest(RequestId id, const SimulatedEngine& engine, absl::Time now,
                                SimulationRandom& random) {
  const int32_t vocab = engine.model.vocab;
  GenerationRequest request;
  request.id = id;
  const int32_t length = RandomPromptLength(engine.config.max_model_len - 1, random);
  request.prompt = RandomTokens(length, vocab, random);
  request.sampling = RandomSampling(engine, random);
  request.max_tokens = random.HeavyTailed(1, engine.config.max_model_len - length);
  if (random.OneIn(4)) request.min_tokens = random.Between(0, request.max_tokens);
  if (random.OneIn(2)) request.end_token_ids = RandomTokens(1, vocab, random);
  if (random.OneIn(4)) request.stop_token_ids = RandomTokens(2, vocab, random);
  request.ignore_eos = random.OneIn(3);
  if (random.OneIn(4)) request.priority = random.Between(-1, 2);
  if (random.OneIn(6)) {
    request.deadline = now + absl::Milliseconds(random.HeavyTailed(1, 60'000) - 1);
  }
  if (request.sampling.num_top_prompt_logprobs >= 0 && random.OneIn(3)) {
    request.max_tokens = request.min_tokens = 0;
  }
  return request;
}

void MakeInvalid(const SimulatedEngine& engine, SimulationRandom& random, ClientPlan& plan) {
  plan.is_valid = false;
  GenerationRequest& request = plan.request;
  switch (random.Between(0, 4)) {
    case 0:
      request.prompt.clear();
      return;
    case 1:
      request.max_tokens = engine.config.max_model_len + 1;
      return;
    case 2:
      request.prompt.back() = engine.model.vocab;
      return;
    case 3:
      request.stop_token_ids = {-1};
      return;
    default:
      request.min_tokens = request.max_tokens + 1;
      return;
  }
}

}  // namespace

SimulatedEngine RandomEngine(SimulationRandom& random) {
  SimulatedEngine engine;
  engine.model.architecture = "page_hash";
  engine.model.layers = random.Between(1, 2);
  engine.model.q_heads = engine.model.kv_heads = random.Between(1, 3);
  engine.model.head_dim = engine.model.hidden = 64;
  engine.model.context_tokens = 4096;
  engine.model.vocab = random.Between(6, 32);
  engine.formats = RandomFormats(engine.model, random);
  EngineConfig& config = engine.config;
  config.window_tokens = 64 * random.Between(0, 4);
  config.sink_tokens = random.OneIn(3) ? 0 : random.HeavyTailed(1, 64);
  config.max_model_len = random.HeavyTailed(100, 2000);
  config.max_num_seqs = random.HeavyTailed(1, 24);
  config.prefill_chunk_tokens = random.HeavyTailed(1, 512);
  config.queue_requests_max = random.HeavyTailed(1, 48);
  config.queue_tokens_max = random.HeavyTailed(config.max_model_len, 40'000);
  config.logits_rows_max = random.Between(1, 16);
  config.top_logprobs_max = random.Between(0, 5);
  config.kv_cache_memory_bytes = RandomCacheBytes(config, engine.formats, random);
  engine.step_time = absl::Milliseconds(random.OneIn(4) ? random.HeavyTailed(20, 400) : 50);
  return engine;
}

int32_t Arrivals::Take(absl::Time now) {
  if (now >= spell_end_) BeginSpell(now);
  if (now < next_) return 0;
  switch (spell_) {
    case Spell::kSilence:
      next_ = spell_end_;
      return 0;
    case Spell::kTrickle:
      next_ = now + absl::Milliseconds(random_.HeavyTailed(500, 15'000));
      return 1;
    case Spell::kSteady:
      next_ = now + absl::Milliseconds(random_.HeavyTailed(50, 3'000));
      return 1;
    case Spell::kBurst:
      next_ = spell_end_;
      return random_.HeavyTailed(2, 40);
    case Spell::kOverload:
      next_ = now + absl::Milliseconds(random_.HeavyTailed(50, 500));
      return random_.Between(1, 3);
  }
  return 0;
}

void Arrivals::BeginSpell(absl::Time now) {
  spell_ = static_cast<Spell>(random_.Between(0, 4));
  const int32_t longest_ms = spell_ == Spell::kOverload ? 15'000 : 60'000;
  spell_end_ = now + absl::Milliseconds(random_.HeavyTailed(500, longest_ms));
  next_ = now;
}

ClientPlan RandomClient(RequestId id, const SimulatedEngine& engine, absl::Time now,
                        SimulationRandom& random) {
  ClientPlan plan;
  plan.request = RandomRequest(id, engine, now, random);
  if (random.OneIn(40)) MakeInvalid(engine, random, plan);
  plan.habits.cancels_at_last_token = random.OneIn(20);
  if (random.OneIn(4)) {
    plan.habits.cancels_after = absl::Milliseconds(random.HeavyTailed(1, 30'000) - 1);
    plan.habits.cancels_twice = random.OneIn(3);
    plan.habits.leaves_when_canceling = random.OneIn(2);
  }
  if (random.OneIn(4)) plan.habits.reads_every = random.HeavyTailed(1, 400);
  plan.habits.reads_only_at_end = random.OneIn(10);
  plan.habits.reads_when_woken = random.OneIn(3);
  return plan;
}

}  // namespace oriel
