#include "server/http/service_routes.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "kernels/core/status.h"
#include "server/admin/engine_metrics.h"
#include "server/admin/startup_report.h"
#include "server/admin/version.h"
#include "server/http/generation_exchange.h"
#include "server/http/tokenize_api.h"
#include "server/http/worker_exchange.h"
#include "server/json.h"

namespace oriel {
namespace {

constexpr std::string_view kModelsPath = "/v1/models/";
constexpr char kPrometheusContentType[] = "text/plain; version=0.0.4; charset=utf-8";

HttpResponse JsonResponse(const Json& body) { return {.body = DumpJson(body)}; }

HttpResponse Draining() { return ErrorResponse(MapError(ShuttingDownError())); }

HttpHandler Generate(ServingContext& context, ApiKind kind) {
  return [&context, kind](HttpRequest request) -> HttpAnswer {
    if (context.draining) return Draining();
    return std::make_unique<GenerationExchange>(context, kind, std::move(request));
  };
}

using TextJob = absl::StatusOr<HttpResponse> (*)(ServingContext&, std::string_view);

HttpHandler OnWorker(ServingContext& context, TextJob job) {
  return [&context, job](HttpRequest request) -> HttpAnswer {
    return std::make_unique<WorkerExchange>(
        context.workers, [&context, job, body = std::move(request.body),
                          hold = std::move(request.body_hold)] { return job(context, body); });
  };
}

Json ModelJson(const ServingContext& context) {
  return {{"id", context.model_name},
          {"object", "model"},
          {"created", context.created_unix_s},
          {"owned_by", "oriel"},
          {"max_model_len", context.engine.config().max_model_len}};
}

HttpAnswer ListModels(const ServingContext& context) {
  return JsonResponse({{"object", "list"}, {"data", Json::array({ModelJson(context)})}});
}

// What a path says: %XX is a byte. What is no such code stands for itself.
std::string Unescape(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    const std::string_view digits = text.substr(i + 1, 2);
    const bool is_code = text[i] == '%' && digits.size() == 2 &&
                         absl::ascii_isxdigit(static_cast<unsigned char>(digits[0])) &&
                         absl::ascii_isxdigit(static_cast<unsigned char>(digits[1]));
    plain += is_code ? absl::HexStringToBytes(ToAbsl(digits)) : std::string(1, text[i]);
    if (is_code) i += digits.size();
  }
  return plain;
}

HttpAnswer GetModel(const ServingContext& context, const HttpRequest& request) {
  const std::string name = Unescape(std::string_view(request.path).substr(kModelsPath.size()));
  if (absl::Status status = CheckModelName(context, name); !status.ok()) {
    return ErrorResponse(MapError(status));
  }
  return JsonResponse(ModelJson(context));
}

// The engine has ended: permanent for this process, but not for the client, whom an orchestrator
// will send elsewhere.
HttpAnswer Health(const ServingContext& context) {
  const absl::Status health = context.engine.health();
  if (health.ok()) return JsonResponse({{"status", "ok"}});
  return ErrorResponse(MapError(WithErrorCode(
      absl::UnavailableError(absl::StrCat("the engine has stopped: ", health.message())),
      "engine_stopped")));
}

HttpAnswer Ready(const ServingContext& context) {
  if (context.draining) return Draining();
  return Health(context);
}

HttpAnswer Metrics(const ServingContext& context) {
  const auto names = context.config.vllm_metric_names ? VllmNames::kYes : VllmNames::kNo;
  return HttpResponse{
      .content_type = kPrometheusContentType,
      .body = ExposeMetrics(context.engine, context.metrics, context.model_name, names)};
}

// Paths that clients of the OpenAI interface use, and the same names outside of it.
void AddTextRoutes(ServingContext& context, Router& router) {
  router.Add("POST", "/v1/completions", Generate(context, ApiKind::kCompletion));
  router.Add("POST", "/v1/chat/completions", Generate(context, ApiKind::kChat));
  for (const char* path : {"/tokenize", "/v1/tokenize"}) {
    router.Add("POST", path, OnWorker(context, &Tokenize));
  }
  for (const char* path : {"/detokenize", "/v1/detokenize"}) {
    router.Add("POST", path, OnWorker(context, &Detokenize));
  }
}

HttpAnswer Alive(const HttpRequest&) { return JsonResponse({{"status", "ok"}}); }

}  // namespace

void AddLoadingRoutes(Router& router) {
  router.Add("GET", "/livez", Alive);
  router.SetFallback([](const HttpRequest&) -> HttpAnswer {
    return ErrorResponse(MapError(WithErrorCode(
        absl::UnavailableError("the model is still loading; try again later"), "loading")));
  });
}

void AddServiceRoutes(ServingContext& context, Router& router) {
  AddTextRoutes(context, router);
  router.Add("GET", "/v1/models", [&context](const HttpRequest&) { return ListModels(context); });
  router.Add("GET", absl::StrCat(ToAbsl(kModelsPath), "*"),
             [&context](const HttpRequest& request) { return GetModel(context, request); });
  router.Add("GET", "/health", [&context](const HttpRequest&) { return Health(context); });
  router.Add("GET", "/livez", Alive);
  router.Add("GET", "/readyz", [&context](const HttpRequest&) { return Ready(context); });
  router.Add("GET", "/version", [](const HttpRequest&) -> HttpAnswer {
    return JsonResponse({{"version", kVersion}});
  });
  router.Add("GET", "/metrics", [&context](const HttpRequest&) { return Metrics(context); });
  router.Add("GET", "/server_info", [&context](const HttpRequest&) -> HttpAnswer {
    return JsonResponse(ServerInfo(context.engine, context.weight_bytes));
  });
}

}  // namespace oriel
