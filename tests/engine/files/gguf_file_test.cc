#include "engine/files/gguf_file.h"

#include <cstring>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/gguf_writer.h"
#include "tests/support/temporary_file.h"

namespace oriel {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::byte> Counting(size_t size_bytes) {
  std::vector<std::byte> bytes(size_bytes);
  for (size_t i = 0; i < size_bytes; ++i) bytes[i] = static_cast<std::byte>(i * 7);
  return bytes;
}

TEST(GgufFileTest, ReadsBackTensorsAsWritten) {
  const std::vector<std::byte> embedding = Counting(4 * 6 * 2);
  const std::vector<std::byte> blocks = Counting(2 * 3 * 18);
  GgufWriter writer;
  writer.AddString("general.architecture", "llama");
  writer.AddTensor("token_embd.weight", DType::kF16, {6, 4}, embedding);
  writer.AddTensor("blk.0.attn_q.weight", DType::kQ4_0, {64, 3}, blocks);
  const TemporaryFile written(writer.Bytes());

  absl::StatusOr<GgufFile> file = GgufFile::Open(written.path());
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->version(), 3u);
  EXPECT_EQ(file->tensors().size(), 2u);
  const GgufTensor* tensor = file->FindTensor("blk.0.attn_q.weight");
  ASSERT_NE(tensor, nullptr);
  EXPECT_EQ(tensor->dtype, DType::kQ4_0);
  EXPECT_EQ(tensor->num_dims, 2);
  EXPECT_THAT(tensor->dims, ElementsAre(64, 3, 1, 1));
  ASSERT_EQ(tensor->size_bytes, static_cast<int64_t>(blocks.size()));
  EXPECT_EQ(std::memcmp(tensor->data, blocks.data(), blocks.size()), 0);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor->data) % 32, 0u);
  const GgufTensor& first = file->tensors()[0];
  EXPECT_EQ(first.name, "token_embd.weight");
  EXPECT_EQ(std::memcmp(first.data, embedding.data(), embedding.size()), 0);
}

TEST(GgufFileTest, ReadsEveryElementType) {
  GgufWriter writer;
  const std::vector<DType> dtypes = {DType::kF32,  DType::kF16,  DType::kBF16, DType::kQ4_0,
                                     DType::kQ4_1, DType::kQ5_0, DType::kQ5_1, DType::kQ8_0,
                                     DType::kQ4_K, DType::kQ5_K, DType::kQ6_K};
  for (DType dtype : dtypes) {
    const std::vector<std::byte> row = Counting(static_cast<size_t>(*RowBytes(dtype, 256)));
    writer.AddTensor(TraitsOf(dtype).name, dtype, {256}, row);
  }
  const TemporaryFile written(writer.Bytes());
  absl::StatusOr<GgufFile> file = GgufFile::Open(written.path());
  ASSERT_TRUE(file.ok()) << file.status();
  for (DType dtype : dtypes) {
    const GgufTensor* tensor = file->FindTensor(TraitsOf(dtype).name);
    ASSERT_NE(tensor, nullptr) << TraitsOf(dtype).name;
    EXPECT_EQ(tensor->dtype, dtype);
    EXPECT_EQ(tensor->size_bytes, *RowBytes(dtype, 256));
  }
}

TEST(GgufFileTest, ViewsSurviveAMoveOfTheFile) {
  GgufWriter writer;
  writer.AddString("general.name", "tiny");
  writer.AddTensor("w", DType::kF32, {1}, Counting(4));
  const TemporaryFile written(writer.Bytes());
  absl::StatusOr<GgufFile> file = GgufFile::Open(written.path());
  ASSERT_TRUE(file.ok()) << file.status();
  const GgufFile moved = std::move(*file);
  ASSERT_NE(moved.FindTensor("w"), nullptr);
  EXPECT_EQ(moved.FindTensor("w")->name, "w");
  EXPECT_EQ(*moved.metadata().GetString("general.name"), "tiny");
}

TEST(GgufFileTest, PlacesDataByTheStatedAlignment) {
  GgufWriter writer;
  writer.SetAlignment(256);
  writer.AddTensor("a", DType::kF32, {1}, Counting(4));
  writer.AddTensor("b", DType::kF32, {2}, Counting(8));
  const TemporaryFile written(writer.Bytes());
  absl::StatusOr<GgufFile> file = GgufFile::Open(written.path());
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->alignment(), 256u);
  EXPECT_EQ(file->FindTensor("b")->data - file->FindTensor("a")->data, 256);
  EXPECT_EQ(std::memcmp(file->FindTensor("b")->data, Counting(8).data(), 8), 0);
}

TEST(GgufFileTest, AcceptsVersionTwo) {
  GgufWriter writer;
  writer.set_version(2);
  writer.AddTensor("w", DType::kF32, {1}, Counting(4));
  const TemporaryFile written(writer.Bytes());
  absl::StatusOr<GgufFile> file = GgufFile::Open(written.path());
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->version(), 2u);
}

TEST(GgufFileTest, AcceptsAFileWithMetadataAlone) {
  GgufWriter writer;
  writer.AddBool("tokenizer.ggml.add_bos_token", true);
  const TemporaryFile written(writer.Bytes());
  absl::StatusOr<GgufFile> file = GgufFile::Open(written.path());
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_TRUE(file->tensors().empty());
}

TEST(GgufFileTest, AMissingTensorIsNamedWithTheFile) {
  const TemporaryFile written(GgufWriter().Bytes());
  absl::StatusOr<GgufFile> file = GgufFile::Open(written.path());
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->FindTensor("output.weight"), nullptr);
  const absl::Status status = file->GetTensor("output.weight").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr(written.path()));
  EXPECT_THAT(std::string(status.message()), HasSubstr("tensor 'output.weight' is missing"));
}

}  // namespace
}  // namespace oriel
