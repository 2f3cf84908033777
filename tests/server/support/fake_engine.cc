#include "tests/server/support/fake_engine.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include "kernels/core/check.h"
#include "kernels/core/status.h"
#include "tests/server/support/fake_text_model.h"

namespace oriel {
namespace {

constexpr std::chrono::seconds kPatience{10};
constexpr float kLogprob = -0.5f;

TokenEvent TextEvent(TokenEvent::Kind kind, TokenId token, int32_t num_top) {
  TokenEvent event{
      .kind = kind, .token = token, .logprob = kLogprob, .top_logprobs = {}, .status = {}};
  for (int32_t i = 0; i < num_top; ++i) {
    event.top_logprobs.push_back({.token = token + i, .logprob = kLogprob - static_cast<float>(i)});
  }
  return event;
}

TokenEvent EndEvent(FinishReason reason, absl::Status status) {
  TokenEvent event;
  event.kind = TokenEvent::Kind::kFinished;
  event.finish_reason = reason;
  event.status = std::move(status);
  return event;
}

}  // namespace

FakeEngine::FakeEngine(EngineConfig config) : config_(config) {
  model_config_.architecture = "fake";
  model_config_.layers = 2;
  model_config_.q_heads = 4;
  model_config_.kv_heads = 2;
  model_config_.head_dim = 64;
  model_config_.vocab = kFakeVocab;
  formats_.assign(2, MakeUniformKvLayerFormat(64, 2, config.key_codec, config.value_codec));
}

EngineConfig FakeEngine::DefaultConfig() {
  EngineConfig config;
  config.max_model_len = 256;
  config.kv_cache_memory_bytes = 64 << 20;
  config.queue_requests_max = 64;
  return config;
}

void FakeEngine::AnswerWith(std::string text) {
  const std::lock_guard lock(mutex_);
  script_ = std::move(text);
  holding_ = false;
}

void FakeEngine::Hold() {
  const std::lock_guard lock(mutex_);
  holding_ = true;
}

void FakeEngine::RefuseWith(absl::Status status, size_t num_accepted) {
  const std::lock_guard lock(mutex_);
  refusal_ = std::move(status);
  num_accepted_max_ = order_.size() + num_accepted;
}

absl::StatusOr<std::shared_ptr<TokenStream>> FakeEngine::Submit(GenerationRequest request) {
  ORIEL_RETURN_IF_ERROR(ValidateGenerationRequest(request, config_, model_config_.vocab));
  auto stream = std::make_shared<TokenStream>();
  const std::lock_guard lock(mutex_);
  if (!refusal_.ok() && order_.size() >= num_accepted_max_) return refusal_;
  order_.push_back(request.id);
  changed_.notify_all();
  streams_[request.id] = stream;
  if (!holding_) Answer(request, *stream);
  requests_[request.id] = std::move(request);
  return stream;
}

void FakeEngine::Answer(const GenerationRequest& request, TokenStream& stream) {
  if (request.sampling.num_top_prompt_logprobs >= 0) {
    for (size_t i = 0; i < request.prompt.size(); ++i) {
      TokenEvent event = TextEvent(TokenEvent::Kind::kPromptToken, request.prompt[i],
                                   i == 0 ? 0 : request.sampling.num_top_prompt_logprobs);
      if (i == 0) event.logprob = std::numeric_limits<float>::quiet_NaN();
      stream.Push(std::move(event));
    }
  }
  const auto count = std::min(script_.size(), static_cast<size_t>(request.max_tokens));
  for (size_t i = 0; i < count; ++i) {
    stream.Push(TextEvent(TokenEvent::Kind::kToken, static_cast<unsigned char>(script_[i]),
                          std::max(0, request.sampling.num_top_logprobs)));
  }
  const bool whole = script_.size() < static_cast<size_t>(request.max_tokens);
  stream.Push(EndEvent(whole ? FinishReason::kStop : FinishReason::kLength, absl::OkStatus()));
}

void FakeEngine::Emit(RequestId id, std::string_view text) {
  const std::lock_guard lock(mutex_);
  for (char c : text) {
    streams_.at(id)->Push(TextEvent(TokenEvent::Kind::kToken, static_cast<unsigned char>(c), 0));
  }
}

void FakeEngine::Finish(RequestId id, FinishReason reason, absl::Status status) {
  const std::lock_guard lock(mutex_);
  streams_.at(id)->Push(EndEvent(reason, std::move(status)));
}

void FakeEngine::Cancel(RequestId id) {
  const std::lock_guard lock(mutex_);
  canceled_.insert(id);
  changed_.notify_all();
  const auto stream = streams_.find(id);
  if (stream == streams_.end()) return;
  stream->second->Push(EndEvent(FinishReason::kCanceled, absl::OkStatus()));
}

std::vector<RequestId> FakeEngine::WaitForRequests(size_t count) {
  std::unique_lock lock(mutex_);
  ORIEL_CHECK(changed_.wait_for(lock, kPatience, [&] { return order_.size() >= count; }));
  return order_;
}

bool FakeEngine::WaitForCancel(RequestId id) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kPatience, [&] { return canceled_.contains(id); });
}

GenerationRequest FakeEngine::request(RequestId id) {
  const std::lock_guard lock(mutex_);
  return requests_.at(id);
}

size_t FakeEngine::num_requests() {
  const std::lock_guard lock(mutex_);
  return order_.size();
}

bool FakeEngine::Drain(absl::Time) {
  const std::lock_guard lock(mutex_);
  refusal_ = absl::UnavailableError("the engine is draining");
  num_accepted_max_ = 0;
  return true;
}

absl::Status FakeEngine::health() const {
  const std::lock_guard lock(mutex_);
  return health_;
}

void FakeEngine::SetHealth(absl::Status health) {
  const std::lock_guard lock(mutex_);
  health_ = std::move(health);
}

EngineStats FakeEngine::stats() const {
  EngineStats stats;
  stats.pages_total = stats.pages_free = 100;
  stats.window_pages_total = stats.window_pages_free = 10;
  stats.page_bytes = 8000;  // 2 layers of 2 heads of 2 000 bytes
  stats.window_page_bytes = 65536;
  stats.sink_slot_bytes = 5120;
  stats.scratch_bytes = 1024;
  stats.prompt_tokens = 7;
  stats.requests_waiting = 3;
  return stats;
}

}  // namespace oriel
