#ifndef ORIEL_SERVER_GRPC_GENERATION_SERVICE_H_
#define ORIEL_SERVER_GRPC_GENERATION_SERVICE_H_

#include "oriel/v1/generation.grpc.pb.h"
#include "server/grpc/generation_call.h"

namespace oriel {

// oriel.v1.Generation, for gRPC to call. What each method does: proto/oriel/v1/generation.proto.
//
// Threads   gRPC's; no method waits.
class GenerationService final : public v1::Generation::CallbackService {
 public:
  explicit GenerationService(CallContext& context) : context_(context) {}

  grpc::ServerUnaryReactor* Generate(grpc::CallbackServerContext* rpc,
                                     const v1::GenerateRequest* request,
                                     v1::GenerateResponse* response) override;
  grpc::ServerWriteReactor<v1::GenerateStreamResponse>* GenerateStream(
      grpc::CallbackServerContext* rpc, const v1::GenerateRequest* request) override;
  grpc::ServerUnaryReactor* Tokenize(grpc::CallbackServerContext* rpc,
                                     const v1::TokenizeRequest* request,
                                     v1::TokenizeResponse* response) override;
  grpc::ServerUnaryReactor* Abort(grpc::CallbackServerContext* rpc, const v1::AbortRequest* request,
                                  v1::AbortResponse* response) override;
  grpc::ServerUnaryReactor* GetServerInfo(grpc::CallbackServerContext* rpc,
                                          const v1::GetServerInfoRequest* request,
                                          v1::GetServerInfoResponse* response) override;

 private:
  CallContext& context_;
};

}  // namespace oriel

#endif  // ORIEL_SERVER_GRPC_GENERATION_SERVICE_H_
