#include "engine/tokenizer/jinja/json.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "engine/tokenizer/jinja/text.h"
#include "kernels/core/status.h"

namespace oriel::jinja {
namespace {

using Json = nlohmann::ordered_json;

// Builds values from JSON. The levels are counted while going down, before any value exists.
class JsonReader {
 public:
  explicit JsonReader(Budget& budget) : budget_(budget) {}

  absl::StatusOr<Value> Read(const Json& json);

 private:
  absl::StatusOr<Value> ReadText(const std::string& text);
  absl::StatusOr<Value> ReadArray(const Json& json);
  absl::StatusOr<Value> ReadObject(const Json& json);

  Budget& budget_;
  int levels_ = 0;
};

absl::StatusOr<Value> JsonReader::ReadText(const std::string& text) {
  if (!IsValidUtf8(text)) {
    return absl::InvalidArgumentError("a text among the template's variables is not UTF-8");
  }
  return MakeText(budget_, text);
}

absl::StatusOr<Value> JsonReader::ReadArray(const Json& json) {
  std::vector<Value> items;
  items.reserve(json.size());
  for (const Json& element : json) {
    ORIEL_ASSIGN_OR_RETURN(Value item, Read(element));
    items.push_back(std::move(item));
  }
  return MakeList(budget_, std::move(items));
}

absl::StatusOr<Value> JsonReader::ReadObject(const Json& json) {
  DictBuilder dict(budget_);
  for (const auto& [key, element] : json.items()) {
    ORIEL_ASSIGN_OR_RETURN(Value name, ReadText(key));
    ORIEL_ASSIGN_OR_RETURN(Value value, Read(element));
    ORIEL_RETURN_IF_ERROR(dict.Set(std::move(name), std::move(value)));
  }
  return dict.Finish();
}

absl::StatusOr<Value> JsonReader::Read(const Json& json) {
  const DepthGuard guard(levels_, budget_.limits().value_depth_max + 1);
  if (!guard.inside()) {
    return absl::ResourceExhaustedError(absl::StrCat("the template's variables nest deeper than ",
                                                     budget_.limits().value_depth_max, " levels"));
  }
  ORIEL_RETURN_IF_ERROR(budget_.Steps(1));
  switch (json.type()) {
    case Json::value_t::null:
      return Value();
    case Json::value_t::boolean:
      return Value(json.get<bool>());
    case Json::value_t::number_integer:
      return Value(json.get<int64_t>());
    case Json::value_t::number_unsigned: {
      const auto number = json.get<uint64_t>();
      return number <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max())
                 ? Value(static_cast<int64_t>(number))
                 : Value(static_cast<double>(number));
    }
    case Json::value_t::number_float:
      return Value(json.get<double>());
    case Json::value_t::string:
      return ReadText(json.get_ref<const std::string&>());
    case Json::value_t::array:
      return ReadArray(json);
    case Json::value_t::object:
      return ReadObject(json);
    case Json::value_t::binary:
    case Json::value_t::discarded:
      break;
  }
  return absl::InvalidArgumentError("a variable of the template is not JSON");
}

class JsonWriter {
 public:
  JsonWriter(Budget& budget, const JsonStyle& style, TextBuilder& out)
      : budget_(budget), style_(style), out_(out) {}

  absl::Status Write(const Value& value);

 private:
  absl::Status WriteText(std::string_view text);
  absl::Status WriteFloat(double number);
  absl::Status WriteArray(const std::vector<Value>& items);
  absl::Status WriteObject(const Dict& dict);
  absl::Status WriteKey(const Value& key);
  absl::Status WriteNewLine();
  // What stands before the item at `place`: the bracket's line end, or the separator.
  absl::Status WriteBefore(size_t place);
  void AppendEscaped(uint32_t code_point, std::string& out) const;

  Budget& budget_;
  const JsonStyle& style_;
  TextBuilder& out_;
  int levels_ = 0;
};

void AppendUnicodeEscape(uint32_t code_point, std::string& out) {
  if (code_point >= 0x10000) {
    const uint32_t offset = code_point - 0x10000;
    absl::StrAppendFormat(&out, "\\u%04x\\u%04x", 0xD800 + (offset >> 10),
                          0xDC00 + (offset & 0x3FF));
  } else {
    absl::StrAppendFormat(&out, "\\u%04x", code_point);
  }
}

void JsonWriter::AppendEscaped(uint32_t code_point, std::string& out) const {
  constexpr std::string_view kPlain = "\"\\\b\f\n\r\t";
  constexpr std::string_view kEscapes = "\"\\bfnrt";
  const size_t place =
      code_point < 0x80 ? kPlain.find(static_cast<char>(code_point)) : std::string_view::npos;
  if (place != std::string_view::npos) {
    out += {'\\', kEscapes[place]};
  } else if (code_point < 0x20 || (style_.ascii_only && code_point > 0x7E)) {
    AppendUnicodeEscape(code_point, out);
  } else {
    AppendUtf8(code_point, out);
  }
}

absl::Status JsonWriter::WriteText(std::string_view text) {
  ORIEL_RETURN_IF_ERROR(budget_.Scan(text.size()));
  // Escapes can make a text six times as long, so it is paid for piece by piece.
  constexpr size_t kPieceBytes = 4096;
  std::string quoted(1, '"');
  for (size_t position = 0; position < text.size();) {
    AppendEscaped(NextCodePoint(text, position), quoted);
    if (quoted.size() >= kPieceBytes) {
      ORIEL_RETURN_IF_ERROR(out_.Append(quoted));
      quoted.clear();
    }
  }
  quoted.push_back('"');
  return out_.Append(quoted);
}

absl::Status JsonWriter::WriteFloat(double number) {
  if (std::isnan(number)) {
    return out_.Append("NaN");
  }
  if (std::isinf(number)) {
    return out_.Append(number < 0 ? "-Infinity" : "Infinity");
  }
  return out_.Append(FloatText(number));
}

absl::Status JsonWriter::WriteNewLine() {
  if (!style_.indent.has_value()) {
    return absl::OkStatus();
  }
  ORIEL_RETURN_IF_ERROR(out_.Append("\n"));
  for (int i = 0; i < levels_; ++i) {
    ORIEL_RETURN_IF_ERROR(out_.Append(*style_.indent));
  }
  return absl::OkStatus();
}

absl::Status JsonWriter::WriteBefore(size_t place) {
  ORIEL_RETURN_IF_ERROR(out_.Append(place == 0 ? "" : style_.item_separator));
  return WriteNewLine();
}

absl::Status JsonWriter::WriteArray(const std::vector<Value>& items) {
  if (items.empty()) {
    return out_.Append("[]");
  }
  ORIEL_RETURN_IF_ERROR(out_.Append("["));
  ++levels_;
  for (size_t i = 0; i < items.size(); ++i) {
    ORIEL_RETURN_IF_ERROR(WriteBefore(i));
    ORIEL_RETURN_IF_ERROR(Write(items[i]));
  }
  --levels_;
  ORIEL_RETURN_IF_ERROR(WriteNewLine());
  return out_.Append("]");
}

absl::Status JsonWriter::WriteKey(const Value& key) {
  if (key.is_text()) {
    return WriteText(key.text());
  }
  // Numbers, booleans and none become text between quotes.
  ORIEL_RETURN_IF_ERROR(out_.Append("\""));
  ORIEL_RETURN_IF_ERROR(Write(key));
  return out_.Append("\"");
}

absl::Status JsonWriter::WriteObject(const Dict& dict) {
  if (dict.size() == 0) {
    return out_.Append("{}");
  }
  std::vector<const Dict::Entry*> entries;
  bool all_text = true;
  for (const Dict::Entry& entry : dict.entries()) {
    entries.push_back(&entry);
    all_text = all_text && entry.key.is_text();
  }
  if (style_.sort_keys) {
    if (!all_text) {
      return absl::InvalidArgumentError("sort_keys needs keys that are text");
    }
    ORIEL_RETURN_IF_ERROR(budget_.Steps(static_cast<int64_t>(entries.size()) * 20));
    std::sort(entries.begin(), entries.end(), [](const Dict::Entry* a, const Dict::Entry* b) {
      return a->key.text() < b->key.text();
    });
  }
  ORIEL_RETURN_IF_ERROR(out_.Append("{"));
  ++levels_;
  for (size_t i = 0; i < entries.size(); ++i) {
    ORIEL_RETURN_IF_ERROR(WriteBefore(i));
    ORIEL_RETURN_IF_ERROR(WriteKey(entries[i]->key));
    ORIEL_RETURN_IF_ERROR(out_.Append(style_.key_separator));
    ORIEL_RETURN_IF_ERROR(Write(entries[i]->value));
  }
  --levels_;
  ORIEL_RETURN_IF_ERROR(WriteNewLine());
  return out_.Append("}");
}

absl::Status JsonWriter::Write(const Value& value) {
  ORIEL_RETURN_IF_ERROR(budget_.Steps(1));
  switch (value.kind()) {
    case Value::Kind::kNone:
      return out_.Append("null");
    case Value::Kind::kBool:
      return out_.Append(value.boolean() ? "true" : "false");
    case Value::Kind::kInt:
      return out_.Append(std::to_string(value.integer()));
    case Value::Kind::kFloat:
      return WriteFloat(value.number());
    case Value::Kind::kText:
      return WriteText(value.text());
    case Value::Kind::kSequence:
      if (value.sequence().kind == SequenceKind::kList ||
          value.sequence().kind == SequenceKind::kTuple) {
        return WriteArray(value.sequence().items);
      }
      break;
    case Value::Kind::kDict:
      return WriteObject(value.dict());
    case Value::Kind::kUndefined:
    case Value::Kind::kNamespace:
    case Value::Kind::kFunction:
    case Value::Kind::kMacro:
    case Value::Kind::kLoop:
      break;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("Object of type ", ToAbsl(value.type_name()), " is not JSON serializable"));
}

}  // namespace

absl::StatusOr<Value> FromJson(Budget& budget, const nlohmann::ordered_json& json) {
  return JsonReader(budget).Read(json);
}

absl::Status AppendJson(Budget& budget, const Value& value, const JsonStyle& style,
                        TextBuilder& out) {
  return JsonWriter(budget, style, out).Write(value);
}

}  // namespace oriel::jinja
