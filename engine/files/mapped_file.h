#ifndef ORIEL_ENGINE_FILES_MAPPED_FILE_H_
#define ORIEL_ENGINE_FILES_MAPPED_FILE_H_

#include <cstddef>
#include <span>
#include <string>

#include "absl/status/statusor.h"

namespace oriel {

// A file's bytes in memory, read-only, loaded by the kernel page by page when they are first
// touched.
//
// Lifecycle   moved, never copied; unmapped when destroyed. Moving keeps the addresses.
// Threads     any number of readers.
// Invariant   bytes() starts on a memory page. A file of zero bytes has an empty span.
// Limits      a regular file. It must not shrink while it is mapped: the kernel answers a read past
//             the new end with SIGBUS. Replace a model file by renaming a new one over it.
class MappedFile {
 public:
  // Errors: NotFound, PermissionDenied, InvalidArgument (not a regular file) or Internal, each with
  // the path.
  static absl::StatusOr<MappedFile> Open(const std::string& path);

  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_bytes_}; }

  // Says that `part` of bytes() is not read for now: the memory pages that lie in it whole no
  // longer count as this process's. Reading them later brings them back with the same bytes.
  void DropResident(std::span<const std::byte> part) const;

 private:
  MappedFile(const std::byte* data, size_t size_bytes) : data_(data), size_bytes_(size_bytes) {}

  const std::byte* data_ = nullptr;
  size_t size_bytes_ = 0;
};

}  // namespace oriel

#endif  // ORIEL_ENGINE_FILES_MAPPED_FILE_H_
