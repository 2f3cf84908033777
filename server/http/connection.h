#ifndef ORIEL_SERVER_HTTP_CONNECTION_H_
#define ORIEL_SERVER_HTTP_CONNECTION_H_

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "server/http/http_message.h"
#include "server/http/http_server.h"
#include "server/http/router.h"

namespace oriel {

// What all connections of a server share; lives until the last of them is gone.
struct HttpServerState {
  HttpServerState(HttpServerOptions server_options, const Router& server_router)
      : options(std::move(server_options)), router(&server_router), io(options.threads) {}

  const HttpServerOptions options;
  std::atomic<const Router*> router;  // never null
  boost::asio::io_context io;
  std::atomic<bool> draining{false};
  std::atomic<int32_t> num_served{0};     // connections; refused ones do not count
  std::atomic<int32_t> num_refused{0};    // connections that are told so, and still open
  std::atomic<int32_t> num_answering{0};  // requests read and not yet answered

  int32_t num_connections() const { return num_served + num_refused; }
};

// Whether there is room for a client among the connections that the server may have.
enum class Admission : bool { kRefused, kServed };

// One client's TCP connection.
//
// Lifecycle   Start spawns the coroutine that owns it; it ends with the connection.
// Threads     everything runs on the connection's strand; Close and the wakeups of exchanges may
//             come from any thread.
// Invariant   while an exchange runs, a read is pending: its end is how a client that goes away is
//             noticed, and its bytes are the next request.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<HttpServerState> state, boost::asio::ip::tcp::socket socket,
             Admission admission);
  ~Connection();

  // A refused client is answered 503, and then closed.
  void Start();

  // Closes the socket; whatever runs for the client is cancelled.
  void Close();

 private:
  using Task = boost::asio::awaitable<void>;
  using RequestParser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  using ReadResult = boost::asio::awaitable<boost::system::error_code>;
  using Success = boost::asio::awaitable<bool>;  // false: the connection is to be closed

  struct Incoming {
    HttpRequest request;  // until it is dispatched
    std::string request_id;
    bool keep_alive = false;
    bool chunked_allowed = true;  // HTTP/1.0 knows no chunks
    bool head_only = false;
  };

  Task Serve();
  Task Refuse();
  Success AwaitFirstByte();
  Success ReadRequest(Incoming& incoming);
  ReadResult ReadMessage(RequestParser& parser, RequestHold& hold);
  ReadResult ReadParts(RequestParser& parser, bool (RequestParser::*is_read)() const,
                       RequestHold& hold);
  void StartReadDeadline();
  void StopReadDeadline();
  Success AnswerReadError(const boost::system::error_code& error);
  Success Answer(Incoming incoming);
  Success RunExchange(Exchange& exchange, Incoming& incoming, int32_t& status);
  Success AwaitWakeup(bool streaming, bool chunked);
  Success WriteResponse(const HttpResponse& response, const Incoming& incoming);
  Success WriteHead(const HttpResponse& response, const Incoming& incoming);
  Success WriteChunk(std::string_view bytes, bool chunked);
  Success Write(std::string_view bytes);
  Task CloseAfterReading();
  Task AwaitSignal();

  std::atomic<int32_t>& Count();
  std::string Head(const HttpResponse& response, const Incoming& incoming,
                   std::string_view length_header) const;
  bool KeepAlive(const Incoming& incoming) const;

  // A read that is pending while an exchange runs, so that a client that goes away is noticed. What
  // it brings is kept for the next request.
  void StartWatch();
  void ReadAhead();
  Task StopWatch();

  // Called from any thread.
  void Wake();

  const std::shared_ptr<HttpServerState> state_;  // before the sockets: they need its context
  const Admission admission_;
  boost::beast::tcp_stream stream_;
  boost::beast::flat_buffer buffer_;
  boost::asio::steady_timer signal_;  // cancelled to wake the coroutine
  boost::asio::steady_timer read_deadline_;
  std::atomic<bool> wake_posted_{false};
  bool woken_ = false;
  uint64_t read_number_ = 0;    // of the read that a deadline belongs to
  bool read_expired_ = false;   // its deadline has passed
  bool watch_wanted_ = false;   // between StartWatch and StopWatch
  bool watch_pending_ = false;  // a read is under way
  bool client_gone_ = false;
};

}  // namespace oriel

#endif  // ORIEL_SERVER_HTTP_CONNECTION_H_
