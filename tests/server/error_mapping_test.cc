#include "server/error_mapping.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace oriel {
namespace {

TEST(ErrorMappingTest, EveryStatusHasItsRow) {
  const struct {
    absl::StatusCode status;
    int http_status;
    const char* code;
    bool retry;
  } kRows[] = {
      {absl::StatusCode::kInvalidArgument, 400, "", false},
      {absl::StatusCode::kOutOfRange, 400, "context_length_exceeded", false},
      {absl::StatusCode::kFailedPrecondition, 400, "", false},
      {absl::StatusCode::kUnimplemented, 400, "unsupported_parameter", false},
      {absl::StatusCode::kUnauthenticated, 401, "invalid_api_key", false},
      {absl::StatusCode::kPermissionDenied, 403, "permission_denied", false},
      {absl::StatusCode::kNotFound, 404, "not_found", false},
      {absl::StatusCode::kResourceExhausted, 429, "queue_full", true},
      {absl::StatusCode::kUnavailable, 503, "unavailable", true},
      {absl::StatusCode::kCancelled, 503, "shutting_down", true},
      {absl::StatusCode::kAborted, 503, "aborted", true},
      {absl::StatusCode::kDeadlineExceeded, 504, "request_timeout", false},
      {absl::StatusCode::kInternal, 500, "internal_error", false},
      {absl::StatusCode::kUnknown, 500, "internal_error", false},
      {absl::StatusCode::kDataLoss, 500, "internal_error", false},
  };
  for (const auto& row : kRows) {
    const ApiError error = MapError(absl::Status(row.status, "why"));
    EXPECT_EQ(error.http_status, row.http_status) << row.code;
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
