#include "server/http/generation_exchange.h"

#include <utility>

#include "kernels/core/status.h"
#include "server/http/ignored_fields.h"
#include "server/http/openai_api.h"
#include "server/stream/sse.h"

namespace oriel {
namespace {

ExchangeOutput ChunkOutput(std::string chunk) {
  return {.kind = ExchangeOutput::Kind::kChunk, .response = {}, .chunk = std::move(chunk)};
}

}  // namespace

GenerationExchange::GenerationExchange(ServingContext& context, ApiKind kind, HttpRequest request)
    : context_(context),
      kind_(kind),
      request_(std::move(request)),
      planning_(std::make_shared<WorkerResult<GenerationPlan>>()) {}

void GenerationExchange::Start(std::function<void()> wakeup) {
  wakeup_ = std::move(wakeup);
  // The job owns what it reads: this exchange may be gone before it ends.
  start_status_ = planning_->Start(
      context_.workers,
      [&context = context_, kind = kind_, arrival = request_.arrival,
       body = std::exchange(request_.body, {}),
       hold = std::move(request_.body_hold)] { return PlanBody(context, kind, body, arrival); },
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
  generation_ =
      std::make_unique<RunningGeneration>(context_, **std::move(planned), request_.arrival);
  context_.metrics.CountIgnoredFields(options().ignored_fields.size());
  format_ = MakeFormat();
  if (absl::Status status = generation_->Submit(wakeup_); !status.ok()) return Fail(status);
  shown_.resize(generation_->num_choices());
  if (!options().stream) {
    phase_ = Phase::kWhole;
    return PollWhole();
  }
  phase_ = Phase::kStreaming;
  AppendFirstChunks(opening_);
  return {.kind = ExchangeOutput::Kind::kStreamHead, .response = Head(), .chunk = {}};
}

ExchangeOutput GenerationExchange::PollWhole() {
  for (size_t i = 0; i < shown_.size(); ++i) {
    ChoiceDelta delta;
    while (generation_->Next(i, delta)) {
      if (!delta.error.ok()) return Fail(delta.error);
      shown_[i].whole.Append(std::move(delta));
    }
  }
  if (!generation_->all_finished()) return {};
  Json choices = Json::array();
  for (size_t i = 0; i < shown_.size(); ++i) {
    choices.push_back(format_->WholeChoice(static_cast<int32_t>(i), shown_[i].whole,
                                           generation_->prompt_of(i).request.prompt));
  }
  HttpResponse response = Head();
  response.body = DumpJson(format_->WholeAnswer(std::move(choices), generation_->total_usage()));
  return Respond(std::move(response));
}

ExchangeOutput GenerationExchange::PollStream() {
  std::string chunk = std::exchange(opening_, {});
  const auto room = static_cast<size_t>(context_.config.http.chunk_bytes_max);
  for (size_t turn = 0; turn < shown_.size() && chunk.size() < room; ++turn) {
    const size_t index = next_choice_;
    next_choice_ = (next_choice_ + 1) % shown_.size();
    ChoiceDelta delta;
    while (chunk.size() < room && generation_->Next(index, delta)) {
      if (!delta.error.ok()) {
        AppendStreamError(delta.error, chunk);
        return ChunkOutput(std::move(chunk));
      }
      AppendChunk(index, delta, chunk);
    }
  }
  if (generation_->all_finished()) AppendStreamEnd(chunk);
  if (chunk.empty()) return {};
  return ChunkOutput(std::move(chunk));
}

void GenerationExchange::AppendFirstChunks(std::string& out) const {
  for (size_t i = 0; i < shown_.size(); ++i) {
    const auto first = format_->FirstChunk(static_cast<int32_t>(i));
    if (first) AppendSseEvent(DumpJson(*first), out);
  }
}

void GenerationExchange::AppendChunk(size_t index, const ChoiceDelta& delta, std::string& out) {
  const std::vector<TokenId>& prompt = generation_->prompt_of(index).request.prompt;
  const bool with_ids = options().return_token_ids && !std::exchange(shown_[index].ids_sent, true);
  Json chunk = format_->Chunk(static_cast<int32_t>(index), delta, with_ids ? &prompt : nullptr);
  if (options().continuous_usage_stats) {
    chunk["usage"] = UsageJson({.prompt_tokens = static_cast<int64_t>(prompt.size()),
                                .generated_tokens = generation_->num_generated(index)});
  }
  AppendSseEvent(DumpJson(chunk), out);
}

void GenerationExchange::AppendStreamEnd(std::string& out) {
  if (options().include_usage) {
    AppendSseEvent(DumpJson(format_->UsageChunk(generation_->total_usage())), out);
  }
  out += kSseDone;
  phase_ = Phase::kLastChunk;
}

void GenerationExchange::AppendStreamError(const absl::Status& status, std::string& out) {
  AppendSseEvent(ErrorBody(MapError(status)), out);
  out += kSseDone;
  phase_ = Phase::kLastChunk;
  generation_->Cancel();
}

ExchangeOutput GenerationExchange::Fail(const absl::Status& status) {
  if (generation_ != nullptr) generation_->Cancel();
  return Respond(ErrorResponse(MapError(status)));
}

ExchangeOutput GenerationExchange::Respond(HttpResponse response) {
  phase_ = Phase::kEnded;
  return {.kind = ExchangeOutput::Kind::kResponse, .response = std::move(response), .chunk = {}};
}

std::unique_ptr<AnswerFormat> GenerationExchange::MakeFormat() const {
  AnswerHeader header{.request_id = request_.request_id,
                      .created_unix_s = absl::ToUnixSeconds(request_.arrival),
                      .model = context_.model_name,
                      .return_token_ids = options().return_token_ids,
                      .return_tokens_as_token_ids = options().return_tokens_as_token_ids,
                      .logprobs = options().num_logprobs.has_value()};
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
  if (options().stream) {
    head.content_type = std::string(kSseContentType);
    head.headers.emplace_back("cache-control", "no-cache");
    head.headers.emplace_back("x-accel-buffering", "no");
  }
  AddIgnoredFieldsHeader(options().ignored_fields, head);
  return head;
}

}  // namespace oriel
