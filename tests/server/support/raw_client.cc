#include "tests/server/support/raw_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "kernels/core/check.h"
#include "kernels/core/status.h"

namespace oriel {
namespace {

constexpr std::string_view kHeadEnd = "\r\n\r\n";

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
  const timeval patience{.tv_sec = 10, .tv_usec = 0};
  setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
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
  while (!bytes.empty()) {
    const ssize_t sent = send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
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

bool RawClient::ReadSome() {
  char buffer[4096];
  const ssize_t size = recv(socket_, buffer, sizeof(buffer), 0);
  if (size <= 0) return false;
  received_.append(buffer, static_cast<size_t>(size));
  return true;
}

RawResponse RawClient::Read() {
  RawResponse response;
  while (received_.find(kHeadEnd) == received_.npos) {
    if (!ReadSome()) return response;
  }
  const size_t head_size = received_.find(kHeadEnd) + kHeadEnd.size();
  response.headers = absl::AsciiStrToLower(received_.substr(0, head_size));
  response.status = std::atoi(received_.c_str() + sizeof("HTTP/1.1"));
  received_.erase(0, head_size);
  if (response.headers.find("transfer-encoding: chunked") != response.headers.npos) {
    while (!TakeChunks(received_, response.body)) {
      if (!ReadSome()) return response;
    }
  } else {
    const size_t length = LengthOf(response.headers);
    while (received_.size() < length) {
      if (!ReadSome()) return response;
    }
    response.body = received_.substr(0, length);
    received_.erase(0, length);
  }
  response.complete = true;
  return response;
}

std::string RawClient::ReadUntil(std::string_view text) {
  while (received_.find(text) == received_.npos && ReadSome()) {
  }
  return received_;
}

bool RawClient::IsClosedByServer() {
  char buffer[4096];
  ssize_t size = 0;
  do {
    size = recv(socket_, buffer, sizeof(buffer), 0);
  } while (size > 0);
  return size == 0;
}

}  // namespace oriel
