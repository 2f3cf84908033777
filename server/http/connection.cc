#include "server/http/connection.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <chrono>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "server/generation/request_id.h"
#include "server/http/read_fault.h"
#include "server/stream/sse.h"

namespace oriel {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

// A response larger than this is written in pieces, each with its own deadline.
constexpr size_t kWriteBytesMax = 64 << 10;
constexpr size_t kReadBytes = 16 << 10;

// How long and how much a closing connection still listens. A close with unread bytes resets the
// connection, and a reset can overtake the answer that the client has not read yet.
constexpr auto kLingerTime = std::chrono::seconds(2);
constexpr size_t kLingerBytesMax = 64 << 20;

constexpr int32_t kStatusClientGone = 499;

// The stream closes this much after the read deadline, should cancelling not have ended the read.
constexpr auto kReadGrace = std::chrono::seconds(1);

std::chrono::nanoseconds ToChrono(absl::Duration duration) {
  return absl::ToChronoNanoseconds(duration);
}

// A body whose end a proxy before us might see elsewhere: the rest of it would be taken for the
// next request of the connection.
bool HasDoubtfulFraming(const http::request_header<>& head) {
  const beast::string_view coding = head[http::field::transfer_encoding];
  return !coding.empty() && (!beast::iequals(coding, "chunked") || head.version() < 11);
}

// The path of a request's target, which may be a whole address if the client takes us for a proxy.
std::string_view PathOf(std::string_view target) {
  constexpr std::string_view kScheme = "http://";
  if (target.starts_with(kScheme)) {
    const size_t slash = target.find('/', kScheme.size());
    target = slash == target.npos ? "/" : target.substr(slash);
  }
  return target.substr(0, target.find('?'));
}

std::string_view ToView(beast::string_view text) { return {text.data(), text.size()}; }

}  // namespace

Connection::Connection(std::shared_ptr<HttpServerState> state, asio::ip::tcp::socket socket,
                       Admission admission)
    : state_(std::move(state)),
      admission_(admission),
      stream_(std::move(socket)),
      signal_(stream_.get_executor()),
      read_deadline_(stream_.get_executor()) {
  ++Count();
}

Connection::~Connection() { --Count(); }

std::atomic<int32_t>& Connection::Count() {
  return admission_ == Admission::kServed ? state_->num_served : state_->num_refused;
}

void Connection::Start() {
  asio::co_spawn(
      stream_.get_executor(),
      [self = shared_from_this()] {
        return self->admission_ == Admission::kServed ? self->Serve() : self->Refuse();
      },
      asio::detached);
}

void Connection::Close() {
  asio::post(stream_.get_executor(), [self = shared_from_this()] {
    self->client_gone_ = true;
    self->signal_.cancel();
    self->read_deadline_.cancel();
    self->stream_.close();
  });
}

void Connection::Wake() {
  // One post in flight is enough, however many tokens arrive meanwhile.
  if (wake_posted_.exchange(true)) return;
  asio::post(stream_.get_executor(), [self = shared_from_this()] {
    self->woken_ = true;
    self->signal_.cancel();
  });
}

Connection::Task Connection::Serve() {
  error_code ignored;
  stream_.socket().set_option(asio::ip::tcp::no_delay(true), ignored);
  while (!client_gone_) {
    if (!co_await AwaitFirstByte()) break;
    Incoming incoming;
    if (!co_await ReadRequest(incoming)) break;
    ++state_->num_answering;
    const bool next = co_await Answer(std::move(incoming));
    --state_->num_answering;
    if (!next) break;
  }
  co_await CloseAfterReading();
}

Connection::Task Connection::Refuse() {
  const ApiError error =
      HttpFault(503, "too_many_connections",
                absl::StrCat("the server has ", state_->options.limits.connections_max,
                             " connections open, the most that it may"));
  Incoming incoming;
  incoming.request_id = MakeRequestId();
  co_await WriteResponse(ErrorResponse(error), incoming);
  co_await CloseAfterReading();
}

Connection::Success Connection::AwaitFirstByte() {
  if (buffer_.size() > 0) co_return true;
  stream_.expires_after(ToChrono(state_->options.limits.idle_timeout));
  const auto [error, bytes] = co_await stream_.async_read_some(buffer_.prepare(kReadBytes), kAwait);
  buffer_.commit(bytes);
  co_return !error;
}

Connection::Success Connection::ReadRequest(Incoming& incoming) {
  const HttpLimits& limits = state_->options.limits;
  RequestParser parser;
  parser.header_limit(static_cast<uint32_t>(limits.header_bytes_max));
  parser.body_limit(static_cast<uint64_t>(limits.body_bytes_max));
  auto hold = std::make_shared<RequestHold>(state_->options.request_memory);
  if (const error_code error = co_await ReadMessage(parser, *hold)) {
    co_return co_await AnswerReadError(error);
  }
  auto message = parser.release();
  incoming.request_id = AcceptRequestId(ToView(message["x-request-id"]));
  incoming.request = {.method = std::string(ToView(message.method_string())),
                      .path = std::string(PathOf(ToView(message.target()))),
                      .body = std::move(message.body()),
                      .body_hold = std::move(hold),
                      .request_id = incoming.request_id,
                      .arrival = absl::Now()};
  incoming.keep_alive = message.keep_alive();
  incoming.chunked_allowed = message.version() >= 11;
  incoming.head_only = message.method() == http::verb::head;
  co_return true;
}

Connection::ReadResult Connection::ReadMessage(RequestParser& parser, RequestHold& hold) {
  StartReadDeadline();
  const absl::Cleanup stop = [this] { StopReadDeadline(); };
  error_code error = co_await ReadParts(parser, &RequestParser::is_header_done, hold);
  if (error) co_return error;
  if (HasDoubtfulFraming(parser.get())) co_return http::error::bad_transfer_encoding;
  if (ToView(parser.get()[http::field::expect]) == "100-continue") {
    if (!co_await Write("HTTP/1.1 100 Continue\r\n\r\n")) co_return asio::error::broken_pipe;
    // The write has put its own expiry in the place of the read's.
    stream_.expires_at(read_deadline_.expiry() + kReadGrace);
  }
  parser.eager(true);
  co_return co_await ReadParts(parser, &RequestParser::is_done, hold);
}

// A sender that never pauses leaves no read waiting that could be cancelled.
Connection::ReadResult Connection::ReadParts(RequestParser& parser,
                                             bool (RequestParser::*is_read)() const,
                                             RequestHold& hold) {
  error_code error;
  while (!error && !(parser.*is_read)()) {
    if (read_expired_) co_return asio::error::operation_aborted;
    size_t unused = 0;
    std::tie(error, unused) = co_await http::async_read_some(stream_, buffer_, parser, kAwait);
    if (error) break;
    const size_t body_bytes = parser.get().body().size();
    if (!hold.GrowTo(static_cast<int64_t>(body_bytes)).ok()) error = asio::error::no_buffer_space;
  }
  co_return error;
}

// The stream's own deadline closes the socket, so that nobody could be told; this one only ends the
// read.
void Connection::StartReadDeadline() {
  const auto timeout = ToChrono(state_->options.limits.read_timeout);
  stream_.expires_after(timeout + kReadGrace);
  read_expired_ = false;
  read_deadline_.expires_after(timeout);
  read_deadline_.async_wait([weak = weak_from_this(), read = read_number_](error_code error) {
    const auto self = weak.lock();
    // The handler may have been queued already when its read ended.
    if (error || self == nullptr || self->read_number_ != read) return;
    self->read_expired_ = true;
    self->stream_.cancel();
  });
}

void Connection::StopReadDeadline() {
  ++read_number_;
  read_deadline_.cancel();
}

Connection::Success Connection::AnswerReadError(const error_code& error) {
  const auto expired = read_expired_ ? ReadExpired::kYes : ReadExpired::kNo;
  const std::optional<ApiError> fault = ReadFault(error, expired, state_->options.limits);
  if (!fault) co_return false;
  Incoming incoming;
  incoming.request_id = MakeRequestId();
  co_await WriteResponse(ErrorResponse(*fault), incoming);
  if (state_->options.on_answer) {
    state_->options.on_answer({.method = "?",
                               .route = "unknown",
                               .request_id = incoming.request_id,
                               .status = fault->http_status,
                               .duration = absl::ZeroDuration()});
  }
  co_return false;
}

Connection::Success Connection::Answer(Incoming incoming) {
  const Router& router = *state_->router;
  HttpRecord record{.method = incoming.request.method,
                    .route = router.RouteName(incoming.request.path),
                    .request_id = incoming.request_id,
                    .duration = absl::ZeroDuration()};
  const absl::Time arrival = incoming.request.arrival;
  // The request goes as a whole: a body may be large, and an answer take long.
  HttpAnswer answer = router.Dispatch(std::move(incoming.request));
  bool complete = false;
  if (auto* response = std::get_if<HttpResponse>(&answer)) {
    record.status = response->status;
    complete = co_await WriteResponse(*response, incoming);
  } else {
    StartWatch();
    auto exchange = std::move(std::get<std::unique_ptr<Exchange>>(answer));
    complete = co_await RunExchange(*exchange, incoming, record.status);
    exchange.reset();
    co_await StopWatch();
  }
  if (!complete) record.status = kStatusClientGone;
  record.duration = absl::Now() - arrival;
  if (state_->options.on_answer) state_->options.on_answer(record);
  co_return complete && !client_gone_ && KeepAlive(incoming);
}

Connection::Success Connection::RunExchange(Exchange& exchange, Incoming& incoming,
                                            int32_t& status) {
  exchange.Start([weak = weak_from_this()] {
    if (auto self = weak.lock()) self->Wake();
  });
  bool streaming = false;
  const bool chunked = incoming.chunked_allowed;
  while (!client_gone_) {
    woken_ = false;
    wake_posted_ = false;
    const ExchangeOutput output = exchange.Poll();
    bool written = true;
    switch (output.kind) {
      case ExchangeOutput::Kind::kPending:
        written = co_await AwaitWakeup(streaming, chunked);
        break;
      case ExchangeOutput::Kind::kResponse:
        status = output.response.status;
        co_return co_await WriteResponse(output.response, incoming);
      case ExchangeOutput::Kind::kStreamHead:
        status = output.response.status;
        streaming = true;
        // Without chunks only the connection's end tells where the stream ends.
        if (!chunked) incoming.keep_alive = false;
        written = co_await WriteHead(output.response, incoming);
        break;
      case ExchangeOutput::Kind::kChunk:
        written = co_await WriteChunk(output.chunk, chunked);
        break;
      case ExchangeOutput::Kind::kEnd:
        // Not as one expression: GCC 12 awaits the right side of || whatever the left one is.
        if (chunked) co_return co_await Write("0\r\n\r\n");
        co_return true;
    }
    if (!written) co_return false;
  }
  co_return false;
}

Connection::Success Connection::AwaitWakeup(bool streaming, bool chunked) {
  if (streaming) {
    signal_.expires_after(ToChrono(state_->options.limits.ping_interval));
  } else {
    signal_.expires_at(std::chrono::steady_clock::time_point::max());
  }
  const auto [error] = co_await signal_.async_wait(kAwait);
  const bool silent = !error && !woken_ && !client_gone_;
  if (silent && streaming) co_return co_await WriteChunk(kSsePing, chunked);
  co_return true;
}

bool Connection::KeepAlive(const Incoming& incoming) const {
  return incoming.keep_alive && !state_->draining;
}

std::string Connection::Head(const HttpResponse& response, const Incoming& incoming,
                             std::string_view length_header) const {
  const auto reason = http::obsolete_reason(static_cast<http::status>(response.status));
  std::string head =
      absl::StrCat(incoming.chunked_allowed ? "HTTP/1.1 " : "HTTP/1.0 ", response.status, " ",
                   absl::string_view(reason.data(), reason.size()),
                   "\r\nserver: oriel\r\nx-request-id: ", incoming.request_id,
                   "\r\ncontent-type: ", response.content_type, "\r\n");
  for (const auto& [name, value] : response.headers) {
    absl::StrAppend(&head, name, ": ", value, "\r\n");
  }
  head += length_header;
  head += KeepAlive(incoming) ? "connection: keep-alive\r\n\r\n" : "connection: close\r\n\r\n";
  return head;
}

Connection::Success Connection::WriteResponse(const HttpResponse& response,
                                              const Incoming& incoming) {
  std::string bytes =
      Head(response, incoming, absl::StrCat("content-length: ", response.body.size(), "\r\n"));
  if (!incoming.head_only) bytes += response.body;
  co_return co_await Write(bytes);
}

Connection::Success Connection::WriteHead(const HttpResponse& response, const Incoming& incoming) {
  co_return co_await Write(
      Head(response, incoming, incoming.chunked_allowed ? "transfer-encoding: chunked\r\n" : ""));
}

Connection::Success Connection::WriteChunk(std::string_view bytes, bool chunked) {
  if (!chunked) co_return co_await Write(bytes);
  std::string framed = absl::StrCat(absl::Hex(bytes.size()), "\r\n");
  framed += bytes;
  framed += "\r\n";
  co_return co_await Write(framed);
}

Connection::Success Connection::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t piece = std::min(bytes.size(), kWriteBytesMax);
    // A read that is pending keeps its own expiry; this one is the write's.
    stream_.expires_after(ToChrono(state_->options.limits.write_timeout));
    const auto [error, written] =
        co_await asio::async_write(stream_, asio::buffer(bytes.data(), piece), kAwait);
    if (error) co_return false;
    bytes.remove_prefix(written);
  }
  co_return true;
}

void Connection::StartWatch() {
  watch_wanted_ = true;
  ReadAhead();
}

void Connection::ReadAhead() {
  const auto room_max = static_cast<size_t>(state_->options.limits.pipelined_bytes_max);
  // A client that sends this far ahead is watched again after its current answer; until then only a
  // failing write tells that it is gone.
  if (buffer_.size() >= room_max) return;
  watch_pending_ = true;
  stream_.expires_never();
  stream_.async_read_some(buffer_.prepare(std::min(kReadBytes, room_max - buffer_.size())),
                          [self = shared_from_this()](error_code error, size_t bytes) {
                            self->watch_pending_ = false;
                            self->buffer_.commit(bytes);
                            if (!error && self->watch_wanted_) return self->ReadAhead();
                            self->client_gone_ |= error && error != asio::error::operation_aborted;
                            self->signal_.cancel();
                          });
}

// The next request may come just before the cancel: the read then ends well, and must not be
// followed by another one, which would wait for a client that waits for us.
Connection::Task Connection::StopWatch() {
  watch_wanted_ = false;
  if (!watch_pending_) co_return;
  stream_.cancel();
  while (watch_pending_) co_await AwaitSignal();
}

Connection::Task Connection::AwaitSignal() {
  signal_.expires_at(std::chrono::steady_clock::time_point::max());
  co_await signal_.async_wait(kAwait);
}

Connection::Task Connection::CloseAfterReading() {
  error_code ignored;
  stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  size_t discarded = 0;
  stream_.expires_after(kLingerTime);
  while (!client_gone_ && discarded < kLingerBytesMax) {
    buffer_.clear();
    const auto [error, bytes] =
        co_await stream_.async_read_some(buffer_.prepare(kReadBytes), kAwait);
    if (error) break;
    discarded += bytes;
  }
  stream_.close();
}

}  // namespace oriel
