#ifndef ORIEL_SERVER_GRPC_GENERATION_CALL_H_
#define ORIEL_SERVER_GRPC_GENERATION_CALL_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "oriel/v1/generation.pb.h"
#include "server/generation/running_generation.h"
#include "server/grpc/call_executor.h"
#include "server/grpc/call_registry.h"
#include "server/grpc/grpc_server.h"
#include "server/grpc/message_conversion.h"
#include "server/serving_context.h"
#include "server/worker_result.h"

namespace oriel {

// What every call of the service works with.
struct CallContext {
  ServingContext& serving;
  CallRegistry registry;
  CallExecutor executor;
  std::function<void(const GrpcRecord&)> on_answer;  // may be empty
};

// A Generate or GenerateStream call: planned by a worker, run by the engine, written out here.
//
// Lifecycle   made by the service for gRPC, to which it belongs until OnDone. It ends with one
//             FinishCall, after which gRPC calls OnDone; what it refers to lives that long. Those
//             who wake it share it and may hold it longer, but then nothing is done any more.
// Threads     Poll runs on the executor, one at a time, and alone touches the state. gRPC's
//             threads, the engine's and Abort only set a flag and wake it.
// Invariant   FinishCall comes neither while a message is being sent nor while a worker reads the
//             request.
// Limits      one message at a time is on its way, of kTokensPerMessageMax tokens; behind it wait
//             the request's own events, as many as it has tokens. A client that takes longer than
//             the write timeout for one message is gone.
class GenerationCall : public CallTask, public std::enable_shared_from_this<GenerationCall> {
 public:
  ~GenerationCall() override = default;

  void Poll() final;

  // Ends the call with ABORTED; false if it has ended already.
  bool Abort();
  // Has it looked whether its client still reads.
  void CheckClient() { Wake(); }

  const std::string& request_id() const { return request_id_; }

 protected:
  GenerationCall(CallContext& context, grpc::CallbackServerContext& rpc,
                 const v1::GenerateRequest& request, const char* method);

  // Shows what came; the last delta is finished.
  virtual void Deliver(ChoiceDelta delta, const Usage& usage) = 0;
  virtual void FinishCall(const grpc::Status& status) = 0;

  void Wake() { queue_->Wake(shared_from_this()); }
  // To be called by a Deliver that sends a message, before it does, and when it is sent.
  void BeginSending() { sending_since_ = absl::Now(); }
  void EndSending() { sending_done_ = true; }
  // What gRPC reports.
  void OnClientGone();
  void OnLastCallback();

  CallContext& context_;

 private:
  enum class Phase : uint8_t { kNew, kPlanning, kRunning, kEnded };

  void Begin();
  void PollPlan();
  void PollRunning();
  bool IsSending();
  bool wants_to_stop() const { return client_gone_ || aborted_; }
  void EndStopped();
  void End(const absl::Status& status);
  void EndWith(const grpc::Status& status);
  std::function<void()> MakeWakeup();

  const std::shared_ptr<CallQueue> queue_;
  grpc::CallbackServerContext& rpc_;
  const v1::GenerateRequest& request_;
  const char* const method_;
  const CallTimes times_;
  const std::string request_id_;
  const std::shared_ptr<WorkerResult<GenerationPlan>> planning_;
  RequestHold hold_;  // gRPC keeps the request until the call is done

  std::atomic<bool> client_gone_{false};
  std::atomic<bool> aborted_{false};
  std::atomic<bool> ended_{false};  // its client may know by now
  std::atomic<bool> sending_done_{false};

  Phase phase_ = Phase::kNew;
  std::unique_ptr<RunningGeneration> generation_;
  absl::Time sending_since_ = absl::InfiniteFuture();  // of the message that is on its way
};

// The two kinds of call. The service gives what these return to gRPC; they delete themselves.
grpc::ServerUnaryReactor* StartGenerate(CallContext& context, grpc::CallbackServerContext& rpc,
                                        const v1::GenerateRequest& request,
                                        v1::GenerateResponse& response);
grpc::ServerWriteReactor<v1::GenerateStreamResponse>* StartGenerateStream(
    CallContext& context, grpc::CallbackServerContext& rpc, const v1::GenerateRequest& request);

}  // namespace oriel

#endif  // ORIEL_SERVER_GRPC_GENERATION_CALL_H_
