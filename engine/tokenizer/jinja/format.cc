#include "engine/tokenizer/jinja/format.h"

#include <algorithm>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "engine/tokenizer/jinja/builder.h"
#include "engine/tokenizer/jinja/format_spec.h"
#include "engine/tokenizer/jinja/printing.h"
#include "engine/tokenizer/jinja/text.h"
#include "kernels/core/status.h"

namespace oriel::jinja {
namespace {

constexpr int64_t kWidthMax = 1'000'000;
constexpr int64_t kPrecisionMax = 100;

// Fills in one % format, from left to right.
class PercentFormatter {
 public:
  PercentFormatter(Budget& budget, std::string_view format, const Value& values)
      : budget_(budget), format_(format), values_(values), out_(budget) {}

  absl::StatusOr<Value> Run();

 private:
  absl::Status Field();
  absl::StatusOr<FormatSpec> ReadSpec();
  absl::StatusOr<Value> NextValue();
  absl::StatusOr<Value> NamedValue();

  bool is_tuple() const {
    return values_.is_sequence() && values_.sequence().kind == SequenceKind::kTuple;
  }

  Budget& budget_;
  const std::string_view format_;
  const Value& values_;
  TextBuilder out_;
  size_t position_ = 0;
  size_t num_taken_ = 0;
};

absl::StatusOr<Value> PercentFormatter::NextValue() {
  const size_t num_values = is_tuple() ? values_.sequence().items.size() : 1;
  if (num_taken_ >= num_values) {
    return absl::InvalidArgumentError("not enough arguments for format string");
  }
  const size_t place = num_taken_++;
  return is_tuple() ? values_.sequence().items[place] : values_;
}

absl::StatusOr<Value> PercentFormatter::NamedValue() {
  const size_t end = format_.find(')', position_);
  if (end == std::string_view::npos || !values_.is_dict()) {
    return absl::InvalidArgumentError("format requires a mapping");
  }
  const std::string_view name = format_.substr(position_ + 1, end - position_ - 1);
  position_ = end + 1;
  const Value* found = values_.dict().FindText(name);
  if (found == nullptr) {
    return absl::InvalidArgumentError("a format string names a key that its mapping lacks");
  }
  return *found;
}

absl::StatusOr<FormatSpec> PercentFormatter::ReadSpec() {
  FormatSpec spec;
  for (; position_ < format_.size(); ++position_) {
    const char flag = format_[position_];
    if (flag == '-') {
      spec.align = FormatSpec::Align::kLeft;
    } else if (flag == '+' || (flag == ' ' && spec.sign != '+')) {
      spec.sign = flag;
    } else if (flag == '0' && spec.align != FormatSpec::Align::kLeft) {
      spec.align = FormatSpec::Align::kAfterSign;
      spec.fill.assign(1, '0');
    } else if (flag == '#') {
      spec.alternate = true;
    } else if (flag != ' ' && flag != '0') {
      break;
    }
  }
  if (spec.align == FormatSpec::Align::kLeft) {
    spec.fill.assign(1, ' ');
  } else if (spec.align == FormatSpec::Align::kNatural) {
    spec.align = FormatSpec::Align::kRight;
  }
  ORIEL_ASSIGN_OR_RETURN(spec.width, ReadFormatNumber(format_, position_, kWidthMax));
  if (position_ < format_.size() && format_[position_] == '.') {
    ++position_;
    ORIEL_ASSIGN_OR_RETURN(spec.precision, ReadFormatNumber(format_, position_, kPrecisionMax));
  }
  if (position_ == format_.size()) {
    return absl::InvalidArgumentError("incomplete format");
  }
  spec.type = format_[position_++];
  return spec;
}

absl::Status PercentFormatter::Field() {
  std::optional<Value> named;
  if (position_ < format_.size() && format_[position_] == '(') {
    ORIEL_ASSIGN_OR_RETURN(named, NamedValue());
  }
  ORIEL_ASSIGN_OR_RETURN(FormatSpec spec, ReadSpec());
  if (spec.type == '%') {
    return out_.Append("%");
  }
  if (std::string_view("sradiuxXoceEfFgG").find(spec.type) == std::string_view::npos) {
    return absl::InvalidArgumentError(
        absl::StrFormat("unsupported format character '%c'", spec.type));
  }
  Value value;
  if (named.has_value()) {
    value = *std::move(named);
  } else {
    ORIEL_ASSIGN_OR_RETURN(value, NextValue());
  }
  if (spec.type == 'r' || spec.type == 'a') {
    TextBuilder text(budget_);
    ORIEL_RETURN_IF_ERROR(Represent(budget_, value, text));
    value = text.Finish();
    spec.type = 's';
  } else if (spec.type == 'c') {
    if (value.is_integral()) {
      std::string text;
      const int64_t code_point = value.integer();
      if (code_point < 0 || code_point > 0x10FFFF ||
          !AppendUtf8(static_cast<uint32_t>(code_point), text)) {
        return absl::InvalidArgumentError("%c needs a code point");
      }
      value = Value::Text(text);
    }
    spec.type = 's';
  } else if (spec.type == 'i' || spec.type == 'u') {
    spec.type = 'd';
  }
  if (spec.type == 's' && spec.fill == "0") {
    spec.fill.assign(1, ' ');
    spec.align = FormatSpec::Align::kRight;
  }
  return AppendFormatted(budget_, spec, value, out_);
}

absl::StatusOr<Value> PercentFormatter::Run() {
  while (position_ < format_.size()) {
    const size_t mark = std::min(format_.find('%', position_), format_.size());
    ORIEL_RETURN_IF_ERROR(out_.Append(format_.substr(position_, mark - position_)));
    position_ = mark + 1;
    if (mark < format_.size()) {
      ORIEL_RETURN_IF_ERROR(Field());
    }
  }
  if (is_tuple() ? num_taken_ < values_.sequence().items.size()
                 : num_taken_ == 0 && !values_.is_dict() && !values_.is_sequence()) {
    return absl::InvalidArgumentError("not all arguments converted during string formatting");
  }
  return out_.Finish();
}

// Fills in one str.format format, from left to right.
class BraceFormatter {
 public:
  BraceFormatter(Budget& budget, std::string_view format, const Arguments& arguments)
      : budget_(budget), format_(format), arguments_(arguments), out_(budget) {}

  absl::StatusOr<Value> Run();

 private:
  // `field` is what stands between the braces.
  absl::Status Field(std::string_view field);
  absl::StatusOr<Value> FindValue(std::string_view name);
  static absl::StatusOr<FormatSpec> ParseSpec(std::string_view text, const Value& value);

  Budget& budget_;
  const std::string_view format_;
  const Arguments& arguments_;
  TextBuilder out_;
  size_t num_taken_ = 0;
};

absl::StatusOr<Value> BraceFormatter::FindValue(std::string_view name) {
  size_t index = num_taken_;
  size_t position = 0;
  ORIEL_ASSIGN_OR_RETURN(const int64_t number, ReadFormatNumber(name, position, kWidthMax));
  if (name.empty()) {
    ++num_taken_;
  } else if (position == name.size()) {
    index = static_cast<size_t>(number);
  } else {
    for (const auto& [key, value] : arguments_.named) {
      if (key == name) {
        return value;
      }
    }
    return absl::InvalidArgumentError(
        "a format field names no argument; attributes and items are not supported there");
  }
  if (index >= arguments_.positional.size()) {
    return absl::InvalidArgumentError("Replacement index out of range for positional args tuple");
  }
  return arguments_.positional[index];
}

absl::StatusOr<FormatSpec> BraceFormatter::ParseSpec(std::string_view text, const Value& value) {
  constexpr std::string_view kAligns = "<>^=";
  constexpr FormatSpec::Align kMeaning[] = {FormatSpec::Align::kLeft, FormatSpec::Align::kRight,
                                            FormatSpec::Align::kCentre,
                                            FormatSpec::Align::kAfterSign};
  FormatSpec spec;
  size_t position = 0;
  const size_t first_bytes = ByteOffset(text, 1);
  if (first_bytes < text.size() && kAligns.find(text[first_bytes]) != std::string_view::npos) {
    spec.fill = std::string(text.substr(0, first_bytes));
    position = first_bytes;
  }
  const auto next_is = [&](std::string_view any) {
    return position < text.size() && any.find(text[position]) != std::string_view::npos;
  };
  if (next_is(kAligns)) {
    spec.align = kMeaning[kAligns.find(text[position++])];
  }
  if (next_is("+- ")) {
    spec.sign = text[position++];
  }
  if (next_is("#")) {
    spec.alternate = true;
    ++position;
  }
  if (next_is("0") && spec.align == FormatSpec::Align::kNatural) {
    spec.align = FormatSpec::Align::kAfterSign;
    spec.fill.assign(1, '0');
  }
  ORIEL_ASSIGN_OR_RETURN(spec.width, ReadFormatNumber(text, position, kWidthMax));
  if (next_is(",")) {
    spec.commas = true;
    ++position;
  }
  if (next_is(".")) {
    ++position;
    ORIEL_ASSIGN_OR_RETURN(spec.precision, ReadFormatNumber(text, position, kPrecisionMax));
  }
  const bool plain_number = value.is_integral() && !value.is_bool();
  spec.type = plain_number ? 'd' : value.is_number() && spec.precision >= 0 ? 'g' : 's';
  if (next_is("sdxXobeEfFgG%")) {
    spec.type = text[position++];
  }
  if (position != text.size()) {
    return absl::InvalidArgumentError("a format specification is not supported");
  }
  if (spec.type == 's' && value.is_number() && spec.align == FormatSpec::Align::kNatural) {
    spec.align = FormatSpec::Align::kRight;
  }
  return spec;
}

absl::Status BraceFormatter::Field(std::string_view field) {
  const size_t colon = std::min(field.find(':'), field.size());
  std::string_view name = field.substr(0, colon);
  const size_t mark = std::min(name.find('!'), name.size());
  const std::string_view conversion = name.substr(mark);
  name = name.substr(0, mark);
  ORIEL_ASSIGN_OR_RETURN(Value value, FindValue(name));
  if (conversion == "!r") {
    TextBuilder text(budget_);
    ORIEL_RETURN_IF_ERROR(Represent(budget_, value, text));
    value = text.Finish();
  } else if (!conversion.empty() && conversion != "!s") {
    return absl::InvalidArgumentError("unknown conversion specifier in a format field");
  }
  const std::string_view spec_text = colon < field.size() ? field.substr(colon + 1) : "";
  ORIEL_ASSIGN_OR_RETURN(const FormatSpec spec, ParseSpec(spec_text, value));
  return AppendFormatted(budget_, spec, value, out_);
}

absl::StatusOr<Value> BraceFormatter::Run() {
  size_t position = 0;
  while (position < format_.size()) {
    const size_t mark = std::min(format_.find_first_of("{}", position), format_.size());
    ORIEL_RETURN_IF_ERROR(out_.Append(format_.substr(position, mark - position)));
    if (mark == format_.size()) {
      break;
    }
    if (mark + 1 < format_.size() && format_[mark + 1] == format_[mark]) {
      ORIEL_RETURN_IF_ERROR(out_.Append(1, format_[mark]));
      position = mark + 2;
      continue;
    }
    const size_t end = format_.find('}', mark);
    if (format_[mark] == '}' || end == std::string_view::npos) {
      return absl::InvalidArgumentError("a format string has a single brace");
    }
    ORIEL_RETURN_IF_ERROR(Field(format_.substr(mark + 1, end - mark - 1)));
    position = end + 1;
  }
  return out_.Finish();
}

}  // namespace

absl::StatusOr<Value> FormatPercent(Budget& budget, std::string_view format, const Value& values) {
  return PercentFormatter(budget, format, values).Run();
}

absl::StatusOr<Value> FormatBraces(Budget& budget, std::string_view format,
                                   const Arguments& arguments) {
  return BraceFormatter(budget, format, arguments).Run();
}

}  // namespace oriel::jinja
