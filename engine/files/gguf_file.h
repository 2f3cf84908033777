#ifndef ORIEL_ENGINE_FILES_GGUF_FILE_H_
#define ORIEL_ENGINE_FILES_GGUF_FILE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/files/gguf_metadata.h"
#include "engine/files/mapped_file.h"
#include "kernels/core/dtype.h"

namespace oriel {

// One tensor as it lies in the file.
struct GgufTensor {
  std::string_view name;
  DType dtype = DType::kF32;
  int num_dims = 1;
  std::array<int64_t, 4> dims{1, 1, 1,
                              1};   // GGUF order: dims[0] is the row length; unused ones are 1
  const std::byte* data = nullptr;  // aligned to GgufFile::alignment()
  int64_t size_bytes = 0;           // RowBytes(dtype, dims[0]) * dims[1] * dims[2] * dims[3]
};

// A GGUF model file, version 2 or 3, mapped into memory and checked as a whole when it is opened:
// after that no view of it can lie outside the file.
//
// Lifecycle   owns the mapping; every view (names, strings, tensor data) lives as long as the file
//             object and survives a move of it.
// Threads     all const methods may be called from several threads.
// Limits      65 535 tensors, a tensor name 64 bytes, 4 dimensions of 1 or more, alignment a power
//             of two of 8 … 65 536 (32 if not stated), the element types of DType; metadata as in
//             gguf_metadata.h.
// Errors      InvalidArgument (not allowed or not supported), DataLoss (the file is too short), and
//             those of MappedFile::Open. The text starts with the path and names what, which and
//             the limit.
class GgufFile {
 public:
  static constexpr uint64_t kTensorsMax = 65535;
  static constexpr uint64_t kTensorNameBytesMax = 64;
  static constexpr uint64_t kDefaultAlignment = 32;
  static constexpr uint64_t kAlignmentMax = 65536;

  static absl::StatusOr<GgufFile> Open(const std::string& path);

  const std::string& path() const { return path_; }
  uint32_t version() const { return version_; }
  uint64_t alignment() const { return alignment_; }
  int64_t size_bytes() const { return static_cast<int64_t>(mapping_.bytes().size()); }

  const GgufMetadata& metadata() const { return metadata_; }

  // In the order of the file.
  std::span<const GgufTensor> tensors() const { return tensors_; }
  // Null if there is none of this name. The pointer lives as long as the file object stays where it
  // is.
  const GgufTensor* FindTensor(std::string_view name) const;
  // NotFound, with path and name, if there is none of this name.
  absl::StatusOr<GgufTensor> GetTensor(std::string_view name) const;

  // Says that a tensor of this file is not read for now, because its weights were copied: its pages
  // need not stay in memory beside the copy.
  void DropResident(const GgufTensor& tensor) const {
    mapping_.DropResident({tensor.data, static_cast<size_t>(tensor.size_bytes)});
  }

 private:
  explicit GgufFile(MappedFile mapping) : mapping_(std::move(mapping)) {}

  absl::Status Parse();
  absl::Status ReadTensors(ByteReader& reader, uint64_t num_tensors);

  std::string path_;
  MappedFile mapping_;
  uint32_t version_ = 0;
  uint64_t alignment_ = kDefaultAlignment;
  GgufMetadata metadata_;
  std::vector<GgufTensor> tensors_;
  std::unordered_map<std::string_view, size_t> index_of_tensor_;
};

}  // namespace oriel

#endif  // ORIEL_ENGINE_FILES_GGUF_FILE_H_
