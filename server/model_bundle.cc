#include "server/model_bundle.h"

#include <utility>

#include "engine/model/load_model.h"
#include "engine/model/model_config.h"
#include "kernels/core/status.h"

namespace oriel {

absl::StatusOr<std::unique_ptr<ServedModel>> LoadServedModel(const std::string& path,
                                                             const EngineConfig& config,
                                                             const BackendOptions& backend) {
  auto served = std::make_unique<ServedModel>();
  ORIEL_ASSIGN_OR_RETURN(GgufFile file, GgufFile::Open(path));
  served->file = std::make_unique<GgufFile>(std::move(file));
  ORIEL_ASSIGN_OR_RETURN(const ModelConfig model_config, ReadModelConfig(*served->file));
  ORIEL_ASSIGN_OR_RETURN(served->text, ModelText::Load(*served->file));
  ORIEL_ASSIGN_OR_RETURN(const EngineConfig resolved, ResolveEngineConfig(config, model_config));
  ORIEL_ASSIGN_OR_RETURN(served->backend, MakeBackend(backend));
  const int32_t step_tokens = resolved.prefill_chunk_tokens + resolved.max_num_seqs;
  ORIEL_ASSIGN_OR_RETURN(std::unique_ptr<Model> model,
                         LoadModel(*served->file, *served->backend, step_tokens));
  ORIEL_ASSIGN_OR_RETURN(served->engine,
                         Engine::Create(resolved, std::move(model), *served->backend));
  for (const GgufTensor& tensor : served->file->tensors())
    served->weight_bytes += tensor.size_bytes;
  return served;
}

}  // namespace oriel
