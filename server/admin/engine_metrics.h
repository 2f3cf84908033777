#ifndef ORIEL_SERVER_ADMIN_ENGINE_METRICS_H_
#define ORIEL_SERVER_ADMIN_ENGINE_METRICS_H_

#include <prometheus/metric_family.h>

#include <string>
#include <vector>

#include "engine/engine.h"
#include "server/admin/server_metrics.h"

namespace oriel {

// The engine's numbers at this moment.
std::vector<prometheus::MetricFamily> CollectEngineMetrics(const Engine& engine);

// The families that vLLM has too, under its names and with its labels.
std::vector<prometheus::MetricFamily> VllmAliases(
    const std::vector<prometheus::MetricFamily>& families, const std::string& model_name);

enum class VllmNames : bool { kNo, kYes };

// The text of /metrics.
std::string ExposeMetrics(const Engine& engine, const ServerMetrics& server,
                          const std::string& model_name, VllmNames vllm_names);

}  // namespace oriel

#endif  // ORIEL_SERVER_ADMIN_ENGINE_METRICS_H_
