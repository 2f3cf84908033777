#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/tokenizer/jinja/access.h"
#include "engine/tokenizer/jinja/arguments.h"
#include "engine/tokenizer/jinja/builder.h"
#include "engine/tokenizer/jinja/format.h"
#include "engine/tokenizer/jinja/format_spec.h"
#include "engine/tokenizer/jinja/methods.h"
#include "engine/tokenizer/jinja/runtime.h"
#include "engine/tokenizer/jinja/splitting.h"
#include "engine/tokenizer/jinja/text.h"
#include "kernels/core/status.h"
#include "unicode/uchar.h"

namespace oriel::jinja {
namespace {

using Result = absl::StatusOr<Value>;

template <std::string (*kConvert)(std::string_view)>
Result Convert(Runtime& runtime, const Value& self, const Arguments& arguments) {
  ORIEL_RETURN_IF_ERROR(BoundArguments::Bind(arguments, {}).status());
  ORIEL_RETURN_IF_ERROR(runtime.budget.Build(2 * self.text().size()));
  return MakeText(runtime.budget, kConvert(self.text()));
}

enum class Sides { kLeft, kRight, kBoth };

template <Sides kSides>
Result StripText(Runtime& runtime, const Value& self, const Arguments& arguments) {
  ORIEL_ASSIGN_OR_RETURN(const auto bound, BoundArguments::Bind(arguments, {"chars"}));
  std::string_view text = self.text();
  if (!bound.has(0) || bound.value(0).is_none()) {
    text = kSides == Sides::kRight ? text : StripLeft(text);
    text = kSides == Sides::kLeft ? text : StripRight(text);
    return MakeText(runtime.budget, std::string(text));
  }
  ORIEL_ASSIGN_OR_RETURN(const std::string characters, bound.Text(0, ""));
  ORIEL_RETURN_IF_ERROR(runtime.budget.Scan(text.size() * (characters.size() + 1)));
  text = kSides == Sides::kRight ? text : StripLeft(text, characters);
  text = kSides == Sides::kLeft ? text : StripRight(text, characters);
  return MakeText(runtime.budget, std::string(text));
}

absl::Status CheckSeparator(std::string_view separator) {
  return separator.empty() ? absl::InvalidArgumentError("empty separator") : absl::OkStatus();
}

Result Split(Runtime& runtime, const Value& self, const Arguments& arguments) {
  ORIEL_ASSIGN_OR_RETURN(const auto bound, BoundArguments::Bind(arguments, {"sep", "maxsplit"}));
  ORIEL_ASSIGN_OR_RETURN(const int64_t cuts_max, bound.Integer(1, -1));
  if (!bound.has(0) || bound.value(0).is_none()) {
    ORIEL_ASSIGN_OR_RETURN(const auto words, SplitSpace(runtime.budget, self.text(), cuts_max));
    return MakeTextList(runtime.budget, words);
  }
  ORIEL_ASSIGN_OR_RETURN(const std::string separator, bound.Text(0, ""));
  ORIEL_RETURN_IF_ERROR(CheckSeparator(separator));
  ORIEL_ASSIGN_OR_RETURN(const auto parts,
                         SplitAt(runtime.budget, self.text(), separator, cuts_max));
  return MakeTextList(runtime.budget, parts);
}

Result SplitFromRight(Runtime& runtime, const Value& self, const Arguments& arguments) {
  ORIEL_ASSIGN_OR_RETURN(const auto bound, BoundArguments::Bind(arguments, {"sep", "maxsplit"}, 1));
  ORIEL_ASSIGN_OR_RETURN(const std::string separator, bound.Text(0, ""));
  ORIEL_ASSIGN_OR_RETURN(const int64_t cuts_max, bound.Integer(1, -1));
  ORIEL_RETURN_IF_ERROR(CheckSeparator(separator));
  ORIEL_ASSIGN_OR_RETURN(const auto parts,
                         SplitAtFromRight(runtime.budget, self.text(), separator, cuts_max));
  return MakeTextList(runtime.budget, parts);
}

Result SplitIntoLines(Runtime& runtime, const Value& self, const Arguments& arguments) {
  ORIEL_ASSIGN_OR_RETURN(const auto bound, BoundArguments::Bind(arguments, {"keepends"}));
  const LineEnds ends = bound.Truth(0, false) ? LineEnds::kKeep : LineEnds::kDrop;
  ORIEL_ASSIGN_OR_RETURN(const auto lines, SplitLines(runtime.budget, self.text(), ends));
  return MakeTextList(runtime.budget, lines);
}

template <bool kFromRight>
Result Partition(Runtime& runtime, const Value& self, const Arguments& arguments) {
  ORIEL_ASSIGN_OR_RETURN(const auto bound, BoundArguments::Bind(arguments, {"sep"}, 1));
  ORIEL_ASSIGN_OR_RETURN(const std::string separator, bound.Text(0, ""));
  ORIEL_RETURN_IF_ERROR(CheckSeparator(separator));
  ORIEL_ASSIGN_OR_RETURN(std::vector<std::string_view> parts,
                         kFromRight ? SplitAtFromRight(runtime.budget, self.text(), separator, 1)
                                    : SplitAt(runtime.budget, self.text(), separator, 1));
  if (parts.size() == 2) {
    parts.insert(parts.begin() + 1, separator);
  } else {
    parts.insert(kFromRight ? parts.begin() : parts.end(), 2, "");
  }
  ORIEL_ASSIGN_OR_RETURN(const Value list, MakeTextList(runtime.budget, parts));
  return MakeSequence(runtime.budget, SequenceKind::kTuple, list.sequence().items);
}

// The part of a text that optional start and end arguments pick out, and where it starts.
struct Window {
  std::string_view text;
  int64_t start = 0;
};

absl::StatusOr<Window> PickWindow(Budget& budget, const Value& self, const BoundArguments& bound) {
  Window window{self.text(), 0};
  if (!bound.has(1) && !bound.has(2)) {
    return window;
  }
  ORIEL_RETURN_IF_ERROR(budget.Scan(self.text().size()));
  const auto length = static_cast<int64_t>(CountCodePoints(self.text()));
  ORIEL_ASSIGN_OR_RETURN(int64_t start, bound.Integer(1, 0));
  ORIEL_ASSIGN_OR_RETURN(int64_t end, bound.Integer(2, length));
  start = std::clamp<int64_t>(start < 0 ? start + length : start, 0, length);
  end = std::clamp<int64_t>(end < 0 ? end + length : end, start, length);
  const size_t from = ByteOffset(window.text, static_cast<size_t>(start));
  window.text = window.text.substr(from);
  window.text = window.text.substr(0, ByteOffset(window.text, static_cast<size_t>(end - start)));
  window.start = start;
  return window;
}

enum class Edge { kStart, kEnd };

template <Edge kEdge>
bool HasEdge(std::string_view text, std::string_view edge) {
  return kEdge == Edge::kStart
             ? text.substr(0, edge.size()) == edge
             : text.size() >= edge.size() && text.substr(text.size() - edge.size()) == edge;
}

template <Edge kEdge>
Result IsAtEdge(Runtime& runtime, const Value& self, const Arguments& arguments) {
  ORIEL_ASSIGN_OR_RETURN(const auto bound,
                         BoundArguments::Bind(arguments, {"prefix", "start", "end"}, 1));
  ORIEL_ASSIGN_OR_RETURN(const Window window, PickWindow(runtime.budget, self, bound));
  std::vector<Value> edges = {bound.value(0)};
  if (edges[0].is_sequence()) {
    ORIEL_ASSIGN_OR_RETURN(edges, Iterate(runtime.budget, bound.value(0)));
  }
  for (const Value& edge : edges) {
    if (!edge.is_text()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "first argument must be str or a tuple of str, not ", ToAbsl(edge.type_name())));
    }
    ORIEL_RETURN_IF_ERROR(runtime.budget.Scan(std::min(edge.text().size(), window.text.size())));
    if (HasEdge<kEdge>(window.text, edge.text())) {
      return Value(true);
    }
  }
  return Value(false);
}

template <Edge kEdge>
Result RemoveEdge(Runtime& runtime, const Value& self, const Arguments& arguments) {
  ORIEL_ASSIGN_OR_RETURN(const auto bound, BoundArguments::Bind(arguments, {"prefix"}, 1));
  ORIEL_ASSIGN_OR_RETURN(const std::string edge, bound.Text(0, ""));
  std::string_view text = self.text();
  if (HasEdge<kEdge>(text, edge)) {
    text = kEdge == Edge::kStart ? text.substr(edge.size())
                                 : text.substr(0, text.size() - edge.size());
  }
  return MakeText(runtime.budget, std::string(text));
}

enum class Missing { kMinusOne, kError };

template <bool kFromRight, Missing kMissing>
Result FindText(Runtime& runtime, const Value& self, const Arguments& arguments) {
  ORIEL_ASSIGN_OR_RETURN(const auto bound,
                         BoundArguments::Bind(arguments, {"sub", "start", "end"}, 1));
  ORIEL_ASSIGN_OR_RETURN(const std::string needle, bound.Text(0, ""));
  ORIEL_ASSIGN_OR_RETURN(const Window window, PickWindow(runtime.budget, self, bound));
  // Searching from the right compares at every place.
  const size_t num_compared = kFromRight ? needle.size() + 1 : 1;
  ORIEL_RETURN_IF_ERROR(runtime.budget.Scan(window.text.size() * num_compared + needle.size()));
  const size_t found = kFromRight ? window.text.rfind(needle) : Find(window.text, needle, 0);
  if (found != std::string_view::npos) {
    return Value(window.start +
                 static_cast<int64_t>(CountCodePoints(window.text.substr(0, found))));
  }
  if (kMissing == Missing::kError) {
    return absl::InvalidArgumentError("substring not found");
  }
  return Value(int64_t{-1});
}

Result CountText(Runtime& runtime, const Value& self, const Arguments& arguments) {
  ORIEL_ASSIGN_OR_RETURN(const auto bound,
                         BoundArguments::Bind(arguments, {"sub", "start", "end"}, 1));
  ORIEL_ASSIGN_OR_RETURN(const std::string needle, bound.Text(0, ""));
  ORIEL_ASSIGN_OR_RETURN(const Window window, PickWindow(runtime.budget, self, bound));
  if (needle.empty()) {
    ORIEL_RETURN_IF_ERROR(runtime.budget.Scan(window.text.size()));
    return Value(static_cast<int64_t>(CountCodePoints(window.text)) + 1);
  }
  ORIEL_ASSIGN_OR_RETURN(const auto parts, SplitAt(runtime.budget, window.text, needle, -1));
  return Value(static_cast<int64_t>(parts.size()) - 1);
}

Result Replace(Runtime& runtime, const Value& self, const Arguments& arguments) {
  ORIEL_ASSIGN_OR_RETURN(const auto bound,
                         BoundArguments::Bind(arguments, {"old", "new", "count"}, 2));
  ORIEL_ASSIGN_OR_RETURN(const std::string from, bound.Text(0, ""));
  ORIEL_ASSIGN_OR_RETURN(const std::string to, bound.Text(1, ""));
  ORIEL_ASSIGN_OR_RETURN(const int64_t count, bound.Integer(2, -1));
  return ReplaceText(runtime.budget, self.text(), from, to, count);
}

Result Join(Runtime& runtime, const Value& self, const Arguments& arguments) {
  ORIEL_ASSIGN_OR_RETURN(const auto bound, BoundArguments::Bind(arguments, {"iterable"}, 1));
  ORIEL_ASSIGN_OR_RETURN(const std::vector<Value> items, Iterate(runtime.budget, bound.value(0)));
  TextBuilder out(runtime.budget);
  for (size_t i = 0; i < items.size(); ++i) {
    if (!items[i].is_text()) {
      return absl::InvalidArgumentError(absl::StrCat("sequence item ", i,
                                                     ": expected str instance, ",
                                                     ToAbsl(items[i].type_name()), " found"));
    }
    ORIEL_RETURN_IF_ERROR(out.Append(i == 0 ? "" : self.text()));
    ORIEL_RETURN_IF_ERROR(out.Append(items[i].text()));
  }
  return out.Finish();
}

Result Format(Runtime& runtime, const Value& self, const Arguments& arguments) {
  return FormatBraces(runtime.budget, self.text(), arguments);
}

template <FormatSpec::Align kAlign>
Result Pad(Runtime& runtime, const Value& self, const Arguments& arguments) {
  ORIEL_ASSIGN_OR_RETURN(const auto bound,
                         BoundArguments::Bind(arguments, {"width", "fillchar"}, 1));
  FormatSpec spec;
  spec.align = kAlign;
  ORIEL_ASSIGN_OR_RETURN(spec.width, bound.Integer(0, 0));
  ORIEL_ASSIGN_OR_RETURN(spec.fill, bound.Text(1, " "));
  spec.width = std::max<int64_t>(spec.width, 0);
  if (CountCodePoints(spec.fill) != 1) {
    return absl::InvalidArgumentError("The fill character must be exactly one character long");
  }
  TextBuilder out(runtime.budget);
  ORIEL_RETURN_IF_ERROR(AppendFormatted(runtime.budget, spec, self, out));
  return out.Finish();
}

// Whether a text is not empty and all its code points pass.
template <bool (*kPasses)(uint32_t)>
Result AllPass(Runtime& runtime, const Value& self, const Arguments&) {
  const std::string& text = self.text();
  ORIEL_RETURN_IF_ERROR(runtime.budget.Scan(text.size()));
  for (size_t position = 0; position < text.size();) {
    if (!kPasses(NextCodePoint(text, position))) {
      return Value(false);
    }
  }
  return Value(!text.empty());
}

bool IsDigit(uint32_t code_point) { return u_isdigit(static_cast<UChar32>(code_point)) != 0; }
bool IsAlpha(uint32_t code_point) { return u_isalpha(static_cast<UChar32>(code_point)) != 0; }
bool IsAlphaOrDigit(uint32_t code_point) { return IsAlpha(code_point) || IsDigit(code_point); }

// Whether a text has cased code points and all of them have the case asked for.
template <UProperty kRefused>
Result HasOneCase(Runtime& runtime, const Value& self, const Arguments&) {
  const std::string& text = self.text();
  ORIEL_RETURN_IF_ERROR(runtime.budget.Scan(text.size()));
  bool cased = false;
  for (size_t position = 0; position < text.size();) {
    const auto code_point = static_cast<UChar32>(NextCodePoint(text, position));
    if (u_hasBinaryProperty(code_point, kRefused) || u_istitle(code_point)) {
      return Value(false);
    }
    cased = cased || u_hasBinaryProperty(code_point, UCHAR_CASED);
  }
  return Value(cased);
}

constexpr NamedFunction kTextMethods[] = {
    {"capitalize", Convert<Capitalize>},
    {"center", Pad<FormatSpec::Align::kCentre>},
    {"count", CountText},
    {"endswith", IsAtEdge<Edge::kEnd>},
    {"find", FindText<false, Missing::kMinusOne>},
    {"format", Format},
    {"index", FindText<false, Missing::kError>},
    {"isalnum", AllPass<IsAlphaOrDigit>},
    {"isalpha", AllPass<IsAlpha>},
    {"isdecimal", AllPass<IsDigit>},
    {"isdigit", AllPass<IsDigit>},
    {"islower", HasOneCase<UCHAR_UPPERCASE>},
    {"isnumeric", AllPass<IsDigit>},
    {"isspace", AllPass<IsSpace>},
    {"isupper", HasOneCase<UCHAR_LOWERCASE>},
    {"join", Join},
    {"ljust", Pad<FormatSpec::Align::kLeft>},
    {"lower", Convert<Lower>},
    {"lstrip", StripText<Sides::kLeft>},
    {"partition", Partition<false>},
    {"removeprefix", RemoveEdge<Edge::kStart>},
    {"removesuffix", RemoveEdge<Edge::kEnd>},
    {"replace", Replace},
    {"rfind", FindText<true, Missing::kMinusOne>},
    {"rindex", FindText<true, Missing::kError>},
    {"rjust", Pad<FormatSpec::Align::kRight>},
    {"rpartition", Partition<true>},
    {"rsplit", SplitFromRight},
    {"rstrip", StripText<Sides::kRight>},
    {"split", Split},
    {"splitlines", SplitIntoLines},
    {"startswith", IsAtEdge<Edge::kStart>},
    {"strip", StripText<Sides::kBoth>},
    {"title", Convert<Title>},
    {"upper", Convert<Upper>},
};

}  // namespace

absl::Span<const NamedFunction> TextMethods() { return kTextMethods; }

}  // namespace oriel::jinja
