#ifndef ORIEL_ENGINE_TOKENIZER_STOP_MATCHER_H_
#define ORIEL_ENGINE_TOKENIZER_STOP_MATCHER_H_

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace oriel {

// Ends a stream of text at the first of several stop strings.
//
// The stop string that is complete first counts; of those complete with the same byte, the longest.
// How the text is cut into deltas makes no difference. Text that could be the start of a stop
// string is kept back until it is certain: never more than the longest stop string less one byte.
//
// Each string advances by Knuth, Morris and Pratt's automaton: one step a byte and string, without
// going back.
//
// Lifecycle   one a generation. After a stop nothing may be appended.
// Threads     one at a time.
// Limits      a stop string must not be empty; how many and how long they may be is the caller's to
//             limit.
class StopMatcher {
 public:
  enum class StopText { kExclude, kInclude };

  // Errors: InvalidArgument if a stop string is empty, with its place.
  static absl::StatusOr<StopMatcher> Make(std::span<const std::string> stops, StopText stop_text);

  struct Output {
    std::string text;  // what can be shown now, cut at the stop
    bool stopped = false;
    size_t stop_index = 0;  // which stop string, if stopped
    // Bytes shown since the start: where the whole text is to be cut, if stopped.
    size_t end_bytes = 0;
  };
  Output Append(std::string_view delta);
  // The stream ended without a stop: the text that was kept back.
  Output Finish();

 private:
  struct Stop {
    std::string text;
    // border[n]: longest proper start of text[0, n) that is also its end.
    std::vector<size_t> border;
    size_t matched = 0;  // bytes of `text` that the stream's end agrees with

    void Advance(char byte);
    bool IsComplete() const { return matched == text.size(); }
  };

  explicit StopMatcher(StopText stop_text) : stop_text_(stop_text) {}
  const Stop* LongestComplete() const;
  Output Release(size_t bytes_kept);

  StopText stop_text_;
  std::vector<Stop> stops_;
  std::string held_;
  size_t released_bytes_ = 0;
  bool stopped_ = false;
};

}  // namespace oriel

#endif  // ORIEL_ENGINE_TOKENIZER_STOP_MATCHER_H_
