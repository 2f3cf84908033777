#include "tests/server/support/raw_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "kernels/core/check.h"
#include "kernels/core/status.h"

namespace oriel {
namespace {

constexpr std::string_view kHeadEnd = "\r\n\r\n";
constexpr absl::Duration kPatience = absl::Seconds(10);

// Whether the socket can do what `events` of poll says before the deadline.
bool WaitFor(int socket, short events, absl::Time deadline) {
  const absl::Duration left = deadline - absl::Now();
  if (left <= absl::ZeroDuration()) return false;
  pollfd waiting{.fd = socket, .events = events, .revents = 0};
  return poll(&waiting, 1, static_cast<int>(absl::ToInt64Milliseconds(left)) + 1) > 0;
}

size_t LengthOf(const std::string& headers) {
  const size_t place = headers.find("content-length: ");
  return place == headers.npos ? 0 : std::strtoul(headers.c_str() + place + 16, nullptr, 10);
}

// Takes the chunks at the start of `bytes` apart; true if the last one is there.
bool TakeChunks(std::string& bytes, std::string& body) {
  while (true) {
    const size_t line_end = bytes.find("\r\n");
    if (line_end == bytes.npos) return false;
    const size_t size = std::strtoul(bytes.c_str(), nullptr, 16);
    if (bytes.size() < line_end + 2 + size + 2) return false;
    body += bytes.substr(line_end + 2, size);
    bytes.erase(0, line_end + 2 + size + 2);
    if (size == 0) return true;
  }
}

}  // namespace

RawClient::RawClient(uint16_t port, int receive_buffer_bytes) {
  socket_ = socket(AF_INET, SOCK_STREAM, 0);
  ORIEL_CHECK(socket_ >= 0);
  if (receive_buffer_bytes > 0) {
    setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof(receive_buffer_bytes));
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ORIEL_CHECK(connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
}

RawClient::~RawClient() { Close(); }

void RawClient::Close() {
  if (socket_ >= 0) close(socket_);
  socket_ = -1;
}

void RawClient::Reset() {
  const linger now{.l_onoff = 1, .l_linger = 0};
  setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  Close();
}

bool RawClient::Send(std::string_view bytes) {
  const absl::Time deadline = absl::Now() + kPatience;
  while (!bytes.empty()) {
    if (!WaitFor(socket_, POLLOUT, deadline)) return false;
    const ssize_t sent = send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EAGAIN) continue;
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

bool RawClient::Post(std::string_view path, std::string_view body, std::string_view more_headers) {
  return Send(absl::StrCat("POST ", ToAbsl(path), " HTTP/1.1\r\nhost: x\r\n", ToAbsl(more_headers),
                           "content-length: ", body.size(), "\r\n\r\n", ToAbsl(body)));
}

bool RawClient::Get(std::string_view path) {
  return Send(absl::StrCat("GET ", ToAbsl(path), " HTTP/1.1\r\nhost: x\r\n\r\n"));
}

RawClient::Received RawClient::ReadSome(absl::Time deadline) {
  if (!WaitFor(socket_, POLLIN, deadline)) return Received::kNothing;
  char buffer[4096];
  const ssize_t size = recv(socket_, buffer, sizeof(buffer), 0);
  if (size < 0) return Received::kReset;
  if (size == 0) return Received::kEnd;
  received_.append(buffer, static_cast<size_t>(size));
  return Received::kBytes;
}

RawClient::Received RawClient::ReadToEnd() {
  const absl::Time deadline = absl::Now() + kPatience;
  Received last = Received::kBytes;
  while (last == Received::kBytes) {
    last = ReadSome(deadline);
    received_.clear();
  }
  return last;
}

RawResponse RawClient::Read() {
  const absl::Time deadline = absl::Now() + kPatience;
  RawResponse response;
  while (received_.find(kHeadEnd) == received_.npos) {
    if (ReadSome(deadline) != Received::kBytes) return response;
  }
  const size_t head_size = received_.find(kHeadEnd) + kHeadEnd.size();
  response.headers = absl::AsciiStrToLower(received_.substr(0, head_size));
  response.status = std::atoi(received_.c_str() + sizeof("HTTP/1.1"));
  received_.erase(0, head_size);
  if (response.headers.find("transfer-encoding: chunked") != response.headers.npos) {
    while (!TakeChunks(received_, response.body)) {
      if (ReadSome(deadline) != Received::kBytes) return response;
    }
  } else {
    const size_t length = LengthOf(response.headers);
    while (received_.size() < length) {
      if (ReadSome(deadline) != Received::kBytes) return response;
    }
    response.body = received_.substr(0, length);
    received_.erase(0, length);
  }
  response.complete = true;
  return response;
}

std::string RawClient::ReadUntil(std::string_view text) {
  const absl::Time deadline = absl::Now() + kPatience;
  while (received_.find(text) == received_.npos && ReadSome(deadline) == Received::kBytes) {
  }
  return received_;
}

bool RawClient::IsClosedByServer() { return ReadToEnd() == Received::kEnd; }

bool RawClient::IsEndedByServer() {
  const Received last = ReadToEnd();
  return last == Received::kEnd || last == Received::kReset;
}

}  // namespace oriel
