"""A streamed completion over a raw socket, for clients that hold hundreds of them.

Each event of the fake server's streams carries one token id; a stream is right if its ids are those
that the same request has without streaming.
"""

import asyncio
import json
import re
import time

TOKEN = re.compile(rb'"token_ids":\[(\d+)\]')
FINISHED = re.compile(rb'"finish_reason":"(\w+)"')
DONE = b"data: [DONE]"


def request_bytes(prompt, max_tokens, stream):
    body = json.dumps({"prompt": prompt, "max_tokens": max_tokens, "temperature": 0,
                       "ignore_eos": True, "return_token_ids": True, "stream": stream}).encode()
    return (b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body)) + body


class SseStream(asyncio.Protocol):
    """One request and the events of its answer.

    `on_token(stream, seconds)` is called for every token with the time since the one before, None
    for the first. `ended` is a future that is done when the connection has gone."""

    def __init__(self, request, on_token=None):
        self.request = request
        self.on_token = on_token
        self.ended = asyncio.get_running_loop().create_future()
        self.tokens = []
        self.status = None
        self.finish_reason = None
        self.done = False
        self.last_token = None
        self.transport = None
        self.rest = b""

    def connection_made(self, transport):
        self.transport = transport
        transport.write(self.request)

    def data_received(self, data):
        self.rest += data
        if self.status is None and not self._take_head():
            return
        # The framing of chunks stands between events, never within one.
        *events, self.rest = self.rest.split(b"\n\n")
        now = time.monotonic()
        for event in events:
            self._take_event(event, now)

    def _take_head(self):
        head, separator, body = self.rest.partition(b"\r\n\r\n")
        if separator:
            self.status = int(head.split(b" ", 2)[1])
            self.rest = body
        return bool(separator)

    def _take_event(self, event, now):
        for token in TOKEN.findall(event):
            self.tokens.append(int(token))
            if self.on_token:
                gap = None if self.last_token is None else now - self.last_token
                self.on_token(self, gap)
            self.last_token = now
        if match := FINISHED.search(event):
            self.finish_reason = match[1].decode()
        if event.endswith(DONE):
            self.done = True

    def connection_lost(self, error):
        if not self.ended.done():
            self.ended.set_result(error)

    def fault(self, expected):
        """What is wrong with a stream that has ended, or None."""
        if self.status != 200:
            return f"status {self.status}"
        if not self.done or self.finish_reason != "length":
            return (f"truncated after {len(self.tokens)} of {len(expected)} tokens, "
                    f"finish reason {self.finish_reason}")
        if self.tokens != expected:
            return f"{len(self.tokens)} tokens, not the {len(expected)} expected in their order"
        return None


async def open_stream(port, request, on_token=None):
    loop = asyncio.get_running_loop()
    _, stream = await loop.create_connection(lambda: SseStream(request, on_token),
                                             "127.0.0.1", port)
    return stream


async def whole_answer(port, prompt, max_tokens):
    """The token ids of the answer to the same request, not streamed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request_bytes(prompt, max_tokens, stream=False))
    answer = await reader.read()
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    if b" 200 " not in head.split(b"\r\n", 1)[0]:
        raise AssertionError(f"no answer to expect: {answer[:300]}")
    return json.loads(body)["choices"][0]["token_ids"]
