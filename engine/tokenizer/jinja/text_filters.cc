#include <algorithm>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "engine/tokenizer/jinja/access.h"
#include "engine/tokenizer/jinja/arguments.h"
#include "engine/tokenizer/jinja/builder.h"
#include "engine/tokenizer/jinja/comparison.h"
#include "engine/tokenizer/jinja/filters.h"
#include "engine/tokenizer/jinja/format.h"
#include "engine/tokenizer/jinja/json.h"
#include "engine/tokenizer/jinja/methods.h"
#include "engine/tokenizer/jinja/printing.h"
#include "engine/tokenizer/jinja/runtime.h"
#include "engine/tokenizer/jinja/splitting.h"
#include "engine/tokenizer/jinja/text.h"
#include "kernels/core/status.h"

namespace oriel::jinja {
namespace {

using Result = absl::StatusOr<Value>;

// Filters on text print their input first, so that 3|upper and undefined|trim work.
Result AsText(Runtime& runtime, const Value& value) {
  if (value.is_text()) {
    return value;
  }
  ORIEL_ASSIGN_OR_RETURN(std::string text, Print(runtime.budget, value));
  return Value::Text(std::move(text));
}

// The str method of the filter's name, applied to the printed input.
template <const char* kMethod>
Result CallTextMethod(Runtime& runtime, const Value& self, const Arguments& arguments) {
  ORIEL_ASSIGN_OR_RETURN(const Value text, AsText(runtime, self));
  return FindFunction(TextMethods(), kMethod)->body(runtime, text, arguments);
}

constexpr char kCapitalize[] = "capitalize";
constexpr char kLower[] = "lower";
constexpr char kStrip[] = "strip";
constexpr char kUpper[] = "upper";

Result String(Runtime& runtime, const Value& self, const Arguments&) {
  return AsText(runtime, self);
}

Result Safe(Runtime&, const Value& self, const Arguments&) { return self; }

// Unlike str.title, an apostrophe does not start a word.
Result TitleWords(Runtime& runtime, const Value& self, const Arguments&) {
  constexpr std::string_view kWordStarters = "-({[<";
  ORIEL_ASSIGN_OR_RETURN(const Value value, AsText(runtime, self));
  const std::string& text = value.text();
  ORIEL_RETURN_IF_ERROR(runtime.budget.Build(2 * text.size()));
  TextBuilder out(runtime.budget);
  size_t word_start = 0;
  for (size_t position = 0; position < text.size();) {
    const uint32_t code_point = NextCodePoint(text, position);
    const bool starts_word =
        IsSpace(code_point) ||
        (code_point < 0x80 &&
         kWordStarters.find(static_cast<char>(code_point)) != std::string_view::npos);
    if (starts_word || position == text.size()) {
      const std::string_view word =
          std::string_view(text).substr(word_start, position - word_start);
      const size_t first_bytes = ByteOffset(word, 1);
      ORIEL_RETURN_IF_ERROR(out.Append(Upper(word.substr(0, first_bytes))));
      ORIEL_RETURN_IF_ERROR(out.Append(Lower(word.substr(first_bytes))));
      word_start = position;
    }
  }
  return out.Finish();
}

Result ReplaceFilter(Runtime& runtime, const Value& self, const Arguments& arguments) {
  ORIEL_ASSIGN_OR_RETURN(const auto bound,
                         BoundArguments::Bind(arguments, {"old", "new", "count"}, 2));
  ORIEL_ASSIGN_OR_RETURN(const Value text, AsText(runtime, self));
  ORIEL_ASSIGN_OR_RETURN(const Value from, AsText(runtime, bound.value(0)));
  ORIEL_ASSIGN_OR_RETURN(const Value to, AsText(runtime, bound.value(1)));
  int64_t count = -1;
  if (bound.has(2) && !bound.value(2).is_none()) {
    ORIEL_ASSIGN_OR_RETURN(count, bound.Integer(2, -1));
  }
  return ReplaceText(runtime.budget, text.text(), from.text(), to.text(), count);
}

Result FormatFilter(Runtime& runtime, const Value& self, const Arguments& arguments) {
  ORIEL_ASSIGN_OR_RETURN(const Value text, AsText(runtime, self));
  if (!arguments.named.empty()) {
    DictBuilder values(runtime.budget);
    for (const auto& [name, value] : arguments.named) {
      ORIEL_RETURN_IF_ERROR(values.Set(Value::Text(name), value));
    }
    return FormatPercent(runtime.budget, text.text(), values.Finish());
  }
  ORIEL_ASSIGN_OR_RETURN(const Value values,
                         MakeSequence(runtime.budget, SequenceKind::kTuple, arguments.positional));
  return FormatPercent(runtime.budget, text.text(), values);
}

// What one level is indented by: a count of spaces, or the text itself.
absl::StatusOr<std::string> IndentText(const BoundArguments& bound, size_t parameter,
                                       int64_t otherwise) {
  constexpr int64_t kIndentMax = 1000;
  if (bound.has(parameter) && bound.value(parameter).is_text()) {
    return bound.value(parameter).text();
  }
  ORIEL_ASSIGN_OR_RETURN(const int64_t spaces, bound.Integer(parameter, otherwise));
  if (spaces > kIndentMax) {
    return absl::InvalidArgumentError(absl::StrCat("an indent is above ", kIndentMax, " spaces"));
  }
  return std::string(static_cast<size_t>(std::max<int64_t>(spaces, 0)), ' ');
}

Result Indent(Runtime& runtime, const Value& self, const Arguments& arguments) {
  ORIEL_ASSIGN_OR_RETURN(const auto bound,
                         BoundArguments::Bind(arguments, {"width", "first", "blank"}));
  ORIEL_ASSIGN_OR_RETURN(const std::string indent, IndentText(bound, 0, 4));
  ORIEL_ASSIGN_OR_RETURN(const Value value, AsText(runtime, self));
  ORIEL_RETURN_IF_ERROR(runtime.budget.Build(value.text().size()));
  const bool blank = bound.Truth(2, false);
  // The added line end keeps a line end at the end of the text, which splitting would drop.
  const std::string text = value.text() + "\n";
  ORIEL_ASSIGN_OR_RETURN(const auto lines, SplitLines(runtime.budget, text, LineEnds::kDrop));
  TextBuilder out(runtime.budget);
  ORIEL_RETURN_IF_ERROR(out.Append(bound.Truth(1, false) ? indent : ""));
  for (size_t i = 0; i < lines.size(); ++i) {
    ORIEL_RETURN_IF_ERROR(out.Append(i == 0 ? "" : "\n"));
    ORIEL_RETURN_IF_ERROR(out.Append(i > 0 && (blank || !lines[i].empty()) ? indent : ""));
    ORIEL_RETURN_IF_ERROR(out.Append(lines[i]));
  }
  return out.Finish();
}

Result Escape(Runtime& runtime, const Value& self, const Arguments&) {
  ORIEL_ASSIGN_OR_RETURN(const Value value, AsText(runtime, self));
  constexpr std::string_view kSpecial = "&<>'\"";
  constexpr std::string_view kEscapes[] = {"&amp;", "&lt;", "&gt;", "&#39;", "&#34;"};
  const std::string& text = value.text();
  TextBuilder out(runtime.budget);
  size_t start = 0;
  while (start < text.size()) {
    const size_t end = std::min(text.find_first_of("&<>'\"", start), text.size());
    ORIEL_RETURN_IF_ERROR(out.Append(std::string_view(text).substr(start, end - start)));
    if (end < text.size()) {
      ORIEL_RETURN_IF_ERROR(out.Append(kEscapes[kSpecial.find(text[end])]));
    }
    start = end + 1;
  }
  return out.Finish();
}

Result WordCount(Runtime& runtime, const Value& self, const Arguments&) {
  ORIEL_ASSIGN_OR_RETURN(const Value value, AsText(runtime, self));
  ORIEL_ASSIGN_OR_RETURN(const auto words, SplitSpace(runtime.budget, value.text(), -1));
  return Value(static_cast<int64_t>(words.size()));
}

Result Centre(Runtime& runtime, const Value& self, const Arguments& arguments) {
  constexpr int64_t kWidth = 80;
  ORIEL_ASSIGN_OR_RETURN(const auto bound, BoundArguments::Bind(arguments, {"width"}));
  ORIEL_ASSIGN_OR_RETURN(const int64_t width, bound.Integer(0, kWidth));
  ORIEL_ASSIGN_OR_RETURN(const Value text, AsText(runtime, self));
  return FindFunction(TextMethods(), "center")->body(runtime, text, Arguments{{Value(width)}, {}});
}

absl::Status ReadSeparators(const Value& separators, JsonStyle& style) {
  if (!separators.is_sequence() || separators.sequence().items.size() != 2 ||
      !separators.sequence().items[0].is_text() || !separators.sequence().items[1].is_text()) {
    return absl::InvalidArgumentError("tojson separators are two texts");
  }
  style.item_separator = separators.sequence().items[0].text();
  style.key_separator = separators.sequence().items[1].text();
  return absl::OkStatus();
}

Result ToJson(Runtime& runtime, const Value& self, const Arguments& arguments) {
  ORIEL_ASSIGN_OR_RETURN(
      const auto bound,
      BoundArguments::Bind(arguments, {"ensure_ascii", "indent", "separators", "sort_keys"}));
  JsonStyle style;
  style.ascii_only = bound.Truth(0, false);
  style.sort_keys = bound.Truth(3, false);
  if (bound.has(1) && !bound.value(1).is_none()) {
    ORIEL_ASSIGN_OR_RETURN(style.indent, IndentText(bound, 1, 0));
    style.item_separator.assign(1, ',');
  }
  if (bound.has(2) && !bound.value(2).is_none()) {
    ORIEL_RETURN_IF_ERROR(ReadSeparators(bound.value(2), style));
  }
  TextBuilder out(runtime.budget);
  ORIEL_RETURN_IF_ERROR(AppendJson(runtime.budget, self, style, out));
  return out.Finish();
}

constexpr NamedFunction kTextFilters[] = {
    {"capitalize", CallTextMethod<kCapitalize>},
    {"center", Centre},
    {"e", Escape},
    {"escape", Escape},
    {"format", FormatFilter},
    {"indent", Indent},
    {"lower", CallTextMethod<kLower>},
    {"replace", ReplaceFilter},
    {"safe", Safe},
    {"string", String},
    {"title", TitleWords},
    {"tojson", ToJson},
    {"trim", CallTextMethod<kStrip>},
    {"upper", CallTextMethod<kUpper>},
    {"wordcount", WordCount},
};

}  // namespace

absl::Span<const NamedFunction> TextFilters() { return kTextFilters; }

}  // namespace oriel::jinja
