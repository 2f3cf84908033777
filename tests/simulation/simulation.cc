#include "tests/simulation/simulation.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/kv_cache/kv_cache_plan.h"
#include "kernels/core/check.h"
#include "kernels/core/status.h"
#include "tests/simulation/page_hash.h"
#include "tests/simulation/page_hash_model.h"

namespace oriel {
namespace {

absl::Status Violation(const std::string& what) { return absl::InternalError(what); }

// The least that is valid.
GenerationRequest SmallRequest(RequestId id) {
  GenerationRequest request;
  request.id = id;
  request.prompt = {0};
  return request;
}

// An engine that reads the clock more often than this without a forward turns round and round.
constexpr int32_t kClockReadsMax = 1000;

constexpr const char* kInjected = "the simulated device has failed";

bool IsInjected(const absl::Status& status) { return status.message() == kInjected; }

TextRules RulesOf(const SimulatedEngine& simulated) {
  TextRules rules = {.window_tokens = simulated.config.window_tokens,
                     .sink_tokens = simulated.config.sink_tokens,
                     .vocab = simulated.model.vocab};
  for (const KvLayerFormat& format : simulated.formats) {
    rules.format_tag = AddFormat(rules.format_tag, format);
  }
  return rules;
}

}  // namespace

Simulation::Simulation(uint64_t seed, bool traces)
    : seed_(seed),
      traces_(traces),
      random_(MixTags(seed, 0x51)),
      simulated_(RandomEngine(random_)),
      arrivals_(random_),
      next_disturbance_(now_ + absl::Milliseconds(random_.HeavyTailed(1'000, 300'000))) {}

absl::Status Simulation::Run(absl::Duration length) {
  ORIEL_RETURN_IF_ERROR(StartEngine());
  ORIEL_RETURN_IF_ERROR(RunUntil(absl::UnixEpoch() + length));
  return DrainEngine();
}

absl::Status Simulation::RunUntil(absl::Time end) {
  while (now_ < end) {
    ++tick_;
    ORIEL_RETURN_IF_ERROR(ActAsClients(Moment::kBetweenSteps));
    if (now_ >= next_disturbance_) {
      ORIEL_RETURN_IF_ERROR(DisturbEngine());
    } else if (engine_sleeps()) {
      SleepUntilNextEvent(end);
    } else {
      ORIEL_RETURN_IF_ERROR(StepEngine());
    }
  }
  return absl::OkStatus();
}

absl::Status Simulation::StartEngine() {
  // A start that runs out of memory says so and leaves nothing behind.
  if (random_.OneIn(3)) backend_.FailBufferAfter(random_.Between(0, 24));
  auto engine = CreateEngine();
  backend_.FailNothing();
  if (!engine.ok()) {
    ++counts_.failed_starts;
    if (engine.status().code() != absl::StatusCode::kResourceExhausted) return engine.status();
    engine = CreateEngine();
  }
  ORIEL_RETURN_IF_ERROR(engine.status());
  engine_ = *std::move(engine);
  ORIEL_ASSIGN_OR_RETURN(const KvStorageShape shape,
                         PlanKvCache(UnitBytesOf(simulated_.formats, simulated_.config.sink_tokens),
                                     simulated_.config));
  expected_ = std::make_unique<ExpectedEngine>(simulated_.config, shape);
  engine_is_busy_ = cancel_is_pending_ = step_was_forwarded_ = false;
  fails_next_forward_ = false;
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Engine>> Simulation::CreateEngine() {
  const EngineConfig& config = simulated_.config;
  auto model = std::make_unique<PageHashModel>(
      simulated_.model, config.prefill_chunk_tokens + config.max_num_seqs,
      [this](const BatchInputs& inputs) { return OnForward(inputs); });
  EngineOptions options;
  options.formats = simulated_.formats;
  options.clock = [this] {
    ORIEL_CHECK(++clock_reads_ < kClockReadsMax);
    return now_;
  };
  return Engine::Create(config, std::move(model), backend_, std::move(options));
}

// RequestQueue::WaitForWork: what the engine thread would do.
bool Simulation::engine_sleeps() const {
  return !engine_is_busy_ && !cancel_is_pending_ && engine_->stats().requests_waiting == 0;
}

void Simulation::SleepUntilNextEvent(absl::Time end) {
  absl::Time next = std::min({end, next_disturbance_, arrivals_.next()});
  for (const SimulatedClient& client : clients_) next = std::min(next, client.cancel_time());
  // Streams are read at ticks of the clock, so that a slow reader comes to its end in silence too.
  if (!clients_.empty()) next = std::min(next, now_ + simulated_.step_time);
  now_ = std::max(next, now_ + absl::Milliseconds(1));
}

absl::Status Simulation::StepEngine() {
  clock_reads_ = 0;
  cancel_is_pending_ = false;
  const absl::Time begin = now_;
  const absl::StatusOr<bool> did_work = engine_->Step();
  ORIEL_RETURN_IF_ERROR(violation_);
  if (!did_work.ok()) return OnEngineFailure(did_work.status());
  if (!step_was_forwarded_) {
    expected_->BeginStep(begin);
    if (!expected_->plans_nothing()) return Violation("a step has left its work out");
  }
  if (*did_work != (step_was_forwarded_ || expected_->ended_some())) {
    return Violation(absl::StrCat("a step says ", *did_work, " about having done something"));
  }
  engine_is_busy_ = *did_work;
  if (!step_was_forwarded_) return CheckFinishedStep();
  return FinishForwardedStep();
}

// The model's part of a step. A draining engine runs many steps in one call, so the step before is
// finished here if nobody else could.
absl::Status Simulation::OnForward(const BatchInputs& inputs) {
  clock_reads_ = 0;
  const auto check = [&]() -> absl::Status {
    if (step_was_forwarded_) ORIEL_RETURN_IF_ERROR(FinishForwardedStep());
    expected_->BeginStep(now_);
    ORIEL_RETURN_IF_ERROR(expected_->CheckPlan(inputs));
    ORIEL_RETURN_IF_ERROR(expected_->CheckQueue(engine_->stats()));
    ++tick_;
    ++counts_.steps;
    // What happens in the first half of the step's time happens while it is under way.
    now_ += simulated_.step_time / 2;
    ORIEL_RETURN_IF_ERROR(ActAsClients(Moment::kDuringStep));
    now_ += simulated_.step_time / 2;
    return absl::OkStatus();
  };
  violation_ = check();
  ORIEL_RETURN_IF_ERROR(violation_);
  step_was_forwarded_ = true;
  if (!std::exchange(fails_next_forward_, false)) return absl::OkStatus();
  return absl::InternalError(kInjected);
}

absl::Status Simulation::FinishForwardedStep() {
  step_was_forwarded_ = false;
  ORIEL_RETURN_IF_ERROR(expected_->FinishStep());
  return CheckFinishedStep();
}

absl::Status Simulation::CheckFinishedStep() {
  ORIEL_RETURN_IF_ERROR(expected_->CheckStep(engine_->stats()));
  history_ = MixTags(history_, tick_);
  for (const SimulatedClient& client : clients_) {
    ORIEL_RETURN_IF_ERROR(client.CheckCanceled(tick_));
  }
  return absl::OkStatus();
}

absl::Status Simulation::ActAsClients(Moment moment) {
  for (int32_t i = arrivals_.Take(now_); i > 0; --i) ORIEL_RETURN_IF_ERROR(SubmitOne());
  for (SimulatedClient& client : clients_) {
    const int32_t times = client.TakeCancels(now_, tick_, moment);
    for (int32_t i = 0; i < times; ++i) CancelAsClient(client.id());
  }
  return ReadAndForget();
}

absl::Status Simulation::SubmitOne() {
  ClientPlan plan = RandomClient(ChooseId(), simulated_, now_, random_);
  auto expected = std::make_shared<ExpectedRequest>(
      plan.is_valid ? plan.request : SmallRequest(plan.request.id), RulesOf(simulated_));
  const absl::StatusCode due = expected_->Submit(expected, plan.is_valid);
  auto stream = engine_->Submit(plan.request);
  absl::StatusCode code = stream.status().code();
  if (code == absl::StatusCode::kOutOfRange) code = absl::StatusCode::kInvalidArgument;
  if (traces_)
    Trace(absl::StrCat("request ", plan.request.id, ": prompt ", plan.request.prompt.size(),
                       ", max_tokens ", plan.request.max_tokens, ": ", stream.status().ToString()));
  ++counts_.requests;
  if (code != due) {
    return Violation(absl::StrCat("request ", plan.request.id, " gets ", stream.status().ToString(),
                                  " instead of code ", static_cast<int>(due)));
  }
  if (stream.ok()) {
    clients_.emplace_back(plan.habits, now_, std::move(expected), *std::move(stream));
  } else {
    ++counts_.refused;
  }
  if (random_.OneIn(30)) CancelAsClient(static_cast<RequestId>(random_.Between(0, 1 << 20)));
  return absl::OkStatus();
}

// New ids as a rule. An id of a request that may have ended can be used again; while it lives, the
// engine refuses it.
RequestId Simulation::ChooseId() {
  if (last_canceled_id_ > 0 && random_.OneIn(6)) return last_canceled_id_;
  if (last_id_ > 0 && random_.OneIn(12)) {
    return last_id_ - static_cast<RequestId>(random_.Between(
                          0, static_cast<int32_t>(std::min(last_id_, RequestId{6})) - 1));
  }
  return ++last_id_;
}

void Simulation::CancelAsClient(RequestId id) {
  if (traces_) Trace(absl::StrCat("cancel ", id));
  engine_->Cancel(id);
  expected_->Cancel(id);
  last_canceled_id_ = id;
  cancel_is_pending_ = true;
}

absl::Status Simulation::ReadAndForget() {
  for (SimulatedClient& client : clients_) {
    ORIEL_RETURN_IF_ERROR(client.ReadAt(tick_, history_));
  }
  for (const SimulatedClient& client : clients_) {
    // A cancel that comes too late, from a client that has just seen the end.
    if (client.is_done() && random_.OneIn(8)) CancelAsClient(client.id());
  }
  std::erase_if(clients_, [this](const SimulatedClient& client) {
    if (!client.is_done()) return false;
    const FinishReason reason = client.finish_reason();
    counts_.stopped += reason == FinishReason::kStop || reason == FinishReason::kLength;
    counts_.canceled += reason == FinishReason::kCanceled;
    counts_.expired += reason == FinishReason::kDeadline;
    counts_.failed += reason == FinishReason::kError;
    return true;
  });
  return absl::OkStatus();
}

absl::Status Simulation::DisturbEngine() {
  next_disturbance_ = now_ + absl::Milliseconds(random_.HeavyTailed(2'000, 400'000));
  switch (random_.Between(0, 4)) {
    case 0:
      if (traces_) Trace("the next forward fails");
      fails_next_forward_ = true;
      return absl::OkStatus();
    case 1:
      if (traces_) Trace("the next sampling fails");
      backend_.FailNextSample(absl::InternalError(kInjected));
      return absl::OkStatus();
    case 2:
      ORIEL_RETURN_IF_ERROR(KillEngine());
      break;
    default:
      ORIEL_RETURN_IF_ERROR(DrainEngine());
      break;
  }
  return StartEngine();
}

absl::Status Simulation::DrainEngine() {
  const absl::Time until = now_ + absl::Milliseconds(random_.HeavyTailed(1, 30'000) - 1);
  if (traces_) Trace(absl::StrCat("drain until ", absl::FormatDuration(until - absl::UnixEpoch())));
  ++counts_.drains;
  clock_reads_ = 0;
  expected_->Close();
  const bool all_finished = engine_->Drain(until);
  ORIEL_RETURN_IF_ERROR(violation_);
  if (!engine_->health().ok()) {
    if (all_finished) return Violation("a failed engine says that it has drained");
    return OnEngineFailure(engine_->health());
  }
  // The counters are those of the very last step, so they are compared once, below.
  if (std::exchange(step_was_forwarded_, false)) ORIEL_RETURN_IF_ERROR(expected_->FinishStep());
  if (all_finished) {
    // A last step without tokens may have ended what was unwanted.
    expected_->BeginStep(now_);
    if (!expected_->is_idle()) return Violation("an engine that has drained left requests behind");
  } else {
    if (now_ < until) return Violation("a drain has given up early");
    expected_->EndAll(FinishReason::kCanceled);
  }
  ORIEL_RETURN_IF_ERROR(CheckFinishedStep());
  return CheckEverythingHasEnded();
}

absl::Status Simulation::KillEngine() {
  if (traces_) Trace("kill");
  ++counts_.kills;
  engine_.reset();
  expected_->EndAll(FinishReason::kCanceled);
  for (SimulatedClient& client : clients_) {
    ORIEL_RETURN_IF_ERROR(client.Read(history_));
    if (!client.is_done()) return Violation("a stream has no last event");
  }
  clients_.clear();
  return absl::OkStatus();
}

absl::Status Simulation::OnEngineFailure(const absl::Status& failure) {
  if (!IsInjected(failure)) return failure;
  if (traces_) Trace("the engine has failed");
  ++counts_.device_failures;
  step_was_forwarded_ = false;
  expected_->EndAll(FinishReason::kError);
  ORIEL_RETURN_IF_ERROR(expected_->CheckFailure(engine_->stats()));
  if (engine_->Step().ok()) return Violation("a failed engine steps");
  ORIEL_RETURN_IF_ERROR(CheckEverythingHasEnded());
  return StartEngine();
}

absl::Status Simulation::CheckEverythingHasEnded() {
  ORIEL_RETURN_IF_ERROR(expected_->CheckQueue(engine_->stats()));
  if (engine_->Submit(SmallRequest(++last_id_)).status().code() != absl::StatusCode::kUnavailable) {
    return Violation("an engine that is closed takes a request");
  }
  for (SimulatedClient& client : clients_) {
    ORIEL_RETURN_IF_ERROR(client.Read(history_));
    if (!client.is_done()) {
      return Violation(absl::StrCat("request ", client.id(), " has no last event"));
    }
  }
  return ReadAndForget();
}

void Simulation::Trace(const std::string& what) const {
  std::printf("%s tick %llu: %s\n", absl::FormatDuration(elapsed()).c_str(),
              static_cast<unsigned long long>(tick_), what.c_str());
}

}  // namespace oriel
