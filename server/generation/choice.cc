#include "server/generation/choice.h"

#include <algorithm>
#include <iterator>

#include "kernels/core/check.h"
#include "kernels/core/status.h"

namespace oriel {
int64_t NumCharacters(std::string_view text) {
  return std::count_if(text.begin(), text.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
}

namespace {

// Empty stop strings were refused with the request.
StopMatcher MakeStopMatcher(const ChoiceOptions& options) {
  auto matcher =
      StopMatcher::Make(options.stop, options.include_stop ? StopMatcher::StopText::kInclude
                                                           : StopMatcher::StopText::kExclude);
  ORIEL_CHECK(matcher.ok());
  return *std::move(matcher);
}

absl::Status EndError(const TokenEvent& event) {
  switch (event.finish_reason) {
    case FinishReason::kNone:
    case FinishReason::kStop:
    case FinishReason::kLength:
      return absl::OkStatus();
    case FinishReason::kCanceled:
      return absl::CancelledError("the server is shutting down");
    case FinishReason::kDeadline:
      return absl::DeadlineExceededError("the request took longer than it may");
    case FinishReason::kError:
      return event.status.ok() ? absl::InternalError("the request failed") : event.status;
  }
  return absl::OkStatus();
}

}  // namespace

void ChoiceDelta::Append(ChoiceDelta later) {
  text += later.text;
  std::move(later.tokens.begin(), later.tokens.end(), std::back_inserter(tokens));
  token_ids.insert(token_ids.end(), later.token_ids.begin(), later.token_ids.end());
  finished = later.finished;
  finish_reason = later.finish_reason;
  stop_reason = std::move(later.stop_reason);
  error = std::move(later.error);
}

Choice::Choice(const TextModel& text, ChoiceOptions options, RequestId id,
               std::shared_ptr<TokenStream> stream)
    : text_model_(text),
      options_(std::move(options)),
      id_(id),
      stream_(std::move(stream)),
      text_stream_(text.MakeTextStream(options_.skip_special_tokens)),
      prompt_stream_(text.MakeTextStream(SkipSpecialTokens::kNo)),
      stop_matcher_(MakeStopMatcher(options_)) {
  pending_.text = options_.echo_text;
  characters_ = NumCharacters(options_.echo_text);
  prompt_characters_ = -options_.unseen_characters;
}

const TokenEvent* Choice::NextEvent() {
  if (next_event_ == events_.size()) {
    events_.clear();
    next_event_ = 0;
    if (!stream_->Drain(events_)) return nullptr;
  }
  return &events_[next_event_++];
}

bool Choice::Next(ChoiceDelta& delta) {
  while (!finished_) {
    const TokenEvent* event = NextEvent();
    if (event == nullptr) return false;
    bool visible = false;
    switch (event->kind) {
      case TokenEvent::Kind::kPromptToken:
        TakePromptToken(*event);
        break;
      case TokenEvent::Kind::kToken:
        TakeToken(*event);
        visible = options_.want_every_token || !pending_.text.empty() || finished_;
        break;
      case TokenEvent::Kind::kFinished:
        TakeEnd(*event);
        visible = true;
        break;
    }
    if (!visible) continue;
    delta = std::exchange(pending_, {});
    return true;
  }
  return false;
}

void Choice::TakePromptToken(const TokenEvent& event) {
  if (options_.want_logprobs) AddListedToken(event, std::max<int64_t>(0, prompt_characters_));
  prompt_characters_ += NumCharacters(prompt_stream_->Append(event.token));
}

void Choice::TakeToken(const TokenEvent& event) {
  ++num_generated_;
  pending_.token_ids.push_back(event.token);
  if (options_.want_logprobs) AddListedToken(event, characters_);
  const auto& stops = options_.stop_token_ids;
  const bool hidden =
      !options_.include_stop && std::find(stops.begin(), stops.end(), event.token) != stops.end();
  if (!hidden) AddText(text_stream_->Append(event.token));
}

void Choice::TakeEnd(const TokenEvent& event) {
  AddText(text_stream_->Finish());
  // The last bytes may have completed a stop string.
  if (finished_) return;
  pending_.text += stop_matcher_.Finish().text;
  if (event.finish_reason == FinishReason::kStop && event.stop_token != kNoToken) {
    const auto& stops = options_.stop_token_ids;
    const bool of_client = std::find(stops.begin(), stops.end(), event.stop_token) != stops.end();
    if (of_client) pending_.stop_reason = event.stop_token;
  }
  pending_.error = EndError(event);
  Finish(event.finish_reason);
}

void Choice::AddListedToken(const TokenEvent& event, int64_t text_offset) {
  ChoiceToken listed{.token = event.token,
                     .bytes = text_model_.TokenBytes(event.token),
                     .logprob = event.logprob,
                     .text_offset = text_offset};
  for (const TokenLogprob& candidate : event.top_logprobs) {
    listed.top.emplace_back(candidate, text_model_.TokenBytes(candidate.token));
  }
  pending_.tokens.push_back(std::move(listed));
}

void Choice::AddText(std::string_view text) {
  characters_ += NumCharacters(text);
  StopMatcher::Output output = stop_matcher_.Append(text);
  pending_.text += output.text;
  if (!output.stopped) return;
  pending_.stop_reason = options_.stop[output.stop_index];
  cancel_wanted_ = true;
  Finish(FinishReason::kStop);
}

void Choice::Finish(FinishReason reason) {
  finished_ = true;
  finish_reason_ = reason;
  pending_.finished = true;
  pending_.finish_reason = reason;
}

}  // namespace oriel
