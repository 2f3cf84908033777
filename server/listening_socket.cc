#include "server/listening_socket.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace oriel {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using tcp = asio::ip::tcp;

void Open(tcp::acceptor& acceptor, const std::string& host, int32_t port, error_code& error) {
  tcp::resolver resolver(acceptor.get_executor());
  const auto addresses = resolver.resolve(host, std::to_string(port), error);
  if (error) return;
  const tcp::endpoint endpoint = *addresses.begin();
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
}

}  // namespace

absl::StatusOr<tcp::acceptor> ListenOn(const asio::any_io_executor& executor,
                                       const std::string& host, int32_t port) {
  tcp::acceptor acceptor(executor);
  error_code error;
  Open(acceptor, host, port, error);
  if (!error) return acceptor;
  return absl::UnavailableError(
      absl::StrCat("cannot listen on ", host, ":", port, ": ", error.message()));
}

}  // namespace oriel
