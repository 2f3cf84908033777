#ifndef ORIEL_TESTS_SERVER_SUPPORT_GRPC_TEST_SERVER_H_
#define ORIEL_TESTS_SERVER_SUPPORT_GRPC_TEST_SERVER_H_

#include <grpcpp/grpcpp.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "oriel/v1/generation.grpc.pb.h"
#include "server/grpc/grpc_server.h"
#include "tests/server/support/test_server.h"

namespace oriel {

// A message written as text: `text: "Hi" max_tokens: 3`. Text that is none fails the process.
v1::GenerateRequest GenerateMessage(const std::string& text);

// How a call ended, for a client.
struct RpcResult {
  grpc::Status status;
  std::map<std::string, std::string> trailers = {};
};

// A listening gRPC server around a fake engine, on a free port of the loopback address, and a
// client of it. The client's waits are bounded by 20 seconds.
struct GrpcTestServer : TestParts {
  explicit GrpcTestServer(ServerConfig server_config = {});

  std::unique_ptr<grpc::ClientContext> MakeContext() const;
  RpcResult Generate(const v1::GenerateRequest& request, v1::GenerateResponse* response = nullptr);
  RpcResult ReadStream(const v1::GenerateRequest& request,
                       std::vector<v1::GenerateStreamResponse>* messages = nullptr);

  // Waits for the end of `count` calls and returns all that ended, as "method code".
  std::vector<std::string> WaitForRecords(size_t count);

  std::mutex mutex;  // guards `records`
  std::vector<std::string> records;
  std::unique_ptr<GrpcServer> grpc;
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<v1::Generation::Stub> stub;
};

}  // namespace oriel

#endif  // ORIEL_TESTS_SERVER_SUPPORT_GRPC_TEST_SERVER_H_
