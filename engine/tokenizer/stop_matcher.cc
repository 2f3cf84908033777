#include "engine/tokenizer/stop_matcher.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "kernels/core/check.h"

namespace oriel {
namespace {

std::vector<size_t> BordersOf(std::string_view text) {
  std::vector<size_t> border(text.size() + 1, 0);
  size_t length = 0;
  for (size_t i = 1; i < text.size(); ++i) {
    while (length > 0 && text[i] != text[length]) length = border[length];
    if (text[i] == text[length]) ++length;
    border[i + 1] = length;
  }
  return border;
}

}  // namespace

absl::StatusOr<StopMatcher> StopMatcher::Make(std::span<const std::string> stops,
                                              StopText stop_text) {
  StopMatcher matcher(stop_text);
  for (const std::string& text : stops) {
    if (text.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("stop string ", matcher.stops_.size(), " is empty"));
    }
    matcher.stops_.push_back({.text = text, .border = BordersOf(text), .matched = 0});
  }
  return matcher;
}

void StopMatcher::Stop::Advance(char byte) {
  while (matched > 0 && text[matched] != byte) matched = border[matched];
  if (text[matched] == byte) ++matched;
}

const StopMatcher::Stop* StopMatcher::LongestComplete() const {
  const Stop* longest = nullptr;
  for (const Stop& stop : stops_) {
    if (!stop.IsComplete()) continue;
    if (longest == nullptr || stop.text.size() > longest->text.size()) longest = &stop;
  }
  return longest;
}

StopMatcher::Output StopMatcher::Append(std::string_view delta) {
  ORIEL_CHECK(!stopped_);
  for (char byte : delta) {
    held_.push_back(byte);
    for (Stop& stop : stops_) stop.Advance(byte);
    const Stop* complete = LongestComplete();
    if (complete == nullptr) continue;
    stopped_ = true;
    Output output = Release(stop_text_ == StopText::kExclude ? complete->text.size() : 0);
    output.stopped = true;
    output.stop_index = static_cast<size_t>(complete - stops_.data());
    return output;
  }
  size_t bytes_kept = 0;
  for (const Stop& stop : stops_) bytes_kept = std::max(bytes_kept, stop.matched);
  return Release(bytes_kept);
}

StopMatcher::Output StopMatcher::Finish() { return Release(0); }

// Gives out all but the last bytes of what is held.
StopMatcher::Output StopMatcher::Release(size_t bytes_kept) {
  ORIEL_CHECK(bytes_kept <= held_.size());
  Output output;
  output.text = held_.substr(0, held_.size() - bytes_kept);
  held_.erase(0, output.text.size());
  released_bytes_ += output.text.size();
  output.end_bytes = released_bytes_;
  return output;
}

}  // namespace oriel
