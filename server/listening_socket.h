#ifndef ORIEL_SERVER_LISTENING_SOCKET_H_
#define ORIEL_SERVER_LISTENING_SOCKET_H_

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace oriel {

// A socket that listens on `host`, an address or a name whose first address counts, and `port`; 0:
// any free one. Unavailable says why not.
absl::StatusOr<boost::asio::ip::tcp::acceptor> ListenOn(
    const boost::asio::any_io_executor& executor, const std::string& host, int32_t port);

}  // namespace oriel

#endif  // ORIEL_SERVER_LISTENING_SOCKET_H_
