#ifndef ORIEL_TESTS_SUPPORT_GGUF_WRITER_H_
#define ORIEL_TESTS_SUPPORT_GGUF_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "kernels/core/dtype.h"

namespace oriel {

// Writes GGUF files for tests: metadata, then tensors. What is added is written as it is, so that a
// test can also make a broken file; the typed methods alone give a valid one.
//
//   GgufWriter writer;
//   writer.AddString("general.architecture", "llama");
//   writer.AddTensor("token_embd.weight", DType::kF32, {64, 256}, bytes);
//   ASSERT_TRUE(writer.WriteTo(path).ok());
//
// Lifecycle   copies what it is given. Bytes() may be called more than once.
class GgufWriter {
 public:
  void AddUint32(std::string_view key, uint32_t value);
  void AddUint64(std::string_view key, uint64_t value);
  void AddInt32(std::string_view key, int32_t value);
  void AddFloat32(std::string_view key, float value);
  void AddBool(std::string_view key, bool value);
  void AddString(std::string_view key, std::string_view value);
  void AddStringArray(std::string_view key, std::span<const std::string> values);
  void AddInt32Array(std::string_view key, std::span<const int32_t> values);
  void AddFloat32Array(std::string_view key, std::span<const float> values);

  // `dims` in GGUF order: dims[0] is the row length. The data must have the bytes that dtype and
  // dims need.
  void AddTensor(std::string_view name, DType dtype, const std::vector<int64_t>& dims,
                 std::span<const std::byte> data);

  // Any value type number with any payload.
  void AddRawEntry(std::string_view key, uint32_t type, std::string_view payload);
  // Any element type number, dimensions and data offset, without data.
  void AddRawTensor(std::string_view name, uint32_t type, const std::vector<uint64_t>& dims,
                    uint64_t offset);

  void set_version(uint32_t version) { version_ = version; }
  // Where tensors are placed. Also writes the key general.alignment.
  void SetAlignment(uint32_t alignment);

  std::string Bytes() const;
  absl::Status WriteTo(const std::string& path) const;

 private:
  uint32_t version_ = 3;
  uint64_t alignment_ = 32;
  uint64_t num_keys_ = 0;
  uint64_t num_tensors_ = 0;
  std::string entries_;
  std::string tensor_infos_;
  std::string data_;
};

// The payload parts of raw entries: a little-endian number, and a string with its length before it.
template <typename T>
std::string GgufNumber(T value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof(T));
}
std::string GgufString(std::string_view text);

}  // namespace oriel

#endif  // ORIEL_TESTS_SUPPORT_GGUF_WRITER_H_
