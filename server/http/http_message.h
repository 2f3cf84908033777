#ifndef ORIEL_SERVER_HTTP_HTTP_MESSAGE_H_
#define ORIEL_SERVER_HTTP_HTTP_MESSAGE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "server/error_mapping.h"
#include "server/request_memory.h"

namespace oriel {

// A request as handlers see it; nothing of it depends on the HTTP library.
struct HttpRequest {
  std::string method;  // "GET", upper case as sent
  std::string path;    // of the target, without the query
  std::string body = {};
  std::shared_ptr<const RequestHold> body_hold = {};  // goes where `body` goes; may be null
  std::string request_id;  // from x-request-id, or made by the connection
  absl::Time arrival;
};

// An answer that is complete, or the head of one that comes in chunks.
struct HttpResponse {
  int32_t status = 200;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
};

inline HttpResponse ErrorResponse(const ApiError& error) {
  HttpResponse response{.status = error.http_status, .body = ErrorBody(error)};
  if (error.retry_after_s > 0) {
    response.headers.emplace_back("retry-after", std::to_string(error.retry_after_s));
  } else {
    // OpenAI's clients repeat what has a status of 408 or above 499, unless they are told.
    response.headers.emplace_back("x-should-retry", "false");
  }
  return response;
}

// What an exchange has for its connection.
struct ExchangeOutput {
  enum class Kind : uint8_t {
    kPending,     // nothing now; the wakeup will be called
    kResponse,    // `response`, complete; the last output
    kStreamHead,  // `response` without a body; chunks follow
    kChunk,       // `chunk`, never empty
    kEnd,         // the last output of a stream
  };
  Kind kind = Kind::kPending;
  HttpResponse response;
  std::string chunk;
};

// One request on its way to an answer.
//
// Lifecycle   Start once, then Poll until kResponse or kEnd. Destroying it earlier means that the
//             client is gone: whatever runs for it is cancelled.
// Threads     used by one connection at a time.
class Exchange {
 public:
  virtual ~Exchange() = default;

  // `wakeup` is called from any thread whenever Poll may have more than kPending. It does not
  // block, may outlive the exchange, and may be called once too often.
  virtual void Start(std::function<void()> wakeup) = 0;

  // Never waits.
  virtual ExchangeOutput Poll() = 0;
};

// What a handler gives: the answer itself, or an exchange that will have it.
using HttpAnswer = std::variant<HttpResponse, std::unique_ptr<Exchange>>;
using HttpHandler = std::function<HttpAnswer(HttpRequest)>;

}  // namespace oriel

#endif  // ORIEL_SERVER_HTTP_HTTP_MESSAGE_H_
