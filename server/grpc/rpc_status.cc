#include "server/grpc/rpc_status.h"

#include "absl/strings/str_cat.h"
#include "engine/tokenizer/utf8.h"
#include "server/error_mapping.h"

namespace oriel {

grpc::Status ToRpcStatus(const absl::Status& status, grpc::CallbackServerContext& rpc) {
  if (status.ok()) return grpc::Status::OK;
  const ApiError error = MapError(status);
  rpc.AddTrailingMetadata("x-oriel-error-type", error.type);
  if (error.code) rpc.AddTrailingMetadata("x-oriel-error-code", *error.code);
  if (error.param) rpc.AddTrailingMetadata("x-oriel-error-param", *error.param);
  if (error.retry_after_s > 0) {
    rpc.AddTrailingMetadata("grpc-retry-pushback-ms", absl::StrCat(1000 * error.retry_after_s));
  }
  // A message may quote what the client sent, cut anywhere.
  return {static_cast<grpc::StatusCode>(error.grpc_code), ReplaceInvalidUtf8(error.message)};
}

std::string RpcCodeName(grpc::StatusCode code) {
  return absl::StatusCodeToString(static_cast<absl::StatusCode>(code));
}

}  // namespace oriel
