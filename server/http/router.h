#ifndef ORIEL_SERVER_HTTP_ROUTER_H_
#define ORIEL_SERVER_HTTP_ROUTER_H_

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "server/http/http_message.h"

namespace oriel {

// Finds the handler of a request.
//
// Lifecycle   filled before the first connection, then only read.
// Threads     Dispatch from any.
class Router {
 public:
  // `path` ends in "/*" for a route that takes one more segment, which the handler finds in
  // HttpRequest::path. A route for GET answers HEAD too: the connection leaves the body out.
  void Add(std::string_view method, std::string_view path, HttpHandler handler);

  // Answers every path that no route has, instead of 404.
  void SetFallback(HttpHandler handler) { fallback_ = std::move(handler); }

  // The handler's answer, or 404 for an unknown path, or 405 with `allow` for a known one.
  HttpAnswer Dispatch(HttpRequest request) const;

  // The path as it was added: a bounded set of names for metrics. "unknown" if no route has it.
  std::string RouteName(std::string_view path) const;

 private:
  using Methods = std::map<std::string, HttpHandler, std::less<>>;

  const std::pair<const std::string, Methods>* Find(std::string_view path) const;

  std::map<std::string, Methods, std::less<>> routes_;
  HttpHandler fallback_;
};

}  // namespace oriel

#endif  // ORIEL_SERVER_HTTP_ROUTER_H_
