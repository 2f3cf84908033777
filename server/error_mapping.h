#ifndef ORIEL_SERVER_ERROR_MAPPING_H_
#define ORIEL_SERVER_ERROR_MAPPING_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace oriel {

// An error as a client sees it.
struct ApiError {
  int32_t http_status = 500;
  absl::StatusCode grpc_code = absl::StatusCode::kInternal;  // its numbers are gRPC's own
  std::string message;
  std::string type;
  std::optional<std::string> param;  // the field that is at fault
  std::optional<std::string> code;   // for programs; stable
  int32_t retry_after_s = 0;         // 0: repeating the request is no use
};

// InvalidArgument that names the request's field.
absl::Status FieldError(std::string_view param, absl::string_view message);

// InvalidArgument with code unsupported_parameter: a field that we know and do not have.
absl::Status UnsupportedField(std::string_view param, absl::string_view message);

// The status with a code for programs in place of its row's own.
absl::Status WithErrorCode(absl::Status status, std::string_view code);

// The status with the request's field at fault.
absl::Status WithErrorParam(absl::Status status, std::string_view param);

// What new work is answered while the server drains.
absl::Status ShuttingDownError();

// The one table from statuses to HTTP and gRPC. `status` is an error.
ApiError MapError(const absl::Status& status);

// A fault of HTTP itself (404, 405, 408, 413, 431 …), which has no status.
ApiError HttpFault(int32_t http_status, std::string_view code, absl::string_view message);

// {"error":{"message","type","param","code"}}, all four keys.
std::string ErrorBody(const ApiError& error);

}  // namespace oriel

#endif  // ORIEL_SERVER_ERROR_MAPPING_H_
