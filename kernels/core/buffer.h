#ifndef ORIEL_KERNELS_CORE_BUFFER_H_
#define ORIEL_KERNELS_CORE_BUFFER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

#include "absl/status/statusor.h"

namespace oriel {

// A block of memory on one device, owned. Made by Backend::MakeBuffer only, before serving starts.
//
// Lifecycle   moved, never copied; gives its memory back when destroyed.
// Invariant   data() is aligned to 64 bytes; contents are zero at first.
class Buffer {
 public:
  using Release = std::function<void(std::byte* data, size_t size_bytes)>;

  Buffer() = default;
  Buffer(std::byte* data, size_t size_bytes, Release release)
      : data_(data), size_bytes_(size_bytes), release_(std::move(release)) {}
  Buffer(Buffer&& other) noexcept { *this = std::move(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_bytes_, other.size_bytes_);
    std::swap(release_, other.release_);
    return *this;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() {
    if (data_ != nullptr && release_) release_(data_, size_bytes_);
  }

  std::byte* data() const { return data_; }
  size_t size_bytes() const { return size_bytes_; }

  template <typename T>
  T* as() const {
    return reinterpret_cast<T*>(data_);
  }

 private:
  std::byte* data_ = nullptr;
  size_t size_bytes_ = 0;
  Release release_;
};

// Host memory straight from the kernel: zero pages that become resident when first touched, so that
// a pool costs what is used of it. ResourceExhausted names the bytes asked for. Zero bytes give an
// empty buffer.
absl::StatusOr<Buffer> MakeHostBuffer(size_t size_bytes);

}  // namespace oriel

#endif  // ORIEL_KERNELS_CORE_BUFFER_H_
