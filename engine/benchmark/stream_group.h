#ifndef ORIEL_ENGINE_BENCHMARK_STREAM_GROUP_H_
#define ORIEL_ENGINE_BENCHMARK_STREAM_GROUP_H_

#include <cstdint>
#include <memory>
#include <random>
#include <vector>

#include "absl/status/status.h"
#include "engine/engine.h"

namespace oriel {

// Greedy requests of random tokens that run together, and the steps that serve them.
//
// Lifecycle   Submit → Step, as often as wanted → End.
// Threads     one: the engine is stepped here and was never started.
class StreamGroup {
 public:
  explicit StreamGroup(Engine& engine) : engine_(engine) {}

  // Queues `count` requests with prompts of `prompt_tokens` tokens, which no end token ends.
  // Errors: Engine::Submit.
  absl::Status Submit(int32_t count, int32_t prompt_tokens, int32_t max_tokens,
                      std::mt19937_64& random);

  // One step of the engine. Internal if it had nothing to do.
  absl::Status Step();

  // Whether every stream has its first token, and so all of its prompt in the cache.
  bool all_started() const;

  // Prompt tokens that the group's steps have taken in.
  int64_t prompt_tokens_done() const;

  // Bytes that the sequences own now, and the step's scratch.
  int64_t cache_bytes() const;

  // Cancels what still runs and steps until the cache is empty.
  absl::Status End();

 private:
  struct Member {
    RequestId id = 0;
    std::shared_ptr<TokenStream> events;
    bool has_token = false;
  };

  absl::Status TakeEvents(Member& member);

  Engine& engine_;
  uint64_t prompt_tokens_before_ = 0;
  std::vector<Member> members_;
  std::vector<TokenEvent> events_;
};

}  // namespace oriel

#endif  // ORIEL_ENGINE_BENCHMARK_STREAM_GROUP_H_
