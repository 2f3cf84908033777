#include "tests/support/gguf_writer.h"

#include <fstream>

#include "absl/strings/str_cat.h"
#include "kernels/core/check.h"

namespace oriel {
namespace {

constexpr uint32_t kUint32 = 4;
constexpr uint32_t kInt32 = 5;
constexpr uint32_t kFloat32 = 6;
constexpr uint32_t kBool = 7;
constexpr uint32_t kString = 8;
constexpr uint32_t kArray = 9;
constexpr uint32_t kUint64 = 10;

uint32_t TypeNumber(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return 0;
    case DType::kF16:
      return 1;
    case DType::kBF16:
      return 30;
    case DType::kQ4_0:
      return 2;
    case DType::kQ4_1:
      return 3;
    case DType::kQ5_0:
      return 6;
    case DType::kQ5_1:
      return 7;
    case DType::kQ8_0:
      return 8;
    case DType::kQ4_K:
      return 12;
    case DType::kQ5_K:
      return 13;
    case DType::kQ6_K:
      return 14;
  }
  ORIEL_CHECK(false);
}

void PadTo(std::string& bytes, uint64_t alignment) {
  bytes.resize((bytes.size() + alignment - 1) / alignment * alignment, '\0');
}

template <typename T>
std::string ArrayPayload(uint32_t item_type, std::span<const T> values) {
  std::string payload = GgufNumber(item_type) + GgufNumber<uint64_t>(values.size());
  for (const T& value : values) payload += GgufNumber(value);
  return payload;
}

}  // namespace

std::string GgufString(std::string_view text) {
  return GgufNumber<uint64_t>(text.size()) + std::string(text);
}

void GgufWriter::AddRawEntry(std::string_view key, uint32_t type, std::string_view payload) {
  entries_ += GgufString(key) + GgufNumber(type) + std::string(payload);
  ++num_keys_;
}

void GgufWriter::AddRawTensor(std::string_view name, uint32_t type,
                              const std::vector<uint64_t>& dims, uint64_t offset) {
  tensor_infos_ += GgufString(name) + GgufNumber(static_cast<uint32_t>(dims.size()));
  for (uint64_t extent : dims) tensor_infos_ += GgufNumber(extent);
  tensor_infos_ += GgufNumber(type) + GgufNumber(offset);
  ++num_tensors_;
}

void GgufWriter::AddUint32(std::string_view key, uint32_t value) {
  AddRawEntry(key, kUint32, GgufNumber(value));
}
void GgufWriter::AddUint64(std::string_view key, uint64_t value) {
  AddRawEntry(key, kUint64, GgufNumber(value));
}
void GgufWriter::AddInt32(std::string_view key, int32_t value) {
  AddRawEntry(key, kInt32, GgufNumber(value));
}
void GgufWriter::AddFloat32(std::string_view key, float value) {
  AddRawEntry(key, kFloat32, GgufNumber(value));
}
void GgufWriter::AddBool(std::string_view key, bool value) {
  AddRawEntry(key, kBool, GgufNumber(static_cast<uint8_t>(value)));
}
void GgufWriter::AddString(std::string_view key, std::string_view value) {
  AddRawEntry(key, kString, GgufString(value));
}

void GgufWriter::AddStringArray(std::string_view key, std::span<const std::string> values) {
  std::string payload = GgufNumber(kString) + GgufNumber<uint64_t>(values.size());
  for (const std::string& value : values) payload += GgufString(value);
  AddRawEntry(key, kArray, payload);
}
void GgufWriter::AddInt32Array(std::string_view key, std::span<const int32_t> values) {
  AddRawEntry(key, kArray, ArrayPayload(kInt32, values));
}
void GgufWriter::AddFloat32Array(std::string_view key, std::span<const float> values) {
  AddRawEntry(key, kArray, ArrayPayload(kFloat32, values));
}

void GgufWriter::SetAlignment(uint32_t alignment) {
  alignment_ = alignment;
  AddUint32("general.alignment", alignment);
}

void GgufWriter::AddTensor(std::string_view name, DType dtype, const std::vector<int64_t>& dims,
                           std::span<const std::byte> data) {
  PadTo(data_, alignment_);
  AddRawTensor(name, TypeNumber(dtype), {dims.begin(), dims.end()}, data_.size());
  data_.append(reinterpret_cast<const char*>(data.data()), data.size());
}

std::string GgufWriter::Bytes() const {
  std::string bytes = "GGUF" + GgufNumber(version_) + GgufNumber(num_tensors_) +
                      GgufNumber(num_keys_) + entries_ + tensor_infos_;
  if (alignment_ != 0) PadTo(bytes, alignment_);
  return bytes + data_;
}

absl::Status GgufWriter::WriteTo(const std::string& path) const {
  std::ofstream file(path, std::ios::binary);
  const std::string bytes = Bytes();
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) return absl::InternalError(absl::StrCat(path, ": cannot write"));
  return absl::OkStatus();
}

}  // namespace oriel
