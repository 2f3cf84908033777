#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "engine/files/gguf_file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/gguf_writer.h"
#include "tests/support/temporary_file.h"

namespace oriel {
namespace {

using ::testing::HasSubstr;

constexpr uint32_t kF32 = 0;
constexpr uint32_t kQ4_0 = 2;
constexpr uint32_t kStringType = 8;
constexpr uint32_t kArrayType = 9;

struct BrokenFile {
  std::string name;
  std::string bytes;
  absl::StatusCode code;
  std::string message;  // a part of the error's text
};

std::string Header(uint32_t version, uint64_t num_tensors, uint64_t num_keys) {
  return "GGUF" + GgufNumber(version) + GgufNumber(num_tensors) + GgufNumber(num_keys);
}

std::string Written(const std::function<void(GgufWriter&)>& fill) {
  GgufWriter writer;
  fill(writer);
  return writer.Bytes();
}

std::string OneTensor(uint32_t type, const std::vector<uint64_t>& dims, uint64_t offset) {
  return Written([&](GgufWriter& writer) { writer.AddRawTensor("w", type, dims, offset); });
}

std::string OneEntry(uint32_t type, const std::string& payload) {
  return Written([&](GgufWriter& writer) { writer.AddRawEntry("k", type, payload); });
}

std::vector<BrokenFile> BrokenHeaders() {
  constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;
  constexpr absl::StatusCode kLost = absl::StatusCode::kDataLoss;
  const uint64_t huge = std::numeric_limits<uint64_t>::max();
  return {
      {"ZeroLength", "", kLost, "GGUF magic at byte 0 needs 4 bytes, but the file has 0"},
      {"TruncatedMagic", "GGU", kLost, "GGUF magic at byte 0 needs 4 bytes"},
      {"BadMagic", "GGML" + Header(3, 0, 0).substr(4), kInvalid, "is not a GGUF file"},
      {"Version1", Header(1, 0, 0), kInvalid, "GGUF version 1 is not supported"},
      {"Version99", Header(99, 0, 0), kInvalid, "GGUF version 99 is not supported"},
      {"BigEndian", Header(0x03000000, 0, 0), kInvalid, "a big-endian file"},
      {"TruncatedHeader", Header(3, 0, 0).substr(0, 20), kLost,
       "metadata key count at byte 16 needs 8 bytes, but the file has 4"},
      {"HugeTensorCount", Header(3, huge, 0), kInvalid, "tensors, at most 65535 are allowed"},
      {"HugeKeyCount", Header(3, 0, huge), kInvalid, "metadata keys, at most 65535 are allowed"},
      {"KeysMissing", Header(3, 0, 3), kLost, "metadata key at byte 24"},
      {"TensorsMissing", Header(3, 2, 0), kLost, "tensor name at byte 24"},
  };
}

std::vector<BrokenFile> BrokenEntries() {
  constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;
  constexpr absl::StatusCode kLost = absl::StatusCode::kDataLoss;
  const std::string alignment = "general.alignment";
  return {
      {"StringPastTheEnd", OneEntry(kStringType, GgufNumber<uint64_t>(4096)), kLost,
       "metadata key 'k': string at byte"},
      {"StringTooLong", OneEntry(kStringType, GgufNumber<uint64_t>(uint64_t{1} << 60)), kInvalid,
       "at most 67108864 are allowed"},
      {"KeyTooLong", Header(3, 0, 1) + GgufString(std::string(70000, 'k')), kInvalid,
       "metadata key at byte 24 has 70000 bytes, at most 65535 are allowed"},
      {"UnknownValueType", OneEntry(13, "12345678"), kInvalid, "unknown value type 13"},
      {"ArrayOfArrays",
       OneEntry(kArrayType, GgufNumber(kArrayType) + GgufNumber<uint64_t>(1) + std::string(32, 0)),
       kInvalid, "array of arrays is not supported"},
      {"ArrayOfUnknownType", OneEntry(kArrayType, GgufNumber(77) + GgufNumber<uint64_t>(1)),
       kInvalid, "unknown value type 77"},
      {"HugeArray",
       OneEntry(kArrayType, GgufNumber(kStringType) + GgufNumber<uint64_t>(uint64_t{1} << 61)),
       kLost, "array of 2305843009213693952 string values does not fit"},
      {"ArrayStringPastTheEnd",
       OneEntry(kArrayType, GgufNumber(kStringType) + GgufNumber<uint64_t>(2) + GgufString("a") +
                                GgufNumber<uint64_t>(999)),
       kLost, "string at byte"},
      {"DuplicateKey", Written([](GgufWriter& writer) {
         writer.AddUint32("general.file_type", 1);
         writer.AddUint32("general.file_type", 2);
       }),
       kInvalid, "metadata key 'general.file_type' occurs twice"},
      {"AlignmentZero", Written([&](GgufWriter& writer) { writer.AddUint32(alignment, 0); }),
       kInvalid, "'general.alignment' is 0, must be a power of two of 8 to 65536"},
      {"AlignmentNotAPowerOfTwo",
       Written([&](GgufWriter& writer) { writer.AddUint32(alignment, 48); }), kInvalid,
       "'general.alignment' is 48"},
      {"AlignmentTooLarge",
       Written([&](GgufWriter& writer) { writer.AddUint64(alignment, uint64_t{1} << 40); }),
       kInvalid, "'general.alignment' is 1099511627776"},
      {"AlignmentOfAnotherType",
       Written([&](GgufWriter& writer) { writer.AddString(alignment, "32"); }), kInvalid,
       "'general.alignment' has type string"},
  };
}

std::vector<BrokenFile> BrokenTensors() {
  constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;
  constexpr absl::StatusCode kLost = absl::StatusCode::kDataLoss;
  const uint64_t half = uint64_t{1} << 32;
  return {
      {"NameTooLong",
       Written([](GgufWriter& writer) { writer.AddRawTensor(std::string(65, 'w'), kF32, {1}, 0); }),
       kInvalid, "tensor name at byte 24 has 65 bytes, at most 64 are allowed"},
      {"NoDimensions", OneTensor(kF32, {}, 0), kInvalid, "has 0 dimensions, 1 to 4 are allowed"},
      {"FiveDimensions", OneTensor(kF32, {1, 1, 1, 1, 1}, 0), kInvalid, "has 5 dimensions"},
      {"DimensionZero", OneTensor(kF32, {4, 0}, 0), kInvalid, "dimension 1 is 0"},
      {"DimensionNegative", OneTensor(kF32, {uint64_t{1} << 63}, 0), kInvalid,
       "dimension 0 is 9223372036854775808"},
      {"RowOverflows", OneTensor(kF32, {uint64_t{1} << 62}, 0), kInvalid, "overflow a size"},
      {"ProductOverflows", OneTensor(kF32, {half, half, half, half}, 0), kInvalid,
       "tensor 'w': dimensions 4294967296 x 4294967296"},
      {"ProductOverflowsToASmallNumber", OneTensor(kF32, {half, half, 1, 1}, 0), kInvalid,
       "overflow a size of 63 bits"},
      {"UnknownElementType", OneTensor(4711, {1}, 0), kInvalid,
       "element type 4711 (unknown) is not supported, types are F32, F16, BF16, Q4_0"},
      {"UnsupportedElementType", OneTensor(10, {256}, 0), kInvalid, "element type 10 (Q2_K)"},
      {"RowNotAMultipleOfABlock", OneTensor(kQ4_0, {33, 2}, 0), kInvalid,
       "row of 33 values is not a multiple of the 32 values of a block of Q4_0"},
      {"MisalignedOffset", OneTensor(kF32, {1}, 12), kInvalid,
       "data offset 12 is not a multiple of the alignment 32"},
      {"TensorPastTheEnd", OneTensor(kF32, {1024}, 0), kLost,
       "tensor 'w' needs 4096 bytes at data offset 0, but the data part has 0 bytes"},
      {"OffsetPastTheEnd", OneTensor(kF32, {1}, uint64_t{1} << 63), kLost,
       "at data offset 9223372036854775808"},
      {"DuplicateTensor", Written([](GgufWriter& writer) {
         const std::vector<std::byte> data(4);
         writer.AddTensor("w", DType::kF32, {1}, data);
         writer.AddTensor("w", DType::kF32, {1}, data);
       }),
       kInvalid, "tensor 'w' occurs twice"},
      {"ControlBytesInAName",
       Written([](GgufWriter& writer) { writer.AddRawTensor("w\n\x1b[2J", 4711, {1}, 0); }),
       kInvalid, "tensor 'w??[2J'"},
  };
}

class GgufBrokenFileTest : public testing::TestWithParam<BrokenFile> {};

TEST_P(GgufBrokenFileTest, IsRefusedWithItsReason) {
  const TemporaryFile written(GetParam().bytes);
  const absl::Status status = GgufFile::Open(written.path()).status();
  EXPECT_EQ(status.code(), GetParam().code) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(written.path()));
  EXPECT_THAT(std::string(status.message()), HasSubstr(GetParam().message));
}

std::string NameOfCase(const testing::TestParamInfo<BrokenFile>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Header, GgufBrokenFileTest, testing::ValuesIn(BrokenHeaders()),
                         NameOfCase);
INSTANTIATE_TEST_SUITE_P(Entries, GgufBrokenFileTest, testing::ValuesIn(BrokenEntries()),
                         NameOfCase);
INSTANTIATE_TEST_SUITE_P(Tensors, GgufBrokenFileTest, testing::ValuesIn(BrokenTensors()),
                         NameOfCase);

std::string SmallModel() {
  GgufWriter writer;
  writer.AddString("general.architecture", "llama");
  writer.AddStringArray("tokenizer.ggml.tokens", std::vector<std::string>{"a", "b", "ab"});
  writer.AddTensor("w", DType::kF32, {8, 2}, std::vector<std::byte>(64));
  writer.AddTensor("v", DType::kQ8_0, {32}, std::vector<std::byte>(34));
  return writer.Bytes();
}

TEST(GgufBrokenFileTest, EveryTruncationIsRefused) {
  const std::string bytes = SmallModel();
  for (size_t size = 0; size < bytes.size(); ++size) {
    const TemporaryFile written(bytes.substr(0, size));
    EXPECT_FALSE(GgufFile::Open(written.path()).ok()) << size << " of " << bytes.size();
  }
}

// Whatever a changed file says, an opened one has only tensors inside of the mapping.
TEST(GgufBrokenFileTest, ChangedBytesNeverGiveATensorOutsideTheFile) {
  std::mt19937 random(4711);
  const std::string bytes = SmallModel();
  for (int round = 0; round < 500; ++round) {
    std::string changed = bytes;
    for (uint32_t i = 0; i <= random() % 3; ++i) {
      changed[random() % changed.size()] = static_cast<char>(random());
    }
    const TemporaryFile written(changed);
    const absl::StatusOr<GgufFile> file = GgufFile::Open(written.path());
    if (!file.ok()) continue;
    unsigned sum = 0;
    for (const GgufTensor& tensor : file->tensors()) {
      ASSERT_LE(tensor.size_bytes, file->size_bytes());
      for (int64_t i = 0; i < tensor.size_bytes; ++i) sum += static_cast<unsigned>(tensor.data[i]);
    }
    for (const GgufEntry& entry : file->metadata().entries()) {
      for (std::byte byte : entry.bytes) sum += static_cast<unsigned>(byte);
    }
    EXPECT_LT(sum, 1u << 24);
  }
}

}  // namespace
}  // namespace oriel
