#include "engine/tokenizer/jinja/functions.h"

#include <ctime>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "engine/tokenizer/jinja/access.h"
#include "engine/tokenizer/jinja/arguments.h"
#include "engine/tokenizer/jinja/builder.h"
#include "engine/tokenizer/jinja/printing.h"
#include "engine/tokenizer/jinja/runtime.h"
#include "kernels/core/status.h"

namespace oriel::jinja {
namespace {

using Result = absl::StatusOr<Value>;

// The sandbox of the reference allows as many.
constexpr int64_t kRangeMax = 100'000;

Result Range(Runtime& runtime, const Value&, const Arguments& arguments) {
  ORIEL_ASSIGN_OR_RETURN(const auto bound,
                         BoundArguments::Bind(arguments, {"start", "stop", "step"}, 1));
  ORIEL_ASSIGN_OR_RETURN(int64_t start, bound.Integer(0, 0));
  ORIEL_ASSIGN_OR_RETURN(int64_t stop, bound.Integer(1, start));
  ORIEL_ASSIGN_OR_RETURN(const int64_t step, bound.Integer(2, 1));
  if (!bound.has(1)) {
    start = 0;
  }
  if (step == 0) {
    return absl::InvalidArgumentError("range() arg 3 must not be zero");
  }
  std::vector<Value> items;
  for (int64_t i = start; step > 0 ? i < stop : i > stop;) {
    if (static_cast<int64_t>(items.size()) == kRangeMax) {
      return absl::InvalidArgumentError(absl::StrCat(
          "Range too big. The sandbox blocks ranges larger than MAX_RANGE (", kRangeMax, ")."));
    }
    items.push_back(Value(i));
    if (__builtin_add_overflow(i, step, &i)) {
      break;
    }
  }
  return MakeSequence(runtime.budget, SequenceKind::kRange, std::move(items));
}

// The entries that dict(…) and namespace(…) start with: a mapping or pairs, then named arguments.
absl::StatusOr<Dict> ReadEntries(Runtime& runtime, const Arguments& arguments) {
  DictBuilder entries(runtime.budget);
  if (arguments.positional.size() > 1) {
    return absl::InvalidArgumentError("dict expected at most 1 argument");
  }
  if (arguments.positional.size() == 1 && arguments.positional[0].is_dict()) {
    for (const Dict::Entry& entry : arguments.positional[0].dict().entries()) {
      ORIEL_RETURN_IF_ERROR(entries.Set(entry.key, entry.value));
    }
  } else if (arguments.positional.size() == 1) {
    ORIEL_ASSIGN_OR_RETURN(const std::vector<Value> pairs,
                           Iterate(runtime.budget, arguments.positional[0]));
    for (const Value& pair : pairs) {
      ORIEL_ASSIGN_OR_RETURN(const std::vector<Value> parts, Iterate(runtime.budget, pair));
      if (parts.size() != 2) {
        return absl::InvalidArgumentError("a dict is made of pairs");
      }
      ORIEL_RETURN_IF_ERROR(entries.Set(parts[0], parts[1]));
    }
  }
  for (const auto& [name, value] : arguments.named) {
    ORIEL_RETURN_IF_ERROR(entries.Set(Value::Text(name), value));
  }
  return entries.TakeDict();
}

Result MakeDict(Runtime& runtime, const Value&, const Arguments& arguments) {
  ORIEL_ASSIGN_OR_RETURN(Dict entries, ReadEntries(runtime, arguments));
  return Value(std::make_shared<const Dict>(std::move(entries)));
}

Result MakeNamespace(Runtime& runtime, const Value&, const Arguments& arguments) {
  ORIEL_RETURN_IF_ERROR(runtime.budget.Build(sizeof(Namespace)));
  ORIEL_ASSIGN_OR_RETURN(Dict entries, ReadEntries(runtime, arguments));
  runtime.namespaces.push_back(std::make_unique<Namespace>(Namespace{std::move(entries)}));
  return Value(runtime.namespaces.back().get());
}

Result RaiseException(Runtime& runtime, const Value&, const Arguments& arguments) {
  ORIEL_ASSIGN_OR_RETURN(const auto bound, BoundArguments::Bind(arguments, {"message"}, 1));
  ORIEL_ASSIGN_OR_RETURN(const std::string message, Print(runtime.budget, bound.value(0)));
  return absl::InvalidArgumentError(message);
}

// Appends one conversion of strftime; only those that print a few bytes are taken.
absl::Status AppendTimeField(const std::tm& time, char conversion, bool padded, TextBuilder& out) {
  constexpr std::string_view kConversions = "aAbBcdDeFHIjmMnpRStTuUwWxXyYG%";
  if (kConversions.find(conversion) == std::string_view::npos) {
    return absl::InvalidArgumentError(
        absl::StrFormat("strftime_now does not know the conversion '%%%c'", conversion));
  }
  const char format[] = {'%', padded ? conversion : '-', padded ? '\0' : conversion, '\0'};
  char text[64];
  const size_t length = std::strftime(text, sizeof(text), format, &time);
  return out.Append(std::string_view(text, length));
}

Result FormatNow(Runtime& runtime, const Value&, const Arguments& arguments) {
  ORIEL_ASSIGN_OR_RETURN(const auto bound, BoundArguments::Bind(arguments, {"format"}, 1));
  ORIEL_ASSIGN_OR_RETURN(const std::string format, bound.Text(0, ""));
  const std::tm time = runtime.local_time();
  TextBuilder out(runtime.budget);
  for (size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%') {
      ORIEL_RETURN_IF_ERROR(out.Append(1, format[i]));
      continue;
    }
    const bool padded = i + 1 >= format.size() || format[i + 1] != '-';
    i += padded ? 1 : 2;
    if (i >= format.size()) {
      return absl::InvalidArgumentError("strftime_now: the format ends within a conversion");
    }
    ORIEL_RETURN_IF_ERROR(AppendTimeField(time, format[i], padded, out));
  }
  return out.Finish();
}

constexpr NamedFunction kGlobalFunctions[] = {
    {"dict", MakeDict}, {"namespace", MakeNamespace}, {"raise_exception", RaiseException},
    {"range", Range},   {"strftime_now", FormatNow},
};

}  // namespace

absl::Span<const NamedFunction> GlobalFunctions() { return kGlobalFunctions; }

}  // namespace oriel::jinja
