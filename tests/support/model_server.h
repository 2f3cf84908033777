#ifndef ORIEL_TESTS_SUPPORT_MODEL_SERVER_H_
#define ORIEL_TESTS_SUPPORT_MODEL_SERVER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/engine.h"
#include "engine/files/gguf_file.h"
#include "kernels/ops/backend.h"

namespace oriel {

// An engine over a model file, with what it borrows.
struct ModelServer {
  std::unique_ptr<GgufFile> file;
  std::unique_ptr<Backend> backend;
  std::unique_ptr<Engine> engine;
};

// `config` need not be resolved. `formats`: one a layer; empty: the config's codecs everywhere.
absl::StatusOr<ModelServer> ServeModel(const std::string& path, const EngineConfig& config,
                                       std::unique_ptr<Backend> backend,
                                       std::vector<KvLayerFormat> formats = {});

// When requests reach the engine.
struct ArrivalOrder {
  bool is_shuffled = false;   // false: in the order of the list
  int32_t gap_steps_max = 0;  // steps between two arrivals: 0 to this many; 0: all before the first
  uint64_t seed = 0;
};

// Every request's events, in the order of `requests` however they arrived.
absl::StatusOr<std::vector<std::vector<TokenEvent>>> AnswerInOrder(
    const std::vector<GenerationRequest>& requests, const ArrivalOrder& order, Engine& engine);

}  // namespace oriel

#endif  // ORIEL_TESTS_SUPPORT_MODEL_SERVER_H_
