#include "server/error_mapping.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace oriel {
namespace {

TEST(ErrorMappingTest, EveryStatusHasItsRow) {
  const struct {
    absl::StatusCode status;
    int http_status;
    absl::StatusCode grpc_code;
    const char* code;
    bool retry;
  } kRows[] = {
      {absl::StatusCode::kInvalidArgument, 400, absl::StatusCode::kInvalidArgument, "", false},
      {absl::StatusCode::kOutOfRange, 400, absl::StatusCode::kInvalidArgument,
       "context_length_exceeded", false},
      {absl::StatusCode::kFailedPrecondition, 400, absl::StatusCode::kFailedPrecondition, "",
       false},
      {absl::StatusCode::kUnimplemented, 400, absl::StatusCode::kUnimplemented,
       "unsupported_parameter", false},
      {absl::StatusCode::kUnauthenticated, 401, absl::StatusCode::kUnauthenticated,
       "invalid_api_key", false},
      {absl::StatusCode::kPermissionDenied, 403, absl::StatusCode::kPermissionDenied,
       "permission_denied", false},
      {absl::StatusCode::kNotFound, 404, absl::StatusCode::kNotFound, "not_found", false},
      {absl::StatusCode::kResourceExhausted, 429, absl::StatusCode::kResourceExhausted,
       "queue_full", true},
      {absl::StatusCode::kUnavailable, 503, absl::StatusCode::kUnavailable, "unavailable", true},
      {absl::StatusCode::kCancelled, 503, absl::StatusCode::kUnavailable, "shutting_down", true},
      {absl::StatusCode::kAborted, 503, absl::StatusCode::kAborted, "aborted", true},
      {absl::StatusCode::kDeadlineExceeded, 504, absl::StatusCode::kDeadlineExceeded,
       "request_timeout", false},
      {absl::StatusCode::kInternal, 500, absl::StatusCode::kInternal, "internal_error", false},
      {absl::StatusCode::kUnknown, 500, absl::StatusCode::kInternal, "internal_error", false},
      {absl::StatusCode::kDataLoss, 500, absl::StatusCode::kInternal, "internal_error", false},
  };
  for (const auto& row : kRows) {
    const ApiError error = MapError(absl::Status(row.status, "why"));
    EXPECT_EQ(error.http_status, row.http_status) << row.code;
    EXPECT_EQ(error.grpc_code, row.grpc_code) << row.code;
    EXPECT_EQ(error.code.value_or(""), row.code);
    EXPECT_EQ(error.retry_after_s > 0, row.retry) << row.code;
    EXPECT_EQ(error.message, "why");
  }
}

TEST(ErrorMappingTest, AFieldErrorNamesTheFieldAndACodeReplacesTheRowsOwn) {
  const ApiError field = MapError(FieldError("top_p", "top_p is 2"));
  EXPECT_EQ(field.param, "top_p");
  EXPECT_EQ(field.code, std::nullopt);
  const ApiError unsupported = MapError(UnsupportedField("suffix", "no"));
  EXPECT_EQ(unsupported.http_status, 400);
  EXPECT_EQ(unsupported.code, "unsupported_parameter");
  EXPECT_EQ(MapError(WithErrorCode(absl::NotFoundError("x"), "model_not_found")).code,
            "model_not_found");
}

TEST(ErrorMappingTest, TheBodyHasAllFourKeysAndIsAlwaysUtf8) {
  const auto plain = nlohmann::json::parse(ErrorBody(MapError(absl::InvalidArgumentError("a"))));
  EXPECT_EQ(plain, nlohmann::json::parse(
                       R"({"error":{"message":"a","type":"invalid_request_error","param":null,)"
                       R"("code":null}})"));
  const auto odd = nlohmann::json::parse(ErrorBody(MapError(FieldError("p", "bad \xff byte"))));
  EXPECT_EQ(odd["error"]["message"], "bad \xEF\xBF\xBD byte");
  EXPECT_EQ(odd["error"]["param"], "p");
}

}  // namespace
}  // namespace oriel
