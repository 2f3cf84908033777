#ifndef ORIEL_ENGINE_FILES_GGUF_METADATA_H_
#define ORIEL_ENGINE_FILES_GGUF_METADATA_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/files/byte_reader.h"

namespace oriel {

// Value types with the numbers that the file gives them.
enum class GgufType : uint32_t {
  kUint8 = 0,
  kInt8 = 1,
  kUint16 = 2,
  kInt16 = 3,
  kUint32 = 4,
  kInt32 = 5,
  kFloat32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kUint64 = 10,
  kInt64 = 11,
  kFloat64 = 12,
};

std::string_view NameOf(GgufType type);

// One key with its value as it lies in the file.
struct GgufEntry {
  std::string_view key;
  GgufType type = GgufType::kUint8;
  GgufType item_type = GgufType::kUint8;  // of an array's items; otherwise equal to type
  uint64_t num_items = 1;
  std::span<const std::byte> bytes;  // checked: holds exactly num_items values of item_type
};

// The key-value part of a GGUF file. Get… wants the key to be there; Find… gives nullopt if it is
// not.
//
// Numbers may have any width in the file: GetUint takes every integer type that holds a value >= 0,
// GetInt every integer that fits int64, GetFloat float32 and float64.
//
// Lifecycle   views into the bytes it was read from; valid as long as they are.
// Threads     all const methods may be called from several threads.
// Limits      keys 65 535, a key 65 535 bytes, a string 64 MiB, an array what the file holds; no
//             array of arrays.
// Errors      NotFound for a missing key, InvalidArgument for another type or range; both name key
//             and type.
class GgufMetadata {
 public:
  static constexpr uint64_t kKeysMax = 65535;
  static constexpr uint64_t kKeyBytesMax = 65535;
  static constexpr uint64_t kStringBytesMax = uint64_t{64} << 20;

  // Reads `num_keys` entries and moves the reader behind them. Errors: InvalidArgument, DataLoss.
  static absl::StatusOr<GgufMetadata> Read(ByteReader& reader, uint64_t num_keys);

  // Errors of Get… and Find… start with this name from now on.
  void NameSource(const std::string& path) { source_ = path + ": "; }

  bool Contains(std::string_view key) const { return index_of_key_.count(key) != 0; }
  std::span<const GgufEntry> entries() const { return entries_; }

  absl::StatusOr<uint64_t> GetUint(std::string_view key) const;
  absl::StatusOr<int64_t> GetInt(std::string_view key) const;
  absl::StatusOr<float> GetFloat(std::string_view key) const;
  absl::StatusOr<bool> GetBool(std::string_view key) const;
  absl::StatusOr<std::string_view> GetString(std::string_view key) const;
  absl::StatusOr<std::vector<std::string_view>> GetStringArray(std::string_view key) const;
  absl::StatusOr<std::vector<float>> GetFloatArray(std::string_view key) const;
  absl::StatusOr<std::vector<int64_t>> GetIntArray(std::string_view key) const;

  absl::StatusOr<std::optional<uint64_t>> FindUint(std::string_view key) const;
  absl::StatusOr<std::optional<int64_t>> FindInt(std::string_view key) const;
  absl::StatusOr<std::optional<float>> FindFloat(std::string_view key) const;
  absl::StatusOr<std::optional<bool>> FindBool(std::string_view key) const;
  absl::StatusOr<std::optional<std::string_view>> FindString(std::string_view key) const;
  absl::StatusOr<std::optional<std::vector<std::string_view>>> FindStringArray(
      std::string_view key) const;
  absl::StatusOr<std::optional<std::vector<float>>> FindFloatArray(std::string_view key) const;
  absl::StatusOr<std::optional<std::vector<int64_t>>> FindIntArray(std::string_view key) const;

 private:
  absl::StatusOr<const GgufEntry*> Entry(std::string_view key) const;

  std::string source_;  // empty or ends with ": "
  std::vector<GgufEntry> entries_;
  std::unordered_map<std::string_view, size_t> index_of_key_;
};

}  // namespace oriel

#endif  // ORIEL_ENGINE_FILES_GGUF_METADATA_H_
