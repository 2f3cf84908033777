#include "tests/server/support/grpc_test_server.h"

#include <google/protobuf/text_format.h>

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "kernels/core/check.h"

namespace oriel {
namespace {

constexpr auto kPatience = std::chrono::seconds(20);

RpcResult ResultOf(const grpc::Status& status, const grpc::ClientContext& context) {
  RpcResult result{.status = status};
  for (const auto& [key, value] : context.GetServerTrailingMetadata()) {
    result.trailers.emplace(std::string(key.data(), key.size()),
                            std::string(value.data(), value.size()));
  }
  return result;
}

}  // namespace

v1::GenerateRequest GenerateMessage(const std::string& text) {
  v1::GenerateRequest message;
  ORIEL_CHECK(google::protobuf::TextFormat::ParseFromString(text, &message));
  return message;
}

GrpcTestServer::GrpcTestServer(ServerConfig server_config) : TestParts(std::move(server_config)) {
  auto listening = GrpcServer::Listen({.host = "127.0.0.1",
                                       .port = 0,
                                       .threads = 2,
                                       .calls_max = config.grpc.calls_max,
                                       .on_answer =
                                           [this](const GrpcRecord& record) {
                                             const std::lock_guard lock(mutex);
                                             records.push_back(record.method + " " + record.code);
                                           }},
                                      context);
  ORIEL_CHECK(listening.ok());
  grpc = *std::move(listening);
  // A channel of its own: gRPC otherwise shares connections between those to one address.
  ::grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // What a client grants before it reads is then 64 KiB; it would otherwise grow with the speed.
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 64 << 10);
  channel = ::grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", grpc->port()),
                                        ::grpc::InsecureChannelCredentials(), arguments);
  stub = v1::Generation::NewStub(channel);
}

std::unique_ptr<grpc::ClientContext> GrpcTestServer::MakeContext() const {
  auto rpc = std::make_unique<::grpc::ClientContext>();
  rpc->set_deadline(std::chrono::system_clock::now() + kPatience);
  return rpc;
}

RpcResult GrpcTestServer::Generate(const v1::GenerateRequest& request,
                                   v1::GenerateResponse* response) {
  v1::GenerateResponse ignored;
  const auto rpc = MakeContext();
  const ::grpc::Status status =
      stub->Generate(rpc.get(), request, response != nullptr ? response : &ignored);
  return ResultOf(status, *rpc);
}

RpcResult GrpcTestServer::ReadStream(const v1::GenerateRequest& request,
                                     std::vector<v1::GenerateStreamResponse>* messages) {
  const auto rpc = MakeContext();
  const auto reader = stub->GenerateStream(rpc.get(), request);
  v1::GenerateStreamResponse message;
  while (reader->Read(&message)) {
    if (messages != nullptr) messages->push_back(message);
  }
  const ::grpc::Status status = reader->Finish();
  return ResultOf(status, *rpc);
}

std::vector<std::string> GrpcTestServer::WaitForRecords(size_t count) {
  const absl::Time deadline = absl::Now() + absl::FromChrono(kPatience);
  while (true) {
    {
      const std::lock_guard lock(mutex);
      if (records.size() >= count) return records;
    }
    ORIEL_CHECK(absl::Now() < deadline);
    absl::SleepFor(absl::Milliseconds(2));
  }
}

}  // namespace oriel
