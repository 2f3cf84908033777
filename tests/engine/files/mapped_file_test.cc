#include "engine/files/mapped_file.h"

#include <sys/stat.h>

#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/temporary_file.h"

namespace oriel {
namespace {

using ::testing::HasSubstr;

TEST(MappedFileTest, ShowsTheBytesOfTheFile) {
  const TemporaryFile file("abc");
  absl::StatusOr<MappedFile> mapping = MappedFile::Open(file.path());
  ASSERT_TRUE(mapping.ok()) << mapping.status();
  ASSERT_EQ(mapping->bytes().size(), 3u);
  EXPECT_EQ(mapping->bytes()[1], std::byte{'b'});
}

TEST(MappedFileTest, KeepsItsAddressWhenMoved) {
  const TemporaryFile file("abc");
  absl::StatusOr<MappedFile> mapping = MappedFile::Open(file.path());
  ASSERT_TRUE(mapping.ok()) << mapping.status();
  const std::byte* address = mapping->bytes().data();
  const MappedFile moved = std::move(*mapping);
  EXPECT_EQ(moved.bytes().data(), address);
  EXPECT_EQ(moved.bytes()[2], std::byte{'c'});
}

TEST(MappedFileTest, AnEmptyFileIsAnEmptySpan) {
  const TemporaryFile file("");
  absl::StatusOr<MappedFile> mapping = MappedFile::Open(file.path());
  ASSERT_TRUE(mapping.ok()) << mapping.status();
  EXPECT_TRUE(mapping->bytes().empty());
}

TEST(MappedFileTest, AMissingFileIsNotFoundAndNamed) {
  const absl::StatusOr<MappedFile> mapping = MappedFile::Open("/nonexistent/model.gguf");
  EXPECT_EQ(mapping.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(mapping.status().message()), HasSubstr("/nonexistent/model.gguf"));
}

TEST(MappedFileTest, ADirectoryIsRefused) {
  const absl::StatusOr<MappedFile> mapping = MappedFile::Open("/");
  EXPECT_EQ(mapping.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(mapping.status().message()), HasSubstr("not a regular file"));
}

TEST(MappedFileTest, ANamedPipeIsRefusedWithoutWaitingForAWriter) {
  const std::string path = testing::TempDir() + "oriel_mapped_file_pipe";
  std::remove(path.c_str());
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  const absl::StatusOr<MappedFile> mapping = MappedFile::Open(path);
  std::remove(path.c_str());
  EXPECT_EQ(mapping.status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace oriel
