#include "engine/files/gguf_file.h"

#include <bit>
#include <limits>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "kernels/core/status.h"

namespace oriel {
namespace {

constexpr uint32_t kMagic = 0x46554747;  // "GGUF", read as a little-endian number
constexpr uint32_t kVersionMin = 2;      // version 1 has 32-bit counts
constexpr uint32_t kVersionMax = 3;
constexpr uint64_t kAlignmentMin = 8;
constexpr std::string_view kSupportedTypes =
    "F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K, Q6_K";

// The element type numbers of the file format that have kernels here.
std::optional<DType> DTypeOf(uint32_t number) {
  switch (number) {
    case 0:
      return DType::kF32;
    case 1:
      return DType::kF16;
    case 2:
      return DType::kQ4_0;
    case 3:
      return DType::kQ4_1;
    case 6:
      return DType::kQ5_0;
    case 7:
      return DType::kQ5_1;
    case 8:
      return DType::kQ8_0;
    case 12:
      return DType::kQ4_K;
    case 13:
      return DType::kQ5_K;
    case 14:
      return DType::kQ6_K;
    case 30:
      return DType::kBF16;
  }
  return std::nullopt;
}

// Names of the types that other tools write and that have no kernel here.
std::string_view UnsupportedTypeName(uint32_t number) {
  switch (number) {
    case 9:
      return "Q8_1";
    case 10:
      return "Q2_K";
    case 11:
      return "Q3_K";
    case 15:
      return "Q8_K";
    case 16:
      return "IQ2_XXS";
    case 17:
      return "IQ2_XS";
    case 18:
      return "IQ3_XXS";
    case 19:
      return "IQ1_S";
    case 20:
      return "IQ4_NL";
    case 21:
      return "IQ3_S";
    case 22:
      return "IQ2_S";
    case 23:
      return "IQ4_XS";
    case 24:
      return "I8";
    case 25:
      return "I16";
    case 26:
      return "I32";
    case 27:
      return "I64";
    case 28:
      return "F64";
    case 29:
      return "IQ1_M";
    case 34:
      return "TQ1_0";
    case 35:
      return "TQ2_0";
    case 39:
      return "MXFP4";
  }
  return "unknown";
}

struct Header {
  uint32_t version = 0;
  uint64_t num_tensors = 0;
  uint64_t num_keys = 0;
};

absl::StatusOr<Header> ReadHeader(ByteReader& reader) {
  Header header;
  ORIEL_ASSIGN_OR_RETURN(const uint32_t magic, reader.Read<uint32_t>("GGUF magic"));
  if (magic != kMagic) {
    return absl::InvalidArgumentError("is not a GGUF file: the first four bytes are not 'GGUF'");
  }
  ORIEL_ASSIGN_OR_RETURN(header.version, reader.Read<uint32_t>("GGUF version"));
  if (header.version < kVersionMin || header.version > kVersionMax) {
    const bool swapped = (header.version & 0xFFFFu) == 0;
    return absl::InvalidArgumentError(
        absl::StrCat("GGUF version ", header.version, swapped ? " (a big-endian file)" : "",
                     " is not supported, versions are ", kVersionMin, " and ", kVersionMax));
  }
  ORIEL_ASSIGN_OR_RETURN(header.num_tensors, reader.Read<uint64_t>("tensor count"));
  ORIEL_ASSIGN_OR_RETURN(header.num_keys, reader.Read<uint64_t>("metadata key count"));
  if (header.num_tensors > GgufFile::kTensorsMax) {
    return absl::InvalidArgumentError(absl::StrCat("file says it has ", header.num_tensors,
                                                   " tensors, at most ", GgufFile::kTensorsMax,
                                                   " are allowed"));
  }
  return header;
}

absl::StatusOr<uint64_t> ReadAlignment(const GgufMetadata& metadata) {
  ORIEL_ASSIGN_OR_RETURN(const std::optional<uint64_t> stated,
                         metadata.FindUint("general.alignment"));
  const uint64_t alignment = stated.value_or(GgufFile::kDefaultAlignment);
  if (!std::has_single_bit(alignment) || alignment < kAlignmentMin ||
      alignment > GgufFile::kAlignmentMax) {
    return absl::InvalidArgumentError(absl::StrCat("metadata key 'general.alignment' is ",
                                                   alignment, ", must be a power of two of ",
                                                   kAlignmentMin, " to ", GgufFile::kAlignmentMax));
  }
  return alignment;
}

absl::Status ReadDims(ByteReader& reader, GgufTensor& tensor) {
  ORIEL_ASSIGN_OR_RETURN(const uint32_t num_dims, reader.Read<uint32_t>("dimension count"));
  if (num_dims < 1 || num_dims > tensor.dims.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("has ", num_dims, " dimensions, 1 to ", tensor.dims.size(), " are allowed"));
  }
  tensor.num_dims = static_cast<int>(num_dims);
  for (uint32_t i = 0; i < num_dims; ++i) {
    ORIEL_ASSIGN_OR_RETURN(const uint64_t extent, reader.Read<uint64_t>("dimension"));
    if (extent < 1 || extent > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
      return absl::InvalidArgumentError(
          absl::StrCat("dimension ", i, " is ", extent, ", must be 1 to 2^63 - 1"));
    }
    tensor.dims[i] = static_cast<int64_t>(extent);
  }
  return absl::OkStatus();
}

absl::Status ReadDType(ByteReader& reader, GgufTensor& tensor) {
  ORIEL_ASSIGN_OR_RETURN(const uint32_t number, reader.Read<uint32_t>("element type"));
  const std::optional<DType> dtype = DTypeOf(number);
  if (!dtype.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat("element type ", number, " (", ToAbsl(UnsupportedTypeName(number)),
                     ") is not supported, types are ", ToAbsl(kSupportedTypes)));
  }
  tensor.dtype = *dtype;
  return absl::OkStatus();
}

absl::Status ComputeSize(GgufTensor& tensor) {
  const DTypeTraits traits = TraitsOf(tensor.dtype);
  if (tensor.dims[0] % traits.block_elements != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("row of ", tensor.dims[0], " values is not a multiple of the ",
                     traits.block_elements, " values of a block of ", ToAbsl(traits.name)));
  }
  int64_t size_bytes = tensor.dims[0] / traits.block_elements;
  bool overflow = __builtin_mul_overflow(size_bytes, int64_t{traits.block_bytes}, &size_bytes);
  for (size_t i = 1; i < tensor.dims.size(); ++i) {
    overflow = overflow || __builtin_mul_overflow(size_bytes, tensor.dims[i], &size_bytes);
  }
  if (overflow) {
    return absl::InvalidArgumentError(absl::StrCat("dimensions ", tensor.dims[0], " x ",
                                                   tensor.dims[1], " x ", tensor.dims[2], " x ",
                                                   tensor.dims[3], " overflow a size of 63 bits"));
  }
  tensor.size_bytes = size_bytes;
  return absl::OkStatus();
}

// Reads all but the name; `offset` counts from the start of the data part, which is not known yet.
absl::Status ReadTensor(ByteReader& reader, uint64_t alignment, GgufTensor& tensor,
                        uint64_t& offset) {
  ORIEL_RETURN_IF_ERROR(ReadDims(reader, tensor));
  ORIEL_RETURN_IF_ERROR(ReadDType(reader, tensor));
  ORIEL_RETURN_IF_ERROR(ComputeSize(tensor));
  ORIEL_ASSIGN_OR_RETURN(offset, reader.Read<uint64_t>("data offset"));
  if (offset % alignment != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("data offset ", offset, " is not a multiple of the alignment ", alignment));
  }
  return absl::OkStatus();
}

std::string Quoted(std::string_view name) {
  std::string shown(name);
  for (char& c : shown) {
    if (c < ' ' || c > '~') c = '?';
  }
  return absl::StrCat("tensor '", shown, "'");
}

absl::Status WithPrefix(const absl::Status& status, const std::string& prefix) {
  return absl::Status(status.code(), absl::StrCat(prefix, ": ", status.message()));
}

}  // namespace

absl::StatusOr<GgufFile> GgufFile::Open(const std::string& path) {
  ORIEL_ASSIGN_OR_RETURN(MappedFile mapping, MappedFile::Open(path));
  GgufFile file(std::move(mapping));
  file.path_ = path;
  if (absl::Status status = file.Parse(); !status.ok()) return WithPrefix(status, path);
  file.metadata_.NameSource(path);
  return file;
}

absl::Status GgufFile::Parse() {
  ByteReader reader(mapping_.bytes());
  ORIEL_ASSIGN_OR_RETURN(const Header header, ReadHeader(reader));
  version_ = header.version;
  ORIEL_ASSIGN_OR_RETURN(metadata_, GgufMetadata::Read(reader, header.num_keys));
  ORIEL_ASSIGN_OR_RETURN(alignment_, ReadAlignment(metadata_));
  return ReadTensors(reader, header.num_tensors);
}

absl::Status GgufFile::ReadTensors(ByteReader& reader, uint64_t num_tensors) {
  std::vector<uint64_t> offsets;
  for (uint64_t i = 0; i < num_tensors; ++i) {
    GgufTensor tensor;
    uint64_t offset = 0;
    ORIEL_ASSIGN_OR_RETURN(tensor.name, reader.ReadString("tensor name", kTensorNameBytesMax));
    if (absl::Status status = ReadTensor(reader, alignment_, tensor, offset); !status.ok()) {
      return WithPrefix(status, Quoted(tensor.name));
    }
    if (!index_of_tensor_.emplace(tensor.name, tensors_.size()).second) {
      return absl::InvalidArgumentError(absl::StrCat(Quoted(tensor.name), " occurs twice"));
    }
    tensors_.push_back(tensor);
    offsets.push_back(offset);
  }

  // The data part starts at the next multiple of the alignment. The reader has not passed the end,
  // so the sum cannot overflow; a file without tensors may end before that multiple.
  const uint64_t data_start = (reader.offset() + alignment_ - 1) / alignment_ * alignment_;
  const uint64_t file_bytes = mapping_.bytes().size();
  const uint64_t data_bytes = file_bytes > data_start ? file_bytes - data_start : 0;
  for (size_t i = 0; i < tensors_.size(); ++i) {
    const uint64_t size_bytes = static_cast<uint64_t>(tensors_[i].size_bytes);
    if (offsets[i] > data_bytes || size_bytes > data_bytes - offsets[i]) {
      return absl::DataLossError(absl::StrCat(
          Quoted(tensors_[i].name), " needs ", size_bytes, " bytes at data offset ", offsets[i],
          ", but the data part has ", data_bytes, " bytes: the file is cut off or damaged"));
    }
    tensors_[i].data = mapping_.bytes().data() + data_start + offsets[i];
  }
  return absl::OkStatus();
}

const GgufTensor* GgufFile::FindTensor(std::string_view name) const {
  const auto found = index_of_tensor_.find(name);
  return found == index_of_tensor_.end() ? nullptr : &tensors_[found->second];
}

absl::StatusOr<GgufTensor> GgufFile::GetTensor(std::string_view name) const {
  const GgufTensor* tensor = FindTensor(name);
  if (tensor != nullptr) return *tensor;
  return absl::NotFoundError(absl::StrCat(path_, ": tensor '", ToAbsl(name), "' is missing"));
}

}  // namespace oriel
