#include "server/grpc/generation_call.h"

#include <string_view>
#include <utility>

#include "absl/time/clock.h"
#include "kernels/core/status.h"
#include "server/error_mapping.h"
#include "server/generation/request_id.h"
#include "server/grpc/rpc_status.h"

namespace oriel {
namespace {

// More is put into one message only when a client reads more slowly than tokens are made.
constexpr int32_t kTokensPerMessageMax = 64;

constexpr char kRequestIdKey[] = "x-request-id";

// The message's own id, else that of the metadata, else a new one.
std::string ChooseRequestId(const grpc::CallbackServerContext& rpc,
                            const v1::GenerateRequest& request) {
  if (IsRequestId(request.request_id())) return request.request_id();
  const auto offered = rpc.client_metadata().find(kRequestIdKey);
  if (offered == rpc.client_metadata().end()) return MakeRequestId();
  return AcceptRequestId(std::string_view(offered->second.data(), offered->second.size()));
}

}  // namespace

GenerationCall::GenerationCall(CallContext& context, grpc::CallbackServerContext& rpc,
                               const v1::GenerateRequest& request, const char* method)
    : context_(context),
      queue_(context.executor.queue()),
      rpc_(rpc),
      request_(request),
      method_(method),
      times_{.arrival = absl::Now(), .deadline = absl::FromChrono(rpc.deadline())},
      request_id_(ChooseRequestId(rpc, request)),
      planning_(std::make_shared<WorkerResult<GenerationPlan>>()),
      hold_(context.serving.request_memory) {
  rpc_.AddInitialMetadata(kRequestIdKey, request_id_);
}

bool GenerationCall::Abort() {
  if (ended_) return false;
  aborted_ = true;
  Wake();
  return true;
}

void GenerationCall::OnClientGone() {
  client_gone_ = true;
  Wake();
}

void GenerationCall::OnLastCallback() { context_.registry.Remove(shared_from_this()); }

// A wakeup may outlive the call.
std::function<void()> GenerationCall::MakeWakeup() {
  return [weak = weak_from_this()] {
    if (const auto call = weak.lock()) call->Wake();
  };
}

void GenerationCall::Poll() {
  // The engine's work ends at once, even if the last message is still on its way.
  if (wants_to_stop() && generation_ != nullptr) generation_->Cancel();
  if (IsSending()) return;
  switch (phase_) {
    case Phase::kNew:
      return Begin();
    case Phase::kPlanning:
      return PollPlan();
    case Phase::kRunning:
      return PollRunning();
    case Phase::kEnded:
      return;
  }
}

// A client that does not read is told so by cancelling its call, which ends the sending too.
bool GenerationCall::IsSending() {
  if (sending_since_ == absl::InfiniteFuture()) return false;
  if (sending_done_.exchange(false)) {
    sending_since_ = absl::InfiniteFuture();
    return false;
  }
  if (absl::Now() - sending_since_ > context_.serving.config.http.write_timeout) rpc_.TryCancel();
  return true;
}

void GenerationCall::Begin() {
  if (context_.serving.draining) return End(ShuttingDownError());
  if (!request_.request_id().empty() && request_.request_id() != request_id_) {
    return End(FieldError("request_id",
                          "request_id must be 1 to 128 printable characters without spaces"));
  }
  absl::Status status = hold_.GrowTo(static_cast<int64_t>(request_.SpaceUsedLong()));
  if (!status.ok()) return End(status);
  status = context_.registry.Add(shared_from_this());
  if (!status.ok()) return End(status);
  phase_ = Phase::kPlanning;
  status = planning_->Start(
      context_.serving.workers,
      [this, self = shared_from_this()]() -> absl::StatusOr<GenerationPlan> {
        if (wants_to_stop()) return absl::CancelledError("nobody waits for the answer");
        return PlanMessage(context_.serving, request_, times_);
      },
      MakeWakeup());
  if (!status.ok()) End(status);
}

// A stop waits for the worker, who reads the request.
void GenerationCall::PollPlan() {
  auto planned = planning_->Take();
  if (!planned) return;
  if (wants_to_stop()) return EndStopped();
  if (!planned->ok()) return End(planned->status());
  generation_ =
      std::make_unique<RunningGeneration>(context_.serving, **std::move(planned), times_.arrival);
  const absl::Status status = generation_->Submit(MakeWakeup());
  if (!status.ok()) return End(status);
  phase_ = Phase::kRunning;
  PollRunning();
}

void GenerationCall::PollRunning() {
  while (phase_ == Phase::kRunning && !IsSending()) {
    if (generation_->all_finished() && !client_gone_) return End(absl::OkStatus());
    if (wants_to_stop()) return EndStopped();
    ChoiceDelta delta, next;
    int32_t num_taken = 0;
    while (num_taken < kTokensPerMessageMax && generation_->Next(0, next)) {
      delta.Append(std::exchange(next, {}));
      ++num_taken;
    }
    if (num_taken == 0) return;
    if (!delta.error.ok()) return End(delta.error);
    Deliver(std::move(delta), generation_->total_usage());
  }
}

void GenerationCall::EndStopped() {
  if (!client_gone_) return End(absl::AbortedError("the call was aborted by its request id"));
  const bool expired = absl::Now() >= times_.deadline;
  EndWith({expired ? grpc::StatusCode::DEADLINE_EXCEEDED : grpc::StatusCode::CANCELLED,
           "the client waits no longer"});
}

void GenerationCall::End(const absl::Status& status) { EndWith(ToRpcStatus(status, rpc_)); }

void GenerationCall::EndWith(const grpc::Status& status) {
  phase_ = Phase::kEnded;
  ended_ = true;
  generation_.reset();
  if (context_.on_answer) {
    context_.on_answer({.method = method_,
                        .request_id = request_id_,
                        .code = RpcCodeName(status.error_code()),
                        .duration = absl::Now() - times_.arrival});
  }
  FinishCall(status);
}

namespace {

// What both kinds share: gRPC owns a call until OnDone, and what `self_` holds is that ownership.
template <typename Reactor>
class ReactorCall : public GenerationCall, public Reactor {
 public:
  using GenerationCall::GenerationCall;

  void Start() {
    self_ = shared_from_this();
    Wake();
  }

  void OnCancel() final { OnClientGone(); }
  void OnDone() final {
    OnLastCallback();
    self_.reset();
  }

 private:
  void FinishCall(const grpc::Status& status) final { this->Finish(status); }

  std::shared_ptr<GenerationCall> self_;
};

class UnaryCall final : public ReactorCall<grpc::ServerUnaryReactor> {
 public:
  UnaryCall(CallContext& context, grpc::CallbackServerContext& rpc,
            const v1::GenerateRequest& request, v1::GenerateResponse& response)
      : ReactorCall(context, rpc, request, "Generate"), response_(response) {}

 private:
  void Deliver(ChoiceDelta delta, const Usage& usage) override {
    whole_.Append(std::move(delta));
    if (!whole_.finished) return;
    response_.set_request_id(request_id());
    response_.set_model(context_.serving.model_name);
    WriteDelta(whole_, usage, response_);
  }

  v1::GenerateResponse& response_;
  ChoiceDelta whole_;
};

class StreamCall final : public ReactorCall<grpc::ServerWriteReactor<v1::GenerateStreamResponse>> {
 public:
  StreamCall(CallContext& context, grpc::CallbackServerContext& rpc,
             const v1::GenerateRequest& request)
      : ReactorCall(context, rpc, request, "GenerateStream") {}

  void OnWriteDone(bool ok) override {
    EndSending();
    ok ? Wake() : OnClientGone();
  }

 private:
  void Deliver(ChoiceDelta delta, const Usage& usage) override {
    message_.Clear();
    message_.set_request_id(request_id());
    WriteDelta(delta, usage, message_);
    BeginSending();
    StartWrite(&message_);
  }

  v1::GenerateStreamResponse message_;  // the one on its way
};

}  // namespace

grpc::ServerUnaryReactor* StartGenerate(CallContext& context, grpc::CallbackServerContext& rpc,
                                        const v1::GenerateRequest& request,
                                        v1::GenerateResponse& response) {
  const auto call = std::make_shared<UnaryCall>(context, rpc, request, response);
  call->Start();
  return call.get();
}

grpc::ServerWriteReactor<v1::GenerateStreamResponse>* StartGenerateStream(
    CallContext& context, grpc::CallbackServerContext& rpc, const v1::GenerateRequest& request) {
  const auto call = std::make_shared<StreamCall>(context, rpc, request);
  call->Start();
  return call.get();
}

}  // namespace oriel
