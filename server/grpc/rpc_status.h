#ifndef ORIEL_SERVER_GRPC_RPC_STATUS_H_
#define ORIEL_SERVER_GRPC_RPC_STATUS_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include <string>

#include "absl/status/status.h"

namespace oriel {

// The status that a client gets for ours, by the table of server/error_mapping.h. What the table
// has beyond a code goes into the call's trailing metadata; proto/oriel/v1/generation.proto names
// the keys.
grpc::Status ToRpcStatus(const absl::Status& status, grpc::CallbackServerContext& rpc);

// "OK", "INVALID_ARGUMENT" …
std::string RpcCodeName(grpc::StatusCode code);

}  // namespace oriel

#endif  // ORIEL_SERVER_GRPC_RPC_STATUS_H_
