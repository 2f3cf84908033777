#include "server/http/field_reader.h"

#include <cmath>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "kernels/core/status.h"
#include "server/error_mapping.h"

namespace oriel {
namespace {

// A message quotes the beginning of the value that is wrong.
constexpr size_t kQuotedBytesMax = 60;

std::string Quoted(const Json& value) {
  if (value.is_structured()) return value.type_name();
  std::string text = DumpJson(value);
  if (text.size() > kQuotedBytesMax) {
    text.resize(kQuotedBytesMax);
    text += "…";
  }
  return text;
}

std::string MustBe(std::string_view name, absl::string_view what, const Json& value) {
  return absl::StrCat(ToAbsl(name), " must be ", what, ", it is ", Quoted(value));
}

constexpr char kWholeNumber[] = "a whole number of 32 bits";

}  // namespace

std::optional<int32_t> WholeNumber(const Json& value) {
  if (!value.is_number()) return std::nullopt;
  // Every whole number of 32 bits is exact in a double; larger integers stay outside the range.
  const double number = value.get<double>();
  if (!(number >= std::numeric_limits<int32_t>::min()) ||
      !(number <= std::numeric_limits<int32_t>::max()) || number != std::trunc(number)) {
    return std::nullopt;
  }
  return static_cast<int32_t>(number);
}

FieldReader::FieldReader(const Json& object, std::string prefix)
    : object_(object), prefix_(std::move(prefix)) {}

const Json* FieldReader::Take(std::string_view name) {
  asked_.emplace(name);
  if (!status_.ok()) return nullptr;
  const auto field = object_.find(name);
  if (field == object_.end() || field->is_null()) return nullptr;
  return &*field;
}

void FieldReader::Fail(std::string_view name, absl::string_view message) {
  Fail(FieldError(absl::StrCat(prefix_, ToAbsl(name)), absl::StrCat(prefix_, message)));
}

void FieldReader::Fail(absl::Status status) {
  if (status_.ok()) status_ = std::move(status);
}

void FieldReader::Read(std::string_view name, bool& value) {
  std::optional<bool> truth;
  Read(name, truth);
  if (truth) value = *truth;
}

void FieldReader::Read(std::string_view name, std::optional<bool>& value) {
  const Json* field = Take(name);
  if (field == nullptr) return;
  if (!field->is_boolean()) return Fail(name, MustBe(name, "true or false", *field));
  value = field->get<bool>();
}

void FieldReader::Read(std::string_view name, int32_t& value) {
  std::optional<int32_t> number;
  Read(name, number);
  if (number) value = *number;
}

void FieldReader::Read(std::string_view name, std::optional<int32_t>& value) {
  const Json* field = Take(name);
  if (field == nullptr) return;
  const auto number = WholeNumber(*field);
  if (!number) return Fail(name, MustBe(name, kWholeNumber, *field));
  value = number;
}

void FieldReader::Read(std::string_view name, float& value) {
  const Json* field = Take(name);
  if (field == nullptr) return;
  if (!field->is_number()) return Fail(name, MustBe(name, "a number", *field));
  const float number = field->get<float>();
  if (!std::isfinite(number))
    return Fail(name, MustBe(name, "a number that a float holds", *field));
  value = number;
}

void FieldReader::Read(std::string_view name, std::string& value) {
  const Json* field = Take(name);
  if (field == nullptr) return;
  if (!field->is_string()) return Fail(name, MustBe(name, "a string", *field));
  value = field->get<std::string>();
}

void FieldReader::Read(std::string_view name, std::optional<uint64_t>& value) {
  const Json* field = Take(name);
  if (field == nullptr) return;
  if (!field->is_number_integer()) {
    return Fail(name, MustBe(name, "a whole number of 64 bits", *field));
  }
  value = field->is_number_unsigned() ? field->get<uint64_t>()
                                      : static_cast<uint64_t>(field->get<int64_t>());
}

void FieldReader::Read(std::string_view name, std::vector<int32_t>& value) {
  const Json* field = Take(name);
  if (field == nullptr) return;
  if (!field->is_array()) return Fail(name, MustBe(name, "a list of whole numbers", *field));
  std::vector<int32_t> numbers;
  numbers.reserve(field->size());
  for (const Json& element : *field) {
    const auto number = WholeNumber(element);
    if (!number) {
      return Fail(name, MustBe(absl::StrCat(ToAbsl(name), "[", numbers.size(), "]"), kWholeNumber,
                               element));
    }
    numbers.push_back(*number);
  }
  value = std::move(numbers);
}

std::vector<std::string> FieldReader::UnreadNames() const {
  std::vector<std::string> names;
  for (const auto& [name, value] : object_.items()) {
    if (!asked_.contains(name)) names.push_back(name);
  }
  return names;
}

}  // namespace oriel
