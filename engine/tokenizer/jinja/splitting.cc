#include "engine/tokenizer/jinja/splitting.h"

#include <algorithm>

#include "engine/tokenizer/jinja/text.h"
#include "kernels/core/status.h"

namespace oriel::jinja {
namespace {

bool IsLineEnd(uint32_t code_point) {
  return (code_point >= 0x0A && code_point <= 0x0D) || (code_point >= 0x1C && code_point <= 0x1E) ||
         code_point == 0x85 || code_point == 0x2028 || code_point == 0x2029;
}

// Collects parts and pays for them.
class PartList {
 public:
  explicit PartList(Budget& budget) : budget_(budget) {}

  absl::Status Add(std::string_view part) {
    // A growing vector holds its parts twice for a moment.
    ORIEL_RETURN_IF_ERROR(budget_.Build(2 * sizeof(part)));
    parts_.push_back(part);
    return absl::OkStatus();
  }

  int64_t size() const { return static_cast<int64_t>(parts_.size()); }
  std::vector<std::string_view>& parts() { return parts_; }

 private:
  Budget& budget_;
  std::vector<std::string_view> parts_;
};

}  // namespace

Parts SplitSpace(Budget& budget, std::string_view text, int64_t cuts_max) {
  ORIEL_RETURN_IF_ERROR(budget.Scan(text.size()));
  PartList list(budget);
  text = StripLeft(text);
  while (!text.empty()) {
    if (list.size() == cuts_max) {
      // What is left after the last cut keeps its inner spaces, and its trailing ones too.
      ORIEL_RETURN_IF_ERROR(list.Add(text));
      break;
    }
    size_t end = 0;
    for (size_t position = 0; position < text.size() && !IsSpace(NextCodePoint(text, position));) {
      end = position;
    }
    ORIEL_RETURN_IF_ERROR(list.Add(text.substr(0, end)));
    text = StripLeft(text.substr(end));
  }
  return std::move(list.parts());
}

Parts SplitLines(Budget& budget, std::string_view text, LineEnds ends) {
  ORIEL_RETURN_IF_ERROR(budget.Scan(text.size()));
  PartList list(budget);
  size_t line_start = 0;
  for (size_t position = 0; position < text.size();) {
    const size_t line_end = position;
    const uint32_t code_point = NextCodePoint(text, position);
    if (!IsLineEnd(code_point)) {
      continue;
    }
    if (code_point == '\r' && position < text.size() && text[position] == '\n') {
      ++position;
    }
    const size_t part_end = ends == LineEnds::kKeep ? position : line_end;
    ORIEL_RETURN_IF_ERROR(list.Add(text.substr(line_start, part_end - line_start)));
    line_start = position;
  }
  if (line_start < text.size()) {
    ORIEL_RETURN_IF_ERROR(list.Add(text.substr(line_start)));
  }
  return std::move(list.parts());
}

Parts SplitAt(Budget& budget, std::string_view text, std::string_view separator, int64_t cuts_max) {
  ORIEL_RETURN_IF_ERROR(budget.Scan(text.size()));
  PartList list(budget);
  size_t start = 0;
  while (list.size() != cuts_max) {
    const size_t cut = Find(text, separator, start);
    if (cut == std::string_view::npos) {
      break;
    }
    ORIEL_RETURN_IF_ERROR(list.Add(text.substr(start, cut - start)));
    start = cut + separator.size();
  }
  ORIEL_RETURN_IF_ERROR(list.Add(text.substr(start)));
  return std::move(list.parts());
}

Parts SplitAtFromRight(Budget& budget, std::string_view text, std::string_view separator,
                       int64_t cuts_max) {
  // Searching from the right compares at every place.
  ORIEL_RETURN_IF_ERROR(budget.Scan(text.size() * (separator.size() + 1)));
  PartList list(budget);
  while (list.size() != cuts_max) {
    const size_t cut = text.rfind(separator);
    if (cut == std::string_view::npos) {
      break;
    }
    ORIEL_RETURN_IF_ERROR(list.Add(text.substr(cut + separator.size())));
    text = text.substr(0, cut);
  }
  ORIEL_RETURN_IF_ERROR(list.Add(text));
  std::reverse(list.parts().begin(), list.parts().end());
  return std::move(list.parts());
}

}  // namespace oriel::jinja
