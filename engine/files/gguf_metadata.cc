#include "engine/files/gguf_metadata.h"

#include <cstring>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "kernels/core/check.h"
#include "kernels/core/status.h"

namespace oriel {
namespace {

// Bytes of one value; zero for the types that have no fixed size.
constexpr uint64_t FixedBytes(GgufType type) {
  switch (type) {
    case GgufType::kUint8:
    case GgufType::kInt8:
    case GgufType::kBool:
      return 1;
    case GgufType::kUint16:
    case GgufType::kInt16:
      return 2;
    case GgufType::kUint32:
    case GgufType::kInt32:
    case GgufType::kFloat32:
      return 4;
    case GgufType::kUint64:
    case GgufType::kInt64:
    case GgufType::kFloat64:
      return 8;
    case GgufType::kString:
    case GgufType::kArray:
      return 0;
  }
  return 0;
}

// A string is at least its length field, so this bounds the count before anything is read or
// allocated.
constexpr uint64_t LeastBytes(GgufType type) {
  return type == GgufType::kString ? sizeof(uint64_t) : FixedBytes(type);
}

bool IsInteger(GgufType type) {
  switch (type) {
    case GgufType::kUint8:
    case GgufType::kInt8:
    case GgufType::kUint16:
    case GgufType::kInt16:
    case GgufType::kUint32:
    case GgufType::kInt32:
    case GgufType::kUint64:
    case GgufType::kInt64:
      return true;
    case GgufType::kFloat32:
    case GgufType::kBool:
    case GgufType::kString:
    case GgufType::kArray:
    case GgufType::kFloat64:
      return false;
  }
  return false;
}

bool IsFloat(GgufType type) { return type == GgufType::kFloat32 || type == GgufType::kFloat64; }

template <typename T>
T Load(const std::byte* data) {
  T value;
  std::memcpy(&value, data, sizeof(T));
  return value;
}

// The unsigned 64-bit value above int64's range is the only integer that does not fit.
std::optional<int64_t> LoadInteger(GgufType type, const std::byte* data) {
  switch (type) {
    case GgufType::kUint8:
      return Load<uint8_t>(data);
    case GgufType::kInt8:
      return Load<int8_t>(data);
    case GgufType::kUint16:
      return Load<uint16_t>(data);
    case GgufType::kInt16:
      return Load<int16_t>(data);
    case GgufType::kUint32:
      return Load<uint32_t>(data);
    case GgufType::kInt32:
      return Load<int32_t>(data);
    case GgufType::kInt64:
      return Load<int64_t>(data);
    case GgufType::kUint64: {
      const uint64_t value = Load<uint64_t>(data);
      if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return std::nullopt;
      return static_cast<int64_t>(value);
    }
    case GgufType::kFloat32:
    case GgufType::kBool:
    case GgufType::kString:
    case GgufType::kArray:
    case GgufType::kFloat64:
      break;
  }
  ORIEL_CHECK(false);
}

float LoadFloat(GgufType type, const std::byte* data) {
  if (type == GgufType::kFloat32) return Load<float>(data);
  return static_cast<float>(Load<double>(data));
}

std::string DescribeType(const GgufEntry& entry) {
  if (entry.type != GgufType::kArray) return std::string(NameOf(entry.type));
  return absl::StrCat("array of ", ToAbsl(NameOf(entry.item_type)));
}

absl::Status WrongType(const std::string& source, const GgufEntry& entry, std::string_view wanted) {
  return absl::InvalidArgumentError(absl::StrCat(source, "metadata key '", ToAbsl(entry.key),
                                                 "' has type ", DescribeType(entry), ", expected ",
                                                 ToAbsl(wanted)));
}

absl::Status OutOfRange(const std::string& source, const GgufEntry& entry,
                        std::string_view wanted) {
  return absl::InvalidArgumentError(absl::StrCat(source, "metadata key '", ToAbsl(entry.key),
                                                 "' of type ", DescribeType(entry),
                                                 " has a value outside of ", ToAbsl(wanted)));
}

// Keys come from the file: only a printable, short part of one goes into a message.
std::string Printable(std::string_view key) {
  constexpr size_t kShownBytesMax = 64;
  std::string shown(key.substr(0, kShownBytesMax));
  for (char& c : shown) {
    if (c < ' ' || c > '~') c = '?';
  }
  return key.size() > kShownBytesMax ? shown + "..." : shown;
}

absl::StatusOr<GgufType> ReadType(ByteReader& reader) {
  ORIEL_ASSIGN_OR_RETURN(const uint32_t number, reader.Read<uint32_t>("value type"));
  if (number > static_cast<uint32_t>(GgufType::kFloat64)) {
    return absl::InvalidArgumentError(absl::StrCat("unknown value type ", number,
                                                   ", types are 0 to ",
                                                   static_cast<uint32_t>(GgufType::kFloat64)));
  }
  return static_cast<GgufType>(number);
}

absl::Status ReadArrayHeader(ByteReader& reader, GgufEntry& entry) {
  ORIEL_ASSIGN_OR_RETURN(entry.item_type, ReadType(reader));
  if (entry.item_type == GgufType::kArray) {
    return absl::InvalidArgumentError("array of arrays is not supported");
  }
  ORIEL_ASSIGN_OR_RETURN(entry.num_items, reader.Read<uint64_t>("array length"));
  if (entry.num_items > reader.remaining() / LeastBytes(entry.item_type)) {
    return absl::DataLossError(
        absl::StrCat("array of ", entry.num_items, " ", ToAbsl(NameOf(entry.item_type)),
                     " values does not fit the ", reader.remaining(), " bytes left in the file"));
  }
  return absl::OkStatus();
}

absl::Status SkipValues(ByteReader& reader, GgufType type, uint64_t num_items) {
  if (type != GgufType::kString) return reader.Skip(FixedBytes(type) * num_items, "value");
  for (uint64_t i = 0; i < num_items; ++i) {
    ORIEL_RETURN_IF_ERROR(reader.ReadString("string", GgufMetadata::kStringBytesMax).status());
  }
  return absl::OkStatus();
}

absl::Status ReadValue(ByteReader& reader, GgufEntry& entry) {
  ORIEL_ASSIGN_OR_RETURN(entry.type, ReadType(reader));
  entry.item_type = entry.type;
  if (entry.type == GgufType::kArray) ORIEL_RETURN_IF_ERROR(ReadArrayHeader(reader, entry));
  const std::byte* start = reader.position();
  const size_t start_offset = reader.offset();
  ORIEL_RETURN_IF_ERROR(SkipValues(reader, entry.item_type, entry.num_items));
  entry.bytes = {start, reader.offset() - start_offset};
  return absl::OkStatus();
}

// Strings of a checked entry, so every read must succeed.
std::vector<std::string_view> LoadStrings(const GgufEntry& entry) {
  std::vector<std::string_view> strings;
  strings.reserve(entry.num_items);
  ByteReader reader(entry.bytes);
  for (uint64_t i = 0; i < entry.num_items; ++i) {
    absl::StatusOr<std::string_view> text = reader.ReadString("", GgufMetadata::kStringBytesMax);
    ORIEL_CHECK(text.ok());
    strings.push_back(*text);
  }
  return strings;
}

// A missing key becomes nullopt; every other outcome stays what it is.
template <typename T>
absl::StatusOr<std::optional<T>> Optional(absl::StatusOr<T> value) {
  if (value.ok()) return std::optional<T>(std::move(value).value());
  if (absl::IsNotFound(value.status())) return std::optional<T>();
  return value.status();
}

}  // namespace

std::string_view NameOf(GgufType type) {
  switch (type) {
    case GgufType::kUint8:
      return "uint8";
    case GgufType::kInt8:
      return "int8";
    case GgufType::kUint16:
      return "uint16";
    case GgufType::kInt16:
      return "int16";
    case GgufType::kUint32:
      return "uint32";
    case GgufType::kInt32:
      return "int32";
    case GgufType::kFloat32:
      return "float32";
    case GgufType::kBool:
      return "bool";
    case GgufType::kString:
      return "string";
    case GgufType::kArray:
      return "array";
    case GgufType::kUint64:
      return "uint64";
    case GgufType::kInt64:
      return "int64";
    case GgufType::kFloat64:
      return "float64";
  }
  return "?";
}

absl::StatusOr<GgufMetadata> GgufMetadata::Read(ByteReader& reader, uint64_t num_keys) {
  if (num_keys > kKeysMax) {
    return absl::InvalidArgumentError(absl::StrCat(
        "file says it has ", num_keys, " metadata keys, at most ", kKeysMax, " are allowed"));
  }
  GgufMetadata metadata;
  for (uint64_t i = 0; i < num_keys; ++i) {
    ORIEL_ASSIGN_OR_RETURN(const std::string_view key,
                           reader.ReadString("metadata key", kKeyBytesMax));
    GgufEntry entry;
    entry.key = key;
    if (absl::Status status = ReadValue(reader, entry); !status.ok()) {
      return absl::Status(status.code(),
                          absl::StrCat("metadata key '", Printable(key), "': ", status.message()));
    }
    if (!metadata.index_of_key_.emplace(key, metadata.entries_.size()).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("metadata key '", Printable(key), "' occurs twice"));
    }
    metadata.entries_.push_back(entry);
  }
  return metadata;
}

absl::StatusOr<const GgufEntry*> GgufMetadata::Entry(std::string_view key) const {
  const auto found = index_of_key_.find(key);
  if (found == index_of_key_.end()) {
    return absl::NotFoundError(
        absl::StrCat(source_, "metadata key '", ToAbsl(key), "' is missing"));
  }
  return &entries_[found->second];
}

absl::StatusOr<uint64_t> GgufMetadata::GetUint(std::string_view key) const {
  ORIEL_ASSIGN_OR_RETURN(const GgufEntry* entry, Entry(key));
  if (!IsInteger(entry->type)) return WrongType(source_, *entry, "an unsigned integer");
  if (entry->type == GgufType::kUint64) return Load<uint64_t>(entry->bytes.data());
  const std::optional<int64_t> value = LoadInteger(entry->type, entry->bytes.data());
  if (!value.has_value() || *value < 0) return OutOfRange(source_, *entry, "the unsigned integers");
  return static_cast<uint64_t>(*value);
}

absl::StatusOr<int64_t> GgufMetadata::GetInt(std::string_view key) const {
  ORIEL_ASSIGN_OR_RETURN(const GgufEntry* entry, Entry(key));
  if (!IsInteger(entry->type)) return WrongType(source_, *entry, "an integer");
  const std::optional<int64_t> value = LoadInteger(entry->type, entry->bytes.data());
  if (!value.has_value()) return OutOfRange(source_, *entry, "int64");
  return *value;
}

absl::StatusOr<float> GgufMetadata::GetFloat(std::string_view key) const {
  ORIEL_ASSIGN_OR_RETURN(const GgufEntry* entry, Entry(key));
  if (!IsFloat(entry->type)) return WrongType(source_, *entry, "a float");
  return LoadFloat(entry->type, entry->bytes.data());
}

absl::StatusOr<bool> GgufMetadata::GetBool(std::string_view key) const {
  ORIEL_ASSIGN_OR_RETURN(const GgufEntry* entry, Entry(key));
  if (entry->type != GgufType::kBool) return WrongType(source_, *entry, "bool");
  return entry->bytes[0] != std::byte{0};
}

absl::StatusOr<std::string_view> GgufMetadata::GetString(std::string_view key) const {
  ORIEL_ASSIGN_OR_RETURN(const GgufEntry* entry, Entry(key));
  if (entry->type != GgufType::kString) return WrongType(source_, *entry, "string");
  return LoadStrings(*entry)[0];
}

absl::StatusOr<std::vector<std::string_view>> GgufMetadata::GetStringArray(
    std::string_view key) const {
  ORIEL_ASSIGN_OR_RETURN(const GgufEntry* entry, Entry(key));
  if (entry->type != GgufType::kArray || entry->item_type != GgufType::kString) {
    return WrongType(source_, *entry, "array of string");
  }
  return LoadStrings(*entry);
}

absl::StatusOr<std::vector<float>> GgufMetadata::GetFloatArray(std::string_view key) const {
  ORIEL_ASSIGN_OR_RETURN(const GgufEntry* entry, Entry(key));
  if (entry->type != GgufType::kArray || !IsFloat(entry->item_type)) {
    return WrongType(source_, *entry, "array of floats");
  }
  std::vector<float> values(entry->num_items);
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = LoadFloat(entry->item_type, entry->bytes.data() + i * FixedBytes(entry->item_type));
  }
  return values;
}

absl::StatusOr<std::vector<int64_t>> GgufMetadata::GetIntArray(std::string_view key) const {
  ORIEL_ASSIGN_OR_RETURN(const GgufEntry* entry, Entry(key));
  if (entry->type != GgufType::kArray || !IsInteger(entry->item_type)) {
    return WrongType(source_, *entry, "array of integers");
  }
  std::vector<int64_t> values(entry->num_items);
  for (size_t i = 0; i < values.size(); ++i) {
    const std::optional<int64_t> value =
        LoadInteger(entry->item_type, entry->bytes.data() + i * FixedBytes(entry->item_type));
    if (!value.has_value()) return OutOfRange(source_, *entry, "int64");
    values[i] = *value;
  }
  return values;
}

absl::StatusOr<std::optional<uint64_t>> GgufMetadata::FindUint(std::string_view key) const {
  return Optional(GetUint(key));
}
absl::StatusOr<std::optional<int64_t>> GgufMetadata::FindInt(std::string_view key) const {
  return Optional(GetInt(key));
}
absl::StatusOr<std::optional<float>> GgufMetadata::FindFloat(std::string_view key) const {
  return Optional(GetFloat(key));
}
absl::StatusOr<std::optional<bool>> GgufMetadata::FindBool(std::string_view key) const {
  return Optional(GetBool(key));
}
absl::StatusOr<std::optional<std::string_view>> GgufMetadata::FindString(
    std::string_view key) const {
  return Optional(GetString(key));
}
absl::StatusOr<std::optional<std::vector<std::string_view>>> GgufMetadata::FindStringArray(
    std::string_view key) const {
  return Optional(GetStringArray(key));
}
absl::StatusOr<std::optional<std::vector<float>>> GgufMetadata::FindFloatArray(
    std::string_view key) const {
  return Optional(GetFloatArray(key));
}
absl::StatusOr<std::optional<std::vector<int64_t>>> GgufMetadata::FindIntArray(
    std::string_view key) const {
  return Optional(GetIntArray(key));
}

}  // namespace oriel
