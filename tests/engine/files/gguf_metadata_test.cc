#include "engine/files/gguf_metadata.h"

#include <limits>
#include <vector>

#include "engine/files/gguf_file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/gguf_writer.h"
#include "tests/support/temporary_file.h"

namespace oriel {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

GgufFile Open(const TemporaryFile& written) {
  absl::StatusOr<GgufFile> file = GgufFile::Open(written.path());
  EXPECT_TRUE(file.ok()) << file.status();
  return std::move(file).value();
}

TEST(GgufMetadataTest, ReadsEveryKindOfValue) {
  GgufWriter writer;
  writer.AddUint32("llama.block_count", 30);
  writer.AddUint64("big", uint64_t{1} << 40);
  writer.AddInt32("negative", -7);
  writer.AddFloat32("llama.rope.freq_base", 100000.0f);
  writer.AddBool("yes", true);
  writer.AddString("general.name", "tiny");
  writer.AddStringArray("tokens", std::vector<std::string>{"a", "", "bcd"});
  writer.AddInt32Array("types", std::vector<int32_t>{1, -2, 3});
  writer.AddFloat32Array("scores", std::vector<float>{0.5f, -1.5f});
  const TemporaryFile written(writer.Bytes());
  const GgufFile file = Open(written);
  const GgufMetadata& metadata = file.metadata();

  EXPECT_EQ(*metadata.GetUint("llama.block_count"), 30u);
  EXPECT_EQ(*metadata.GetUint("big"), uint64_t{1} << 40);
  EXPECT_EQ(*metadata.GetInt("negative"), -7);
  EXPECT_EQ(*metadata.GetFloat("llama.rope.freq_base"), 100000.0f);
  EXPECT_TRUE(*metadata.GetBool("yes"));
  EXPECT_EQ(*metadata.GetString("general.name"), "tiny");
  EXPECT_THAT(*metadata.GetStringArray("tokens"), ElementsAre("a", "", "bcd"));
  EXPECT_THAT(*metadata.GetIntArray("types"), ElementsAre(1, -2, 3));
  EXPECT_THAT(*metadata.GetFloatArray("scores"), ElementsAre(0.5f, -1.5f));
  EXPECT_EQ(metadata.entries().size(), 9u);
  EXPECT_TRUE(metadata.Contains("yes"));
}

TEST(GgufMetadataTest, ReadsIntegersOfEveryWidth) {
  GgufWriter writer;
  writer.AddRawEntry("u8", 0, GgufNumber<uint8_t>(200));
  writer.AddRawEntry("i8", 1, GgufNumber<int8_t>(-100));
  writer.AddRawEntry("u16", 2, GgufNumber<uint16_t>(60000));
  writer.AddRawEntry("i16", 3, GgufNumber<int16_t>(-30000));
  writer.AddRawEntry("u64", 10, GgufNumber<uint64_t>(std::numeric_limits<uint64_t>::max()));
  writer.AddRawEntry("i64", 11, GgufNumber<int64_t>(-5));
  writer.AddRawEntry("f64", 12, GgufNumber<double>(0.25));
  const TemporaryFile written(writer.Bytes());
  const GgufFile file = Open(written);
  const GgufMetadata& metadata = file.metadata();

  EXPECT_EQ(*metadata.GetUint("u8"), 200u);
  EXPECT_EQ(*metadata.GetInt("i8"), -100);
  EXPECT_EQ(*metadata.GetUint("u16"), 60000u);
  EXPECT_EQ(*metadata.GetInt("i16"), -30000);
  EXPECT_EQ(*metadata.GetUint("u64"), std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(*metadata.GetInt("i64"), -5);
  EXPECT_EQ(*metadata.GetFloat("f64"), 0.25f);
}

TEST(GgufMetadataTest, RefusesNumbersThatDoNotFit) {
  GgufWriter writer;
  writer.AddInt32("negative", -1);
  writer.AddUint64("large", std::numeric_limits<uint64_t>::max());
  const TemporaryFile written(writer.Bytes());
  const GgufFile file = Open(written);
  EXPECT_THAT(std::string(file.metadata().GetUint("negative").status().message()),
              HasSubstr("'negative' of type int32 has a value outside of the unsigned integers"));
  EXPECT_THAT(std::string(file.metadata().GetInt("large").status().message()),
              HasSubstr("'large' of type uint64 has a value outside of int64"));
}

TEST(GgufMetadataTest, NamesKeyTypeAndFileWhenTheTypeIsWrong) {
  GgufWriter writer;
  writer.AddString("llama.block_count", "thirty");
  writer.AddFloat32Array("tokens", std::vector<float>{1.0f});
  const TemporaryFile written(writer.Bytes());
  const GgufFile file = Open(written);
  const absl::Status status = file.metadata().GetUint("llama.block_count").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr(written.path()));
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("'llama.block_count' has type string, expected an unsigned integer"));
  EXPECT_THAT(std::string(file.metadata().GetStringArray("tokens").status().message()),
              HasSubstr("'tokens' has type array of float32, expected array of string"));
}

TEST(GgufMetadataTest, AMissingKeyIsNotFoundForGetAndNothingForFind) {
  const TemporaryFile written(GgufWriter().Bytes());
  const GgufFile file = Open(written);
  const absl::Status status = file.metadata().GetFloat("llama.rope.freq_base").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("'llama.rope.freq_base' is missing"));
  const absl::StatusOr<std::optional<float>> found =
      file.metadata().FindFloat("llama.rope.freq_base");
  ASSERT_TRUE(found.ok());
  EXPECT_FALSE(found->has_value());
}

TEST(GgufMetadataTest, FindStillRefusesAnotherType) {
  GgufWriter writer;
  writer.AddUint32("name", 1);
  const TemporaryFile written(writer.Bytes());
  const GgufFile file = Open(written);
  EXPECT_EQ(file.metadata().FindString("name").status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace oriel
