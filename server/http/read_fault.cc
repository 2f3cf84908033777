#include "server/http/read_fault.h"

#include <boost/asio/error.hpp>
#include <boost/beast/http/error.hpp>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/request_memory.h"

namespace oriel {

std::optional<ApiError> ReadFault(const boost::system::error_code& error, ReadExpired expired,
                                  const HttpLimits& limits) {
  using http_error = boost::beast::http::error;
  if (expired == ReadExpired::kYes) {
    return HttpFault(
        408, "request_timeout",
        absl::StrCat("the request did not arrive within ",
                     absl::FormatDuration(limits.read_timeout), ", the most that it may take"));
  }
  if (error == http_error::body_limit) {
    return HttpFault(413, "body_too_large",
                     absl::StrCat("the body is larger than ", limits.body_bytes_max,
                                  " bytes, the most a request may have"));
  }
  if (error == http_error::header_limit) {
    return HttpFault(431, "headers_too_large",
                     absl::StrCat("the headers are larger than ", limits.header_bytes_max,
                                  " bytes, the most a request may have"));
  }
  if (error == boost::asio::error::no_buffer_space) {
    return MapError(RequestMemoryFullError(limits.request_memory_bytes));
  }
  const bool is_cut_off =
      error == http_error::end_of_stream || error == http_error::partial_message;
  if (is_cut_off || error.category() != make_error_code(http_error::bad_method).category()) {
    return std::nullopt;
  }
  return HttpFault(400, "bad_request", absl::StrCat("not an HTTP request: ", error.message()));
}

}  // namespace oriel
