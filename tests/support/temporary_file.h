#ifndef ORIEL_TESTS_SUPPORT_TEMPORARY_FILE_H_
#define ORIEL_TESTS_SUPPORT_TEMPORARY_FILE_H_

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "gtest/gtest.h"

namespace oriel {

// A file with the given bytes that is gone at the end of the scope.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& bytes) {
    path_ = testing::TempDir() + "oriel_file_XXXXXX";
    const int descriptor = mkstemp(path_.data());
    EXPECT_GE(descriptor, 0);
    close(descriptor);
    std::ofstream file(path_, std::ios::binary);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    EXPECT_TRUE(file.good());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() { std::remove(path_.c_str()); }

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace oriel

#endif  // ORIEL_TESTS_SUPPORT_TEMPORARY_FILE_H_
