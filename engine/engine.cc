#include "engine/engine.h"

#include <mutex>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/kv_cache/kv_cache.h"
#include "engine/kv_cache/kv_cache_plan.h"
#include "engine/kv_cache/kv_storage.h"
#include "engine/runtime/batch_stager.h"
#include "engine/runtime/publisher.h"
#include "engine/runtime/resolve_engine_config.h"
#include "engine/runtime/sampler.h"
#include "engine/scheduler/request_queue.h"
#include "engine/scheduler/scheduler.h"
#include "kernels/core/check.h"
#include "kernels/core/status.h"

namespace oriel {
namespace {

absl::Status CheckFitsModel(const EngineConfig& config, const Model& model, size_t num_formats) {
  if (config.max_model_len < 1 || config.kv_cache_memory_bytes < 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "config is not resolved: max_model_len is ", config.max_model_len,
        ", kv_cache_memory_bytes is ", config.kv_cache_memory_bytes, ", the least is 1"));
  }
  const int64_t step_tokens = int64_t{config.prefill_chunk_tokens} + config.max_num_seqs;
  if (step_tokens > model.max_step_tokens()) {
    return absl::InvalidArgumentError(
        absl::StrCat("prefill_chunk_tokens ", config.prefill_chunk_tokens, " and max_num_seqs ",
                     config.max_num_seqs, " make steps of ", step_tokens,
                     " tokens, the model takes ", model.max_step_tokens()));
  }
  if (static_cast<int64_t>(num_formats) == model.config().layers) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(num_formats, " KV formats for a model of ", model.config().layers, " layers"));
}

// What an engine is assembled from; each part has been allocated.
struct EngineParts {
  EngineConfig config;
  Backend* backend = nullptr;  // not null
  std::function<absl::Time()> clock;
  std::unique_ptr<Model> model;
  std::unique_ptr<Stream> stream;
  KvStorage storage;
  BatchStager stager;
  Sampler sampler;
};

class BatchingEngine : public Engine {
 public:
  explicit BatchingEngine(EngineParts parts);
  ~BatchingEngine() override;

  absl::StatusOr<std::shared_ptr<TokenStream>> Submit(GenerationRequest request) override;
  void Cancel(RequestId id) override { queue_.Cancel(id); }
  absl::StatusOr<bool> Step() override;
  void Start() override;
  bool Drain(absl::Time deadline) override;
  absl::Status health() const override;
  EngineStats stats() const override;
  const EngineConfig& config() const override { return parts_.config; }
  const ModelConfig& model_config() const override { return parts_.model->config(); }
  std::span<const KvLayerFormat> formats() const override { return parts_.storage.formats(); }

 private:
  absl::StatusOr<bool> RunStep();
  void RunUntilStopped();
  void Fail(const absl::Status& status);
  bool StepUntilIdle(absl::Time deadline);
  void RecordTimes(const BatchPlan& plan, const SampledTokens& tokens, const StepTiming& timing);
  void UpdateStats(const BatchPlan& plan, const SampledTokens* tokens, absl::Duration step_time);
  EngineStats InitialStats() const;

  EngineParts parts_;
  RequestQueue queue_;
  KvCache cache_;
  Scheduler scheduler_;
  std::thread thread_;  // runs RunUntilStopped once Start was called

  mutable std::mutex mutex_;  // guards what other threads read
  absl::Status health_;
  EngineStats stats_;
};

BatchingEngine::BatchingEngine(EngineParts parts)
    : parts_(std::move(parts)),
      queue_(parts_.config.queue_requests_max, parts_.config.queue_tokens_max),
      cache_(CountsOf(parts_.config, parts_.storage.shape())),
      scheduler_(parts_.config, queue_, cache_),
      stats_(InitialStats()) {}

BatchingEngine::~BatchingEngine() {
  queue_.Close(absl::UnavailableError("the engine has been stopped"));
  queue_.Stop();
  if (thread_.joinable()) thread_.join();
  scheduler_.EndAll(FinishReason::kCanceled, absl::OkStatus());
}

absl::StatusOr<std::shared_ptr<TokenStream>> BatchingEngine::Submit(GenerationRequest request) {
  ORIEL_RETURN_IF_ERROR(
      ValidateGenerationRequest(request, parts_.config, parts_.model->config().vocab));
  auto stream = std::make_shared<TokenStream>();
  const absl::Time now = parts_.clock();
  if (request.arrival == absl::InfinitePast()) request.arrival = now;
  ORIEL_RETURN_IF_ERROR(queue_.Push({std::move(request), stream, now}));
  return stream;
}

absl::StatusOr<bool> BatchingEngine::Step() {
  ORIEL_RETURN_IF_ERROR(health());
  absl::StatusOr<bool> did_work = RunStep();
  if (!did_work.ok()) Fail(did_work.status());
  return did_work;
}

// One line a row of the table in README.md.
absl::StatusOr<bool> BatchingEngine::RunStep() {
  StepTiming timing{.begin = parts_.clock(), .forwarded = {}, .published = {}, .seal = {}};
  const bool ended_some = scheduler_.EndUnwanted(timing.begin);
  scheduler_.Admit();
  const BatchPlan& plan = scheduler_.PlanStep();
  const SampledTokens* tokens = nullptr;
  if (!plan.empty()) {
    const BatchInputs inputs = parts_.stager.Stage(plan);
    const absl::Duration sealed_before = parts_.model->total_seal_time();
    ORIEL_RETURN_IF_ERROR(parts_.model->Forward(inputs, parts_.storage, *parts_.stream));
    timing.seal = parts_.model->total_seal_time() - sealed_before;
    timing.forwarded = parts_.clock();
    ORIEL_ASSIGN_OR_RETURN(tokens, parts_.sampler.Sample(plan, *parts_.model, *parts_.stream));
    ORIEL_RETURN_IF_ERROR(parts_.stream->Synchronize());
    Publish(plan, *tokens);
    timing.published = parts_.clock();
    RecordTimes(plan, *tokens, timing);
  }
  scheduler_.FinishStep();
  UpdateStats(plan, tokens, parts_.clock() - timing.begin);
  return ended_some || !plan.empty();
}

// A failing device serves nobody: whoever waits or runs is told, and nobody else is let in.
void BatchingEngine::Fail(const absl::Status& status) {
  {
    const std::lock_guard lock(mutex_);
    health_ = status;
  }
  queue_.Close(absl::UnavailableError(absl::StrCat("the engine has stopped: ", status.message())));
  scheduler_.EndAll(FinishReason::kError, status);
  UpdateStats(BatchPlan(), nullptr, absl::ZeroDuration());
}

void BatchingEngine::Start() {
  ORIEL_CHECK(!thread_.joinable());
  thread_ = std::thread([this] { RunUntilStopped(); });
}

void BatchingEngine::RunUntilStopped() {
  const absl::Status adopted = parts_.backend->AdoptThread();
  if (!adopted.ok()) Fail(adopted);
  bool busy = false;
  while (queue_.WaitForWork(busy)) {
    const absl::StatusOr<bool> did_work = Step();
    if (!did_work.ok()) break;
    busy = *did_work;
  }
  queue_.EndWork();
}

bool BatchingEngine::Drain(absl::Time deadline) {
  queue_.Close(absl::UnavailableError("the engine is draining"));
  const auto wait = [this](absl::Time until) {
    return thread_.joinable() ? queue_.WaitUntilIdle(until) : StepUntilIdle(until);
  };
  if (wait(deadline)) return health().ok();
  queue_.CancelAll();
  // Canceled requests end at the next step boundary, so this is a matter of one step.
  wait(absl::InfiniteFuture());
  return false;
}

// What the engine thread would do, for an engine that was never started.
bool BatchingEngine::StepUntilIdle(absl::Time deadline) {
  while (!queue_.is_idle()) {
    if (parts_.clock() >= deadline || !Step().ok()) return queue_.is_idle();
  }
  return true;
}

absl::Status BatchingEngine::health() const {
  const std::lock_guard lock(mutex_);
  return health_;
}

EngineStats BatchingEngine::stats() const {
  const int32_t requests_waiting = queue_.num_waiting();
  const int64_t tokens_waiting = queue_.tokens_waiting();
  const std::lock_guard lock(mutex_);
  EngineStats stats = stats_;
  stats.requests_waiting = requests_waiting;
  stats.tokens_waiting = tokens_waiting;
  return stats;
}

EngineStats BatchingEngine::InitialStats() const {
  const KvStorage& storage = parts_.storage;
  EngineStats stats;
  stats.pages_total = stats.pages_free = storage.shape().num_pages;
  stats.window_pages_total = stats.window_pages_free = storage.shape().num_window_pages;
  stats.page_bytes = storage.page_bytes();
  stats.window_page_bytes = storage.window_page_bytes();
  stats.sink_slot_bytes = storage.sink_slot_bytes();
  stats.scratch_bytes = storage.scratch_bytes();
  return stats;
}

void BatchingEngine::RecordTimes(const BatchPlan& plan, const SampledTokens& tokens,
                                 const StepTiming& timing) {
  const std::lock_guard lock(mutex_);
  RecordStep(plan, tokens, timing, stats_.times);
}

// What a metrics reader sees is the state between two steps, never half of one.
void BatchingEngine::UpdateStats(const BatchPlan& plan, const SampledTokens* tokens,
                                 absl::Duration step_time) {
  const PageLedger pages = cache_.page_ledger();
  const PageLedger window_pages = cache_.window_page_ledger();
  const EndCounts& ends = scheduler_.end_counts();
  const std::lock_guard lock(mutex_);
  stats_.sequences_running = static_cast<int32_t>(scheduler_.running().size());
  stats_.pages_free = pages.free;
  stats_.pages_owned = pages.owned;
  stats_.pages_fenced = pages.fenced;
  stats_.pages_cached = pages.cached;
  stats_.window_pages_free = window_pages.free;
  stats_.window_pages_owned = window_pages.owned;
  stats_.window_pages_fenced = window_pages.fenced;
  stats_.window_pages_cached = window_pages.cached;
  const HeldTokens held = scheduler_.held_tokens();
  stats_.tokens_packed = held.packed;
  stats_.tokens_window = held.window;
  stats_.tokens_sink = held.sink;
  stats_.requests_finished = ends.finished;
  stats_.requests_canceled = ends.canceled;
  stats_.requests_expired = ends.expired;
  stats_.requests_failed = ends.failed;
  if (plan.empty()) return;
  ++stats_.steps;
  stats_.prompt_tokens += static_cast<uint64_t>(plan.num_prompt_tokens);
  stats_.generated_tokens += static_cast<uint64_t>(tokens->num_generated());
  stats_.pages_sealed += plan.pages.seals.size();
  stats_.last_step_time = step_time;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Engine>> Engine::Create(const EngineConfig& config,
                                                       std::unique_ptr<Model> model,
                                                       Backend& backend, EngineOptions options) {
  ORIEL_RETURN_IF_ERROR(ValidateEngineConfig(config));
  if (options.formats.empty()) {
    ORIEL_ASSIGN_OR_RETURN(options.formats, MakeUniformFormats(config, model->config()));
  }
  if (!options.clock) options.clock = absl::Now;
  ORIEL_RETURN_IF_ERROR(CheckFitsModel(config, *model, options.formats.size()));
  ORIEL_ASSIGN_OR_RETURN(const KvStorageShape shape,
                         PlanKvCache(UnitBytesOf(options.formats, config.sink_tokens), config));
  ORIEL_ASSIGN_OR_RETURN(KvStorage storage,
                         KvStorage::Make(backend, std::move(options.formats), shape));
  ORIEL_ASSIGN_OR_RETURN(BatchStager stager, BatchStager::Make(backend, CountsOf(config, shape)));
  ORIEL_ASSIGN_OR_RETURN(Sampler sampler, Sampler::Make(backend, config, model->config().vocab,
                                                        shape.num_sequence_slots));
  return std::make_unique<BatchingEngine>(EngineParts{
      .config = config,
      .backend = &backend,
      .clock = std::move(options.clock),
      .model = std::move(model),
      .stream = backend.MakeStream(),
      .storage = std::move(storage),
      .stager = std::move(stager),
      .sampler = std::move(sampler),
  });
}

absl::StatusOr<EngineConfig> ResolveEngineConfig(const EngineConfig& config,
                                                 const ModelConfig& model) {
  ORIEL_ASSIGN_OR_RETURN(const std::vector<KvLayerFormat> formats,
                         MakeUniformFormats(config, model));
  return ResolveEngineConfig(config, model, formats);
}

}  // namespace oriel
