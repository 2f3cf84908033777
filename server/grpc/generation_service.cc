#include "server/grpc/generation_service.h"

#include "absl/time/clock.h"
#include "kernels/core/status.h"
#include "server/error_mapping.h"
#include "server/generation/tokenize.h"
#include "server/grpc/message_conversion.h"
#include "server/grpc/rpc_status.h"

namespace oriel {
namespace {

// Ends a call that gRPC's own reactor stands for.
void Finish(const CallContext& context, grpc::CallbackServerContext& rpc,
            grpc::ServerUnaryReactor& reactor, const char* method, absl::Time arrival,
            const absl::Status& status) {
  const grpc::Status rpc_status = ToRpcStatus(status, rpc);
  if (context.on_answer) {
    context.on_answer({.method = method,
                       .request_id = {},
                       .code = RpcCodeName(rpc_status.error_code()),
                       .duration = absl::Now() - arrival});
  }
  reactor.Finish(rpc_status);
}

absl::Status TokenizeMessage(const ServingContext& context, const v1::TokenizeRequest& request,
                             v1::TokenizeResponse& response) {
  ORIEL_ASSIGN_OR_RETURN(const TokenizeRequest input, ReadTokenizeMessage(context, request));
  ORIEL_ASSIGN_OR_RETURN(const std::vector<TokenId> tokens, TokenizeInput(context, input));
  response.mutable_token_ids()->Assign(tokens.begin(), tokens.end());
  response.set_max_model_len(context.engine.config().max_model_len);
  return absl::OkStatus();
}

}  // namespace

grpc::ServerUnaryReactor* GenerationService::Generate(grpc::CallbackServerContext* rpc,
                                                      const v1::GenerateRequest* request,
                                                      v1::GenerateResponse* response) {
  return StartGenerate(context_, *rpc, *request, *response);
}

grpc::ServerWriteReactor<v1::GenerateStreamResponse>* GenerationService::GenerateStream(
    grpc::CallbackServerContext* rpc, const v1::GenerateRequest* request) {
  return StartGenerateStream(context_, *rpc, *request);
}

// The messages and the reactor live until Finish, which the job always calls.
grpc::ServerUnaryReactor* GenerationService::Tokenize(grpc::CallbackServerContext* rpc,
                                                      const v1::TokenizeRequest* request,
                                                      v1::TokenizeResponse* response) {
  const absl::Time arrival = absl::Now();
  grpc::ServerUnaryReactor* reactor = rpc->DefaultReactor();
  const auto hold = std::make_shared<RequestHold>(context_.serving.request_memory);
  absl::Status status = hold->GrowTo(static_cast<int64_t>(request->SpaceUsedLong()));
  if (!status.ok()) {
    Finish(context_, *rpc, *reactor, "Tokenize", arrival, status);
    return reactor;
  }
  status = context_.serving.workers.Submit([=, &context = context_] {
    const absl::Status done = rpc->IsCancelled()
                                  ? absl::CancelledError("nobody waits for the answer")
                                  : TokenizeMessage(context.serving, *request, *response);
    Finish(context, *rpc, *reactor, "Tokenize", arrival, done);
  });
  if (!status.ok()) Finish(context_, *rpc, *reactor, "Tokenize", arrival, status);
  return reactor;
}

grpc::ServerUnaryReactor* GenerationService::Abort(grpc::CallbackServerContext* rpc,
                                                   const v1::AbortRequest* request,
                                                   v1::AbortResponse* response) {
  const absl::Time arrival = absl::Now();
  absl::Status status;
  if (request->request_id().empty()) status = FieldError("request_id", "request_id is missing");
  int32_t num_aborted = 0;
  for (const std::shared_ptr<GenerationCall>& call : context_.registry.calls()) {
    if (call->request_id() == request->request_id() && call->Abort()) ++num_aborted;
  }
  response->set_num_aborted(num_aborted);
  grpc::ServerUnaryReactor* reactor = rpc->DefaultReactor();
  Finish(context_, *rpc, *reactor, "Abort", arrival, status);
  return reactor;
}

grpc::ServerUnaryReactor* GenerationService::GetServerInfo(grpc::CallbackServerContext* rpc,
                                                           const v1::GetServerInfoRequest*,
                                                           v1::GetServerInfoResponse* response) {
  const absl::Time arrival = absl::Now();
  WriteServerInfo(context_.serving, *response);
  grpc::ServerUnaryReactor* reactor = rpc->DefaultReactor();
  Finish(context_, *rpc, *reactor, "GetServerInfo", arrival, absl::OkStatus());
  return reactor;
}

}  // namespace oriel
