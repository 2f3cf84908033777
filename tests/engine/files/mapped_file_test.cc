#include "engine/files/mapped_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <span>
#include <string>
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

// Bytes of mapped files that this process holds in memory.
double ResidentFileBytes() {
  double size = 0, resident = 0, file_pages = 0;
  std::ifstream("/proc/self/statm") >> size >> resident >> file_pages;
  return file_pages * static_cast<double>(sysconf(_SC_PAGESIZE));
}

TEST(MappedFileTest, ADroppedPartIsNotResidentAndReadsTheSame) {
  constexpr int32_t kBytes = 32 << 20;
  constexpr double kSlack = 1 << 20;  // code of this program, and the kernel counts in batches
  const TemporaryFile file(std::string(kBytes, 'a'));
  const absl::StatusOr<MappedFile> mapping = MappedFile::Open(file.path());
  ASSERT_TRUE(mapping.ok()) << mapping.status();
  const auto count = [&] {
    return std::count(mapping->bytes().begin(), mapping->bytes().end(), std::byte{'a'});
  };
  const double before = ResidentFileBytes();
  ASSERT_EQ(count(), kBytes);
  EXPECT_NEAR(ResidentFileBytes() - before, kBytes, kSlack);
  // Neither end lies on the edge of a memory page.
  mapping->DropResident(mapping->bytes().subspan(100, kBytes / 2));
  EXPECT_NEAR(ResidentFileBytes() - before, kBytes / 2.0, kSlack);
  EXPECT_EQ(count(), kBytes);
  EXPECT_NEAR(ResidentFileBytes() - before, kBytes, kSlack);
  mapping->DropResident(mapping->bytes().subspan(10, 20));
  EXPECT_EQ(count(), kBytes);
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
