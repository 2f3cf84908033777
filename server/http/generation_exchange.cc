#include "server/http/generation_exchange.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "kernels/core/status.h"
#include "server/stream/sse.h"

namespace oriel {
namespace {

// Names that a debug header repeats: a few, and only what a header may hold.
constexpr size_t kNamesMax = 16, kNameBytesMax = 64;

std::string IgnoredNames(const std::vector<std::string>& fields) {
  std::vector<std::string> names;
  for (const std::string& field : fields) {
    const bool plain = std::all_of(field.begin(), field.end(), [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
             c == '_' || c == '-' || c == '.';
    });
    if (names.size() == kNamesMax) break;
    names.push_back(plain && !field.empty() ? field.substr(0, kNameBytesMax) : "?");
  }
  return absl::StrCat(fields.size(), ": ", absl::StrJoin(names, ","));
}

ExchangeOutput ChunkOutput(std::string chunk) {
  return {.kind = ExchangeOutput::Kind::kChunk, .response = {}, .chunk = std::move(chunk)};
}

}  // namespace

GenerationExchange::GenerationExchange(ServingContext& context, ApiKind kind, HttpRequest request)
    : context_(context),
      kind_(kind),
      request_(std::move(request)),
      planning_(std::make_shared<WorkerResult<GenerationPlan>>()) {}

GenerationExchange::~GenerationExchange() {
  planning_->Abandon();
  CancelAll();
}

void GenerationExchange::Start(std::function<void()> wakeup) {
  wakeup_ = std::move(wakeup);
  // The job owns what it reads: this exchange may be gone before it ends.
  start_status_ = planning_->Start(
      context_.workers,
      [&context = context_, kind = kind_, arrival = request_.arrival,
       body = std::exchange(request_.body, {})] {
        return PlanGeneration(context, kind, body, arrival);
      },
      wakeup_);
}

ExchangeOutput GenerationExchange::Poll() {
  switch (phase_) {
    case Phase::kPlanning:
      return PollPlan();
    case Phase::kWhole:
      return PollWhole();
    case Phase::kStreaming:
      return PollStream();
    case Phase::kLastChunk:
      phase_ = Phase::kEnded;
      return {.kind = ExchangeOutput::Kind::kEnd, .response = {}, .chunk = {}};
    case Phase::kEnded:
      break;
  }
  return {};
}

ExchangeOutput GenerationExchange::PollPlan() {
  if (!start_status_.ok()) return Fail(start_status_);
  auto planned = planning_->Take();
  if (!planned) return {};
  if (!planned->ok()) return Fail(planned->status());
  plan_ = **std::move(planned);
  context_.metrics.CountIgnoredFields(plan_.options.ignored_fields.size());
  format_ = MakeFormat();
  if (absl::Status status = Submit(); !status.ok()) return Fail(status);
  if (!plan_.options.stream) {
    phase_ = Phase::kWhole;
    return PollWhole();
  }
  phase_ = Phase::kStreaming;
  AppendFirstChunks(opening_);
  return {.kind = ExchangeOutput::Kind::kStreamHead, .response = Head(), .chunk = {}};
}

absl::Status GenerationExchange::Submit() {
  for (size_t i = 0; i < plan_.prompts.size(); ++i) {
    for (int32_t number = 0; number < plan_.options.n; ++number) {
      ORIEL_RETURN_IF_ERROR(SubmitChoice(i, number));
    }
    context_.metrics.ObserveSubmitted(static_cast<int64_t>(plan_.prompts[i].request.prompt.size()),
                                      plan_.options.n);
  }
  // Not before all are in: a wakeup for the first would only find the others missing.
  for (const RunningChoice& running : choices_) running.choice->stream()->SetWakeup(wakeup_);
  return absl::OkStatus();
}

absl::Status GenerationExchange::SubmitChoice(size_t prompt_index, int32_t number) {
  const PlannedPrompt& prompt = plan_.prompts[prompt_index];
  GenerationRequest request = prompt.request;
  const RequestId id = ++context_.last_request_id;
  request.id = id;
  request.sampling.seed += static_cast<uint64_t>(number);
  ORIEL_ASSIGN_OR_RETURN(std::shared_ptr<TokenStream> stream,
                         context_.engine.Submit(std::move(request)));
  RunningChoice& running = choices_.emplace_back();
  running.prompt_index = prompt_index;
  running.choice = std::make_unique<Choice>(context_.text, MakeChoiceOptions(plan_, prompt), id,
                                            std::move(stream));
  return absl::OkStatus();
}

bool GenerationExchange::Advance(RunningChoice& running, ChoiceDelta& delta) {
  const int64_t before = running.choice->num_generated();
  if (!running.choice->Next(delta)) return false;
  if (running.choice->TakeCancelWish()) context_.engine.Cancel(running.choice->id());
  const absl::Time now = absl::Now();
  if (running.choice->num_generated() > before) {
    if (before == 0) {
      context_.metrics.ObserveFirstToken(now - request_.arrival);
    } else {
      context_.metrics.ObserveNextToken(now - running.last_token);
    }
    running.last_token = now;
  }
  if (delta.finished) CountEnd(running, delta.finish_reason);
  return true;
}

void GenerationExchange::CountEnd(RunningChoice& running, FinishReason reason) {
  if (std::exchange(running.counted, true)) return;
  context_.metrics.ObserveFinished(reason, running.choice->num_generated(),
                                   absl::Now() - request_.arrival);
}

ExchangeOutput GenerationExchange::PollWhole() {
  for (RunningChoice& running : choices_) {
    ChoiceDelta delta;
    while (Advance(running, delta)) {
      if (!delta.error.ok()) return Fail(delta.error);
      running.whole.Append(std::move(delta));
    }
  }
  if (!AllFinished()) return {};
  Json choices = Json::array();
  for (size_t i = 0; i < choices_.size(); ++i) {
    const RunningChoice& running = choices_[i];
    choices.push_back(format_->WholeChoice(static_cast<int32_t>(i), running.whole,
                                           plan_.prompts[running.prompt_index].request.prompt));
  }
  HttpResponse response = Head();
  response.body = DumpJson(format_->WholeAnswer(std::move(choices), TotalUsage()));
  return Respond(std::move(response));
}

ExchangeOutput GenerationExchange::PollStream() {
  std::string chunk = std::exchange(opening_, {});
  const auto room = static_cast<size_t>(context_.config.http.chunk_bytes_max);
  for (size_t turn = 0; turn < choices_.size() && chunk.size() < room; ++turn) {
    const size_t index = next_choice_;
    next_choice_ = (next_choice_ + 1) % choices_.size();
    ChoiceDelta delta;
    while (chunk.size() < room && Advance(choices_[index], delta)) {
      if (!delta.error.ok()) {
        AppendStreamError(delta.error, chunk);
        return ChunkOutput(std::move(chunk));
      }
      AppendChunk(index, delta, chunk);
    }
  }
  if (AllFinished()) AppendStreamEnd(chunk);
  if (chunk.empty()) return {};
  return ChunkOutput(std::move(chunk));
}

void GenerationExchange::AppendFirstChunks(std::string& out) const {
  for (size_t i = 0; i < choices_.size(); ++i) {
    const auto first = format_->FirstChunk(static_cast<int32_t>(i));
    if (first) AppendSseEvent(DumpJson(*first), out);
  }
}

void GenerationExchange::AppendChunk(size_t index, const ChoiceDelta& delta, std::string& out) {
  RunningChoice& running = choices_[index];
  const std::vector<TokenId>& prompt = plan_.prompts[running.prompt_index].request.prompt;
  const bool with_ids = plan_.options.return_token_ids && !std::exchange(running.ids_sent, true);
  Json chunk = format_->Chunk(static_cast<int32_t>(index), delta, with_ids ? &prompt : nullptr);
  if (plan_.options.continuous_usage_stats) {
    chunk["usage"] = UsageJson({.prompt_tokens = static_cast<int64_t>(prompt.size()),
                                .generated_tokens = running.choice->num_generated()});
  }
  AppendSseEvent(DumpJson(chunk), out);
}

void GenerationExchange::AppendStreamEnd(std::string& out) {
  if (plan_.options.include_usage) {
    AppendSseEvent(DumpJson(format_->UsageChunk(TotalUsage())), out);
  }
  out += kSseDone;
  phase_ = Phase::kLastChunk;
}

void GenerationExchange::AppendStreamError(const absl::Status& status, std::string& out) {
  AppendSseEvent(ErrorBody(MapError(status)), out);
  out += kSseDone;
  phase_ = Phase::kLastChunk;
  CancelAll();
}

ExchangeOutput GenerationExchange::Fail(const absl::Status& status) {
  CancelAll();
  return Respond(ErrorResponse(MapError(status)));
}

ExchangeOutput GenerationExchange::Respond(HttpResponse response) {
  phase_ = Phase::kEnded;
  return {.kind = ExchangeOutput::Kind::kResponse, .response = std::move(response), .chunk = {}};
}

void GenerationExchange::CancelAll() {
  for (RunningChoice& running : choices_) {
    if (running.choice->finished()) continue;
    context_.engine.Cancel(running.choice->id());
    CountEnd(running, FinishReason::kCanceled);
  }
}

std::unique_ptr<AnswerFormat> GenerationExchange::MakeFormat() const {
  AnswerHeader header{.request_id = request_.request_id,
                      .created_unix_s = absl::ToUnixSeconds(request_.arrival),
                      .model = context_.model_name,
                      .return_token_ids = plan_.options.return_token_ids,
                      .return_tokens_as_token_ids = plan_.options.return_tokens_as_token_ids,
                      .logprobs = plan_.options.num_logprobs.has_value()};
  switch (kind_) {
    case ApiKind::kCompletion:
      return MakeCompletionFormat(std::move(header));
    case ApiKind::kChat:
      return MakeChatFormat(std::move(header));
  }
  return nullptr;
}

HttpResponse GenerationExchange::Head() const {
  HttpResponse head;
  if (plan_.options.stream) {
    head.content_type = std::string(kSseContentType);
    head.headers.emplace_back("cache-control", "no-cache");
    head.headers.emplace_back("x-accel-buffering", "no");
  }
  if (!plan_.options.ignored_fields.empty()) {
    head.headers.emplace_back("x-oriel-ignored-fields", IgnoredNames(plan_.options.ignored_fields));
  }
  return head;
}

bool GenerationExchange::AllFinished() const {
  return std::all_of(choices_.begin(), choices_.end(),
                     [](const RunningChoice& running) { return running.choice->finished(); });
}

// A prompt counts once, however many answers it has.
Usage GenerationExchange::TotalUsage() const {
  Usage usage;
  for (const PlannedPrompt& prompt : plan_.prompts) {
    usage.prompt_tokens += static_cast<int64_t>(prompt.request.prompt.size());
  }
  for (const RunningChoice& running : choices_) {
    usage.generated_tokens += running.choice->num_generated();
  }
  return usage;
}

}  // namespace oriel
