#ifndef ORIEL_ENGINE_ENGINE_H_
#define ORIEL_ENGINE_ENGINE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "engine/base/engine_config.h"
#include "engine/model/model.h"
#include "engine/request/generation_request.h"
#include "engine/request/token_stream.h"
#include "engine/runtime/engine_times.h"
#include "kernels/ops/backend.h"

namespace oriel {

// What the engine is doing, for metrics and tests. Counts of the last finished step; totals since
// start.
struct EngineStats {
  int32_t requests_waiting = 0;
  int64_t tokens_waiting = 0;
  int32_t sequences_running = 0;

  int32_t pages_total = 0, pages_free = 0, pages_owned = 0, pages_fenced = 0, pages_cached = 0;
  int32_t window_pages_total = 0, window_pages_free = 0, window_pages_owned = 0,
          window_pages_fenced = 0, window_pages_cached = 0;
  int64_t page_bytes = 0, window_page_bytes = 0, sink_slot_bytes = 0, scratch_bytes = 0;
  int64_t tokens_packed = 0, tokens_window = 0, tokens_sink = 0;  // of running sequences

  uint64_t steps = 0;
  uint64_t prompt_tokens = 0, generated_tokens = 0;
  uint64_t requests_finished = 0, requests_canceled = 0, requests_expired = 0, requests_failed = 0;
  uint64_t pages_sealed = 0;
  absl::Duration last_step_time;
  EngineTimes times;

  // What running sequences own: packed pages, window pages and sinks.
  int64_t kv_cache_bytes_owned() const {
    return pages_owned * page_bytes + window_pages_owned * window_page_bytes +
           sequences_running * sink_slot_bytes;
  }
};

// What an engine is made with besides its config, each with a default.
struct EngineOptions {
  // One a layer; empty: the config's two codecs in every layer and head.
  std::vector<KvLayerFormat> formats;
  // Deadlines are compared with it, steps and waiting measured by it. Called by the engine thread
  // and by Submit; empty: absl::Now.
  std::function<absl::Time()> clock;
};

// Continuous batching over the packed cache: requests in, token events out.
//
// Lifecycle   Create → Start → Drain (or the destructor, which cancels what runs and joins the
//             engine thread).
// Threads     Submit, Cancel, stats: any thread. All mutable state belongs to the engine thread,
//             which runs Step until there is nothing to do and then sleeps. Step may be called
//             directly by a test or a tool that never calls Start, after Backend::AdoptThread.
// Invariant   after every step, for packed pages, window pages and sequence slots:
//             free + owned + cached + fenced = total; checked in every build.
// Limits      EngineConfig.
class Engine {
 public:
  // Allocates all that serving needs. The engine owns `model` and borrows `backend`, which outlives
  // it. `config` is resolved: ResolveEngineConfig fills what is 0. InvalidArgument: a config or
  // formats that do not fit the model; ResourceExhausted: too little memory, with the arithmetic.
  static absl::StatusOr<std::unique_ptr<Engine>> Create(const EngineConfig& config,
                                                        std::unique_ptr<Model> model,
                                                        Backend& backend,
                                                        EngineOptions options = {});
  virtual ~Engine() = default;

  // Queues a request. InvalidArgument / OutOfRange: ValidateGenerationRequest, or the id is that of
  // a request that has not ended. ResourceExhausted: the queue is full. Unavailable: draining, or
  // the engine has stopped. A valid request always fits into an empty cache, because Create refuses
  // a cache that does not hold one sequence of max_model_len tokens.
  virtual absl::StatusOr<std::shared_ptr<TokenStream>> Submit(GenerationRequest request) = 0;

  // Ends a request at the next step boundary: its stream gets kCanceled, its pages are free within
  // two steps. Unknown or finished ids are ignored.
  virtual void Cancel(RequestId id) = 0;

  // One step: take commands, admit, plan, stage, forward, sample, publish, release. False if there
  // was nothing to do. An error is one that ends the engine (a failing device); a request's own
  // failure goes to its stream.
  virtual absl::StatusOr<bool> Step() = 0;

  // Starts the engine thread.
  virtual void Start() = 0;

  // Refuses new requests, finishes what was accepted, at most until `deadline`, then cancels the
  // rest. Returns whether all finished by themselves.
  virtual bool Drain(absl::Time deadline) = 0;

  // OK while the engine can serve; else the error that ended it.
  virtual absl::Status health() const = 0;

  virtual EngineStats stats() const = 0;
  virtual const EngineConfig& config() const = 0;
  virtual const ModelConfig& model_config() const = 0;
  // How packed pages are stored, one a layer; fixed from the start.
  virtual std::span<const KvLayerFormat> formats() const = 0;
};

// Fills what the config leaves to the machine: max_model_len from the model, kv_cache_memory_bytes
// from available memory (a quarter of it, no more than max_num_seqs sequences of max_model_len
// need). A max_model_len that was left open is shortened to what the memory holds one sequence of.
// InvalidArgument names the field, its value and its limit; ResourceExhausted: one sequence of
// max_model_len does not fit, with the arithmetic.
absl::StatusOr<EngineConfig> ResolveEngineConfig(const EngineConfig& config,
                                                 const ModelConfig& model);

}  // namespace oriel

#endif  // ORIEL_ENGINE_ENGINE_H_
