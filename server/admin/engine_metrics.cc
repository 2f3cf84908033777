#include "server/admin/engine_metrics.h"

#include <prometheus/text_serializer.h>

#include <array>
#include <iterator>
#include <limits>
#include <string_view>
#include <utility>

#include "kernels/core/status.h"
#include "server/admin/cache_geometry.h"

namespace oriel {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

ClientMetric Sample(MetricType type, double value, std::vector<ClientMetric::Label> labels = {}) {
  ClientMetric metric;
  metric.label = std::move(labels);
  if (type == MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
  return metric;
}

ClientMetric HistogramSample(const Histogram& histogram,
                             std::vector<ClientMetric::Label> labels = {}) {
  ClientMetric metric;
  metric.label = std::move(labels);
  metric.histogram.sample_count = histogram.count();
  metric.histogram.sample_sum = histogram.sum();
  uint64_t cumulative = 0;
  for (size_t i = 0; i < histogram.bucket_counts().size(); ++i) {
    cumulative += histogram.bucket_counts()[i];
    const bool last = i == histogram.bounds().size();
    metric.histogram.bucket.push_back(
        {cumulative, last ? std::numeric_limits<double>::infinity() : histogram.bounds()[i]});
  }
  return metric;
}

class FamilyList {
 public:
  template <typename T>
  void Gauge(const char* name, const char* help, T value) {
    Add(name, help, MetricType::Gauge, {Sample(MetricType::Gauge, static_cast<double>(value))});
  }
  void Counter(const char* name, const char* help, uint64_t value) {
    Add(name, help, MetricType::Counter, {Sample(MetricType::Counter, static_cast<double>(value))});
  }
  void Histogram(const char* name, const char* help, const oriel::Histogram& histogram) {
    Add(name, help, MetricType::Histogram, {HistogramSample(histogram)});
  }
  void Add(const char* name, const char* help, MetricType type, std::vector<ClientMetric> samples) {
    families_.push_back({name, help, type, std::move(samples)});
  }
  std::vector<MetricFamily> Take() { return std::move(families_); }

 private:
  std::vector<MetricFamily> families_;
};

ClientMetric PageSample(const char* pool, const char* state, int32_t pages) {
  return Sample(MetricType::Gauge, pages, {{"pool", pool}, {"state", state}});
}

void AddPages(const EngineStats& stats, FamilyList& list) {
  list.Add("oriel_pages", "Pages of the cache by pool and state", MetricType::Gauge,
           {PageSample("packed", "free", stats.pages_free),
            PageSample("packed", "owned", stats.pages_owned),
            PageSample("packed", "fenced", stats.pages_fenced),
            PageSample("packed", "cached", stats.pages_cached),
            PageSample("window", "free", stats.window_pages_free),
            PageSample("window", "owned", stats.window_pages_owned),
            PageSample("window", "fenced", stats.window_pages_fenced),
            PageSample("window", "cached", stats.window_pages_cached)});
  const double used = stats.pages_total == 0
                          ? 0.0
                          : 1.0 - static_cast<double>(stats.pages_free) / stats.pages_total;
  list.Gauge("oriel_pages_used_ratio", "Part of the packed pages that is not free", used);
}

void AddTokens(const EngineStats& stats, FamilyList& list) {
  const auto sample = [](const char* place, int64_t tokens) {
    return Sample(MetricType::Gauge, static_cast<double>(tokens), {{"place", place}});
  };
  list.Add("oriel_cached_tokens", "Tokens of running sequences by where their keys and values lie",
           MetricType::Gauge,
           {sample("packed", stats.tokens_packed), sample("window", stats.tokens_window),
            sample("sink", stats.tokens_sink)});
}

void AddCache(const EngineStats& stats, const Engine& engine, FamilyList& list) {
  const CacheGeometry geometry = MakeCacheGeometry(stats, engine.config(), engine.model_config());
  const auto sample = [](const char* part, int64_t bytes) {
    return Sample(MetricType::Gauge, static_cast<double>(bytes), {{"part", part}});
  };
  list.Add("oriel_cache_bytes", "Bytes reserved for keys and values", MetricType::Gauge,
           {sample("packed", geometry.packed_bytes), sample("window", geometry.window_bytes),
            sample("sink", geometry.sink_bytes), sample("scratch", geometry.scratch_bytes)});
  // Base units, as promtool wants them: 0.25 is what everywhere else is called 2 bits.
  list.Gauge("oriel_stored_value_bytes",
             "Stored bytes of a packed key or value, all included; 8 times that in bits",
             geometry.bits_per_value / 8);
  list.Gauge("oriel_cache_saved_bytes", "What the packed tokens would take more in FP16",
             stats.tokens_packed * (geometry.fp16_token_bytes - stats.page_bytes / kPageTokens));
}

void AddCacheInfo(const Engine& engine, const EngineStats& stats, FamilyList& list) {
  const EngineConfig& config = engine.config();
  list.Add("oriel_cache_config_info", "How the cache is laid out", MetricType::Gauge,
           {Sample(MetricType::Gauge, 1,
                   {{"block_size", std::to_string(kPageTokens)},
                    {"num_gpu_blocks", std::to_string(stats.pages_total)},
                    {"cache_dtype", std::string(CodecName(config.key_codec)) + "_" +
                                        std::string(CodecName(config.value_codec))}})});
}

void AddRequestTimes(const EngineTimes& times, FamilyList& list) {
  list.Histogram("oriel_time_to_first_token_seconds", "From a request's arrival to its first token",
                 times.first_token_seconds);
  list.Histogram("oriel_inter_token_seconds", "Between two tokens of an answer",
                 times.next_token_seconds);
  list.Histogram("oriel_request_queue_seconds",
                 "From a request's arrival at the engine to its "
                 "first step",
                 times.queue_seconds);
  list.Histogram("oriel_request_prefill_seconds", "From a request's first step to its first token",
                 times.prefill_seconds);
  list.Histogram("oriel_request_decode_seconds", "From an answer's first token to its last",
                 times.decode_seconds);
  list.Histogram("oriel_request_time_per_output_token_seconds",
                 "The same for each token after the first", times.output_token_seconds);
}

constexpr std::array<const char*, kNumStepPhases> kPhaseNames = {"prompt", "decode", "mixed"};

void AddStepTimes(const EngineTimes& times, FamilyList& list) {
  std::vector<ClientMetric> steps, parts, seals;
  for (size_t i = 0; i < kNumStepPhases; ++i) {
    const PhaseTimes& phase = times.phases[i];
    const auto part = [&](const char* name, absl::Duration time) {
      return Sample(MetricType::Counter, absl::ToDoubleSeconds(time),
                    {{"phase", kPhaseNames[i]}, {"part", name}});
    };
    steps.push_back(HistogramSample(phase.step_seconds, {{"phase", kPhaseNames[i]}}));
    parts.push_back(part("forward", phase.forward));
    parts.push_back(part("sample", phase.sample));
    seals.push_back(Sample(MetricType::Counter, absl::ToDoubleSeconds(phase.seal),
                           {{"phase", kPhaseNames[i]}}));
  }
  list.Add("oriel_step_seconds", "Duration of a step by what it computes", MetricType::Histogram,
           std::move(steps));
  list.Add("oriel_step_part_seconds_total", "Time of steps by part", MetricType::Counter,
           std::move(parts));
  list.Add("oriel_seal_seconds_total", "Time spent in packing pages, a part of forward",
           MetricType::Counter, std::move(seals));
  list.Histogram("oriel_step_tokens", "Tokens of a step, prompt and answer", times.step_tokens);
}

struct Alias {
  const char* own;
  const char* vllm;
};

constexpr std::array kAliases = std::to_array<Alias>({
    {"oriel_requests_running", "vllm:num_requests_running"},
    {"oriel_requests_waiting", "vllm:num_requests_waiting"},
    {"oriel_pages_used_ratio", "vllm:kv_cache_usage_perc"},
    {"oriel_cache_config_info", "vllm:cache_config_info"},
    {"oriel_prompt_tokens_total", "vllm:prompt_tokens_total"},
    {"oriel_generated_tokens_total", "vllm:generation_tokens_total"},
    {"oriel_requests_finished_total", "vllm:request_success_total"},
    {"oriel_time_to_first_token_seconds", "vllm:time_to_first_token_seconds"},
    {"oriel_inter_token_seconds", "vllm:inter_token_latency_seconds"},
    {"oriel_request_seconds", "vllm:e2e_request_latency_seconds"},
    {"oriel_request_prompt_tokens", "vllm:request_prompt_tokens"},
    {"oriel_request_generated_tokens", "vllm:request_generation_tokens"},
    {"oriel_request_choices", "vllm:request_params_n"},
    {"oriel_request_max_tokens", "vllm:request_params_max_tokens"},
    {"oriel_request_max_tokens", "vllm:request_max_num_generation_tokens"},
    {"oriel_request_queue_seconds", "vllm:request_queue_time_seconds"},
    {"oriel_request_prefill_seconds", "vllm:request_prefill_time_seconds"},
    {"oriel_request_decode_seconds", "vllm:request_decode_time_seconds"},
    {"oriel_request_time_per_output_token_seconds", "vllm:request_time_per_output_token_seconds"},
    {"oriel_step_tokens", "vllm:iteration_tokens_total"},
});

void RelabelForVllm(const std::string& model_name, MetricFamily& family) {
  for (ClientMetric& metric : family.metric) {
    for (auto& label : metric.label) {
      if (label.name == "reason") label.name = "finished_reason";
    }
    metric.label.push_back({"engine", "0"});
    metric.label.push_back({"model_name", model_name});
  }
}

}  // namespace

std::vector<MetricFamily> CollectEngineMetrics(const Engine& engine) {
  const EngineStats stats = engine.stats();
  FamilyList list;
  list.Gauge("oriel_requests_waiting", "Requests that wait for pages or a place",
             stats.requests_waiting);
  list.Gauge("oriel_waiting_tokens", "Prompt tokens of those", stats.tokens_waiting);
  list.Gauge("oriel_requests_running", "Sequences that run", stats.sequences_running);
  AddPages(stats, list);
  AddTokens(stats, list);
  AddCache(stats, engine, list);
  AddCacheInfo(engine, stats, list);
  list.Counter("oriel_steps_total", "Steps of the engine", stats.steps);
  list.Counter("oriel_prompt_tokens_total", "Prompt tokens processed", stats.prompt_tokens);
  list.Counter("oriel_generated_tokens_total", "Tokens generated", stats.generated_tokens);
  list.Counter("oriel_pages_sealed_total", "Pages that were packed", stats.pages_sealed);
  AddRequestTimes(stats.times, list);
  AddStepTimes(stats.times, list);
  list.Gauge("oriel_last_step_seconds", "Duration of the last step",
             absl::ToDoubleSeconds(stats.last_step_time));
  return list.Take();
}

std::vector<MetricFamily> VllmAliases(const std::vector<MetricFamily>& families,
                                      const std::string& model_name) {
  std::vector<MetricFamily> aliases;
  for (const Alias& alias : kAliases) {
    for (const MetricFamily& family : families) {
      if (family.name != alias.own) continue;
      aliases.push_back(family);
      aliases.back().name = alias.vllm;
      RelabelForVllm(model_name, aliases.back());
    }
  }
  return aliases;
}

std::string ExposeMetrics(const Engine& engine, const ServerMetrics& server,
                          const std::string& model_name, VllmNames vllm_names) {
  std::vector<MetricFamily> families = CollectEngineMetrics(engine);
  for (MetricFamily& family : server.Collect()) families.push_back(std::move(family));
  if (vllm_names == VllmNames::kYes) {
    std::vector<MetricFamily> aliases = VllmAliases(families, model_name);
    families.insert(families.end(), std::make_move_iterator(aliases.begin()),
                    std::make_move_iterator(aliases.end()));
  }
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace oriel
