#ifndef ORIEL_TESTS_SERVER_SUPPORT_FAKE_ENGINE_H_
#define ORIEL_TESTS_SERVER_SUPPORT_FAKE_ENGINE_H_

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "engine/engine.h"

namespace oriel {

// An engine without a model: it answers with a script, or holds requests until a test says what
// happens to them.
//
// Threads   all methods, from any.
class FakeEngine final : public Engine {
 public:
  explicit FakeEngine(EngineConfig config = DefaultConfig());

  static EngineConfig DefaultConfig();

  // Every request is answered at once with as many bytes of `text` as it has max_tokens; shorter
  // text ends with `stop`. Prompt tokens come first if their log-probabilities are wanted.
  void AnswerWith(std::string text);
  // Requests wait for Emit and Finish.
  void Hold();
  // Submit fails with this.
  void RefuseWith(absl::Status status, size_t num_accepted = 0);

  void Emit(RequestId id, std::string_view text);
  void Finish(RequestId id, FinishReason reason, absl::Status status = absl::OkStatus());

  // The ids of requests in order of arrival, once there are `count`; fails the process after 10 s.
  std::vector<RequestId> WaitForRequests(size_t count);
  // Whether the request is cancelled within 10 s.
  bool WaitForCancel(RequestId id);
  GenerationRequest request(RequestId id);
  size_t num_requests();

  absl::StatusOr<std::shared_ptr<TokenStream>> Submit(GenerationRequest request) override;
  void Cancel(RequestId id) override;
  absl::StatusOr<bool> Step() override { return false; }
  void Start() override {}
  bool Drain(absl::Time deadline) override;
  absl::Status health() const override;
  EngineStats stats() const override;
  const EngineConfig& config() const override { return config_; }
  const ModelConfig& model_config() const override { return model_config_; }
  std::span<const KvLayerFormat> formats() const override { return formats_; }

  void SetHealth(absl::Status health);

 private:
  void Answer(const GenerationRequest& request, TokenStream& stream);

  const EngineConfig config_;
  ModelConfig model_config_;
  std::vector<KvLayerFormat> formats_;
  mutable std::mutex mutex_;  // guards everything below
  std::condition_variable changed_;
  std::string script_ = "hello";
  bool holding_ = false;
  absl::Status refusal_;
  size_t num_accepted_max_ = 0;  // requests before the refusal holds
  absl::Status health_;
  std::vector<RequestId> order_;
  std::map<RequestId, GenerationRequest> requests_;
  std::map<RequestId, std::shared_ptr<TokenStream>> streams_;
  std::set<RequestId> canceled_;
};

}  // namespace oriel

#endif  // ORIEL_TESTS_SERVER_SUPPORT_FAKE_ENGINE_H_
