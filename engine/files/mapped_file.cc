#include "engine/files/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "kernels/core/check.h"

namespace oriel {
namespace {

// Closes a file descriptor at the end of its scope; the mapping outlives it.
class FileDescriptor {
 public:
  explicit FileDescriptor(int descriptor) : descriptor_(descriptor) {}
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

absl::Status FileError(const std::string& path, const char* action, int error) {
  const std::string message = absl::StrCat(path, ": ", action, ": ", std::strerror(error));
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return absl::NotFoundError(message);
    case EACCES:
    case EPERM:
      return absl::PermissionDeniedError(message);
    case ENOMEM:
    case EMFILE:
    case ENFILE:
      return absl::ResourceExhaustedError(message);
  }
  return absl::InternalError(message);
}

}  // namespace

absl::StatusOr<MappedFile> MappedFile::Open(const std::string& path) {
  // O_NONBLOCK keeps a named pipe from blocking the open; it is refused right after.
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) return FileError(path, "cannot open", errno);
  struct stat info {};
  if (fstat(file.get(), &info) != 0) return FileError(path, "cannot stat", errno);
  if (!S_ISREG(info.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": is not a regular file"));
  }
  const size_t size_bytes = static_cast<size_t>(info.st_size);
  if (size_bytes == 0) return MappedFile();
  void* memory = mmap(nullptr, size_bytes, PROT_READ, MAP_SHARED, file.get(), 0);
  if (memory == MAP_FAILED) return FileError(path, "cannot map", errno);
  return MappedFile(static_cast<const std::byte*>(memory), size_bytes);
}

void MappedFile::DropResident(std::span<const std::byte> part) const {
  if (part.empty()) return;
  ORIEL_CHECK(part.data() >= data_ && part.data() + part.size() <= data_ + size_bytes_);
  // The mapping begins on a memory page, so that offsets into it are aligned as addresses are.
  const size_t page_bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t begin = static_cast<size_t>(part.data() - data_);
  const size_t first = (begin + page_bytes - 1) / page_bytes * page_bytes;
  const size_t end = (begin + part.size()) / page_bytes * page_bytes;
  if (first >= end) return;
  // Advice only: if the kernel does not take it, nothing but the resident size is different.
  madvise(const_cast<std::byte*>(data_) + first, end - first, MADV_DONTNEED);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_bytes_(std::exchange(other.size_bytes_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_bytes_, other.size_bytes_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) munmap(const_cast<std::byte*>(data_), size_bytes_);
}

}  // namespace oriel
