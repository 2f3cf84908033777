#ifndef ORIEL_ENGINE_FILES_BYTE_READER_H_
#define ORIEL_ENGINE_FILES_BYTE_READER_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "kernels/core/status.h"

namespace oriel {

// Reads little-endian values from bytes that nobody has checked: each read is compared with what is
// left.
//
// Errors      DataLoss names what was read, where, how much it needs and how much there is.
// Limits      never reads outside the span; a failed read moves nothing.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  size_t offset() const { return offset_; }
  size_t remaining() const { return bytes_.size() - offset_; }
  const std::byte* position() const { return bytes_.data() + offset_; }

  template <typename T>
  absl::StatusOr<T> Read(std::string_view what) {
    static_assert(std::is_arithmetic_v<T> && std::endian::native == std::endian::little);
    T value;
    ORIEL_RETURN_IF_ERROR(Require(sizeof(T), what));
    std::memcpy(&value, position(), sizeof(T));
    offset_ += sizeof(T);
    return value;
  }

  // A string is its length as uint64 and its bytes. The view points into the span.
  absl::StatusOr<std::string_view> ReadString(std::string_view what, uint64_t size_bytes_max) {
    const size_t start = offset_;
    ORIEL_ASSIGN_OR_RETURN(const uint64_t size_bytes, Read<uint64_t>(what));
    absl::Status status;
    if (size_bytes > size_bytes_max) {
      status = absl::InvalidArgumentError(absl::StrCat(ToAbsl(what), " at byte ", start, " has ",
                                                       size_bytes, " bytes, at most ",
                                                       size_bytes_max, " are allowed"));
    } else {
      status = Require(size_bytes, what);
    }
    if (!status.ok()) {
      offset_ = start;
      return status;
    }
    const std::string_view text(reinterpret_cast<const char*>(position()), size_bytes);
    offset_ += size_bytes;
    return text;
  }

  absl::Status Skip(uint64_t size_bytes, std::string_view what) {
    ORIEL_RETURN_IF_ERROR(Require(size_bytes, what));
    offset_ += size_bytes;
    return absl::OkStatus();
  }

 private:
  absl::Status Require(uint64_t size_bytes, std::string_view what) const {
    if (size_bytes <= remaining()) return absl::OkStatus();
    return absl::DataLossError(absl::StrCat(ToAbsl(what), " at byte ", offset_, " needs ",
                                            size_bytes, " bytes, but the file has ", remaining(),
                                            " left: it is cut off or damaged"));
  }

  std::span<const std::byte> bytes_;
  size_t offset_ = 0;
};

}  // namespace oriel

#endif  // ORIEL_ENGINE_FILES_BYTE_READER_H_
