#include "server/http/router.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "kernels/core/status.h"

namespace oriel {
namespace {

// A path may be as long as a header; a message quotes its beginning.
constexpr size_t kQuotedBytesMax = 100;

std::string AllowedMethods(const std::map<std::string, HttpHandler, std::less<>>& methods) {
  std::string allowed;
  for (const auto& [method, handler] : methods) {
    absl::StrAppend(&allowed, allowed.empty() ? "" : ", ", method);
    if (method == "GET") allowed += ", HEAD";
  }
  return allowed;
}

}  // namespace

void Router::Add(std::string_view method, std::string_view path, HttpHandler handler) {
  routes_[std::string(path)][std::string(method)] = std::move(handler);
}

const std::pair<const std::string, Router::Methods>* Router::Find(std::string_view path) const {
  if (const auto exact = routes_.find(path); exact != routes_.end()) return &*exact;
  if (path.ends_with('/')) return nullptr;
  // The longest pattern first.
  for (size_t slash = path.rfind('/'); slash != path.npos && slash > 0;
       slash = path.rfind('/', slash - 1)) {
    const auto found = routes_.find(absl::StrCat(ToAbsl(path.substr(0, slash)), "/*"));
    if (found != routes_.end()) return &*found;
  }
  return nullptr;
}

HttpAnswer Router::Dispatch(HttpRequest request) const {
  const auto* route = Find(request.path);
  if (route == nullptr && fallback_) return fallback_(std::move(request));
  if (route == nullptr) {
    return ErrorResponse(
        HttpFault(404, "not_found",
                  absl::StrCat("no such path: ",
                               ToAbsl(std::string_view(request.path).substr(0, kQuotedBytesMax)))));
  }
  const Methods& methods = route->second;
  auto handler = methods.find(request.method);
  if (handler == methods.end() && request.method == "HEAD") handler = methods.find("GET");
  if (handler != methods.end()) return handler->second(std::move(request));
  const std::string allowed = AllowedMethods(methods);
  HttpResponse response = ErrorResponse(HttpFault(
      405, "method_not_allowed", absl::StrCat(route->first, " answers ", allowed, " only")));
  response.headers.emplace_back("allow", allowed);
  return response;
}

std::string Router::RouteName(std::string_view path) const {
  const auto* route = Find(path);
  return route == nullptr ? "unknown" : route->first;
}

}  // namespace oriel
