#include "tests/support/model_server.h"

#include <algorithm>
#include <numeric>
#include <random>
#include <utility>

#include "engine/model/load_model.h"
#include "engine/runtime/resolve_engine_config.h"
#include "kernels/core/status.h"
#include "tests/support/engine_harness.h"

namespace oriel {

absl::StatusOr<ModelServer> ServeModel(const std::string& path, const EngineConfig& config,
                                       std::unique_ptr<Backend> backend,
                                       std::vector<KvLayerFormat> formats) {
  ModelServer server;
  server.backend = std::move(backend);
  ORIEL_ASSIGN_OR_RETURN(GgufFile file, GgufFile::Open(path));
  server.file = std::make_unique<GgufFile>(std::move(file));
  ORIEL_ASSIGN_OR_RETURN(
      std::unique_ptr<Model> model,
      LoadModel(*server.file, *server.backend, config.prefill_chunk_tokens + config.max_num_seqs));
  EngineOptions options;
  options.formats = std::move(formats);
  if (options.formats.empty()) {
    ORIEL_ASSIGN_OR_RETURN(options.formats, MakeUniformFormats(config, model->config()));
  }
  ORIEL_ASSIGN_OR_RETURN(const EngineConfig resolved,
                         ResolveEngineConfig(config, model->config(), options.formats));
  ORIEL_ASSIGN_OR_RETURN(server.engine, Engine::Create(resolved, std::move(model), *server.backend,
                                                       std::move(options)));
  return server;
}

absl::StatusOr<std::vector<std::vector<TokenEvent>>> AnswerInOrder(
    const std::vector<GenerationRequest>& requests, const ArrivalOrder& order, Engine& engine) {
  std::mt19937_64 random(order.seed);
  std::vector<size_t> places(requests.size());
  std::iota(places.begin(), places.end(), size_t{0});
  if (order.is_shuffled) std::shuffle(places.begin(), places.end(), random);
  std::vector<Arrival> arrivals;
  int32_t step = 0;
  for (const size_t place : places) {
    arrivals.push_back({.request = requests[place], .step = step, .cancel_step = {}});
    step += std::uniform_int_distribution<int32_t>(0, order.gap_steps_max)(random);
  }
  ORIEL_ASSIGN_OR_RETURN(std::vector<std::vector<TokenEvent>> events,
                         RunArrivals(arrivals, engine));
  std::vector<std::vector<TokenEvent>> by_request(requests.size());
  for (size_t i = 0; i < places.size(); ++i) by_request[places[i]] = std::move(events[i]);
  return by_request;
}

}  // namespace oriel
