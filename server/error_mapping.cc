#include "server/error_mapping.h"

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/cord.h"
#include "kernels/core/check.h"
#include "kernels/core/status.h"

namespace oriel {
namespace {

constexpr char kParamPayload[] = "oriel/param";
constexpr char kCodePayload[] = "oriel/code";

using Code = absl::StatusCode;

struct ErrorRow {
  Code status;
  int32_t http_status;
  Code grpc_code;
  const char* type;
  const char* code;  // null: none
  int32_t retry_after_s;
};

// A permanent fault never gets 429, 5xx, RESOURCE_EXHAUSTED or UNAVAILABLE, because clients repeat
// those. A context that is exceeded is a bad argument to gRPC: OUT_OF_RANGE there means that what
// is asked may come into range, as the end of a file does. What is cancelled on the server's side
// is UNAVAILABLE: CANCELLED is what a client did itself.
constexpr std::array kErrorRows = std::to_array<ErrorRow>({
    // clang-format off
    {Code::kInvalidArgument, 400, Code::kInvalidArgument, "invalid_request_error", nullptr, 0},
    {Code::kOutOfRange, 400, Code::kInvalidArgument, "invalid_request_error", "context_length_exceeded", 0},
    {Code::kFailedPrecondition, 400, Code::kFailedPrecondition, "invalid_request_error", nullptr, 0},
    {Code::kUnimplemented, 400, Code::kUnimplemented, "invalid_request_error", "unsupported_parameter", 0},
    {Code::kUnauthenticated, 401, Code::kUnauthenticated, "authentication_error", "invalid_api_key", 0},
    {Code::kPermissionDenied, 403, Code::kPermissionDenied, "permission_error", "permission_denied", 0},
    {Code::kNotFound, 404, Code::kNotFound, "invalid_request_error", "not_found", 0},
    {Code::kResourceExhausted, 429, Code::kResourceExhausted, "rate_limit_error", "queue_full", 1},
    {Code::kUnavailable, 503, Code::kUnavailable, "service_unavailable_error", "unavailable", 5},
    {Code::kCancelled, 503, Code::kUnavailable, "service_unavailable_error", "shutting_down", 5},
    {Code::kAborted, 503, Code::kAborted, "service_unavailable_error", "aborted", 1},
    {Code::kDeadlineExceeded, 504, Code::kDeadlineExceeded, "timeout_error", "request_timeout", 0},
    // clang-format on
});

// What no row names is our own failure.
constexpr ErrorRow kInternalRow = {Code::kInternal,  500, Code::kInternal, "server_error",
                                   "internal_error", 0};

std::optional<std::string> Payload(const absl::Status& status, const char* name) {
  const auto payload = status.GetPayload(name);
  if (!payload) return std::nullopt;
  return std::string(*payload);
}

}  // namespace

absl::Status WithErrorCode(absl::Status status, std::string_view code) {
  status.SetPayload(kCodePayload, absl::Cord(ToAbsl(code)));
  return status;
}

absl::Status WithErrorParam(absl::Status status, std::string_view param) {
  status.SetPayload(kParamPayload, absl::Cord(ToAbsl(param)));
  return status;
}

absl::Status FieldError(std::string_view param, absl::string_view message) {
  return WithErrorParam(absl::InvalidArgumentError(message), param);
}

absl::Status UnsupportedField(std::string_view param, absl::string_view message) {
  return WithErrorCode(FieldError(param, message), "unsupported_parameter");
}

absl::Status ShuttingDownError() {
  return WithErrorCode(absl::UnavailableError("the server is shutting down"), "shutting_down");
}

ApiError MapError(const absl::Status& status) {
  ORIEL_CHECK(!status.ok());
  const ErrorRow* row = &kInternalRow;
  for (const ErrorRow& candidate : kErrorRows) {
    if (candidate.status == status.code()) row = &candidate;
  }
  ApiError error{.http_status = row->http_status,
                 .grpc_code = row->grpc_code,
                 .message = std::string(status.message()),
                 .type = row->type,
                 .param = Payload(status, kParamPayload),
                 .code = Payload(status, kCodePayload),
                 .retry_after_s = row->retry_after_s};
  if (!error.code && row->code != nullptr) error.code = row->code;
  return error;
}

ApiError HttpFault(int32_t http_status, std::string_view code, absl::string_view message) {
  const bool overloaded = http_status == 503;
  return {.http_status = http_status,
          .message = std::string(message),
          .type = overloaded ? "service_unavailable_error" : "invalid_request_error",
          .param = std::nullopt,
          .code = std::string(code),
          .retry_after_s = overloaded ? 1 : 0};
}

std::string ErrorBody(const ApiError& error) {
  nlohmann::json fields = {
      {"message", error.message}, {"type", error.type}, {"param", nullptr}, {"code", nullptr}};
  if (error.param) fields["param"] = *error.param;
  if (error.code) fields["code"] = *error.code;
  const nlohmann::json body = {{"error", std::move(fields)}};
  // A message may quote what the client sent, and that need not be UTF-8.
  return body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace oriel
