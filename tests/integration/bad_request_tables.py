"""Requests that must be refused: the tables of bad_requests_test.py."""

MAX_MODEL_LEN = 512
COMPLETIONS, CHAT = "/v1/completions", "/v1/chat/completions"
MESSAGES = [{"role": "user", "content": "Hi"}]
TOOL = {"type": "function", "function": {"name": "f", "parameters": {}}}


def completion(**fields):
    return COMPLETIONS, {"prompt": "Hi", "max_tokens": 2, **fields}


def chat(**fields):
    return CHAT, {"messages": MESSAGES, "max_tokens": 2, **fields}


def raw(text, path=COMPLETIONS):
    return path, text if isinstance(text, bytes) else text.encode()


# (name, (path, body), status, param or None for any, what the message must contain)
BAD_BODIES = [
    # The body as a whole.
    ("empty body", raw(""), 400, None, "body"),
    ("not JSON", raw("{prompt: 1}"), 400, None, "JSON"),
    ("JSON cut off", raw('{"prompt": "Hi", "max_tokens"'), 400, None, "JSON"),
    ("a list as body", raw("[1, 2]"), 400, None, "object"),
    ("a string as body", raw('"Hi"'), 400, None, "object"),
    ("text after the object", raw('{"prompt": "Hi"} and more'), 400, None, "JSON"),
    ("bytes that are not UTF-8", raw(b'{"prompt": "\xff\xfe"}'), 400, None, "JSON"),
    ("a lone surrogate", raw('{"prompt": "\\ud800"}'), 400, None, "JSON"),
    ("nested too deep", raw('{"prompt":' + "[" * 5000 + "]" * 5000 + "}"), 400, None, "nested"),
    ("number out of range", raw('{"prompt": "Hi", "temperature": 1e999}'), 400, None, ""),
    ("only spaces", raw("   "), 400, None, "JSON"),
    ("null as body", raw("null"), 400, None, "object"),
    ("NaN", raw('{"prompt": "Hi", "temperature": NaN}'), 400, None, "JSON"),
    ("Infinity", raw('{"prompt": "Hi", "temperature": Infinity}'), 400, None, "JSON"),
    ("a number of 100 000 digits",
     raw('{"prompt": "Hi", "temperature": ' + "1" * 100000 + "}"), 400, None, "JSON"),
    ("a hexadecimal number", raw('{"prompt": "Hi", "max_tokens": 0x5}'), 400, None, "JSON"),
    ("a leading zero", raw('{"prompt": "Hi", "max_tokens": 05}'), 400, None, "JSON"),
    ("a comment", raw('{"prompt": "Hi" /* greeting */}'), 400, None, "JSON"),
    ("a trailing comma", raw('{"prompt": "Hi",}'), 400, None, "JSON"),
    ("single quotes", raw("{'prompt': 'Hi'}"), 400, None, "JSON"),
    ("objects nested too deep", raw('{"a":' * 3000 + "1" + "}" * 3000), 400, None, "nested"),
    ("too many members", raw("{" + ",".join(f'"a{i}":1' for i in range(5000)) + "}"), 400, None,
     "members"),
    ("a field twice, the last one wrong", raw('{"prompt":"Hi","max_tokens":2,"max_tokens":-1}'),
     400, "max_tokens", "-1"),
    ("an overlong encoding", raw(b'{"prompt": "\xc0\xaf"}'), 400, None, "JSON"),
    ("a character cut off", raw(b'{"prompt": "\xe2\x82"}'), 400, None, "JSON"),
    ("a surrogate in UTF-8", raw(b'{"prompt": "\xed\xa0\x80"}'), 400, None, "JSON"),
    ("a character beyond Unicode", raw(b'{"prompt": "\xf4\x90\x80\x80"}'), 400, None, "JSON"),
    ("UTF-16", raw('{"prompt": "Hi"}'.encode("utf-16")), 400, None, "JSON"),
    ("surrogates in the wrong order", raw('{"prompt": "\\udc00\\ud800"}'), 400, None, "JSON"),
    ("half a surrogate pair", raw('{"prompt": "\\ud800a"}'), 400, None, "JSON"),
    ("an escape that is none", raw('{"prompt": "\\x41"}'), 400, None, "JSON"),
    ("a null byte in a string", raw(b'{"prompt": "a\0b"}'), 400, None, "JSON"),
    ("a line break in a string", raw('{"prompt": "a\nb"}'), 400, None, "JSON"),
    # The prompt.
    ("no prompt", (COMPLETIONS, {"max_tokens": 2}), 400, "prompt", "prompt"),
    ("prompt null", completion(prompt=None), 400, "prompt", "prompt"),
    ("prompt a number", completion(prompt=5), 400, "prompt", "prompt"),
    ("prompt an object", completion(prompt={"text": "Hi"}), 400, "prompt", "prompt"),
    ("prompt an empty list", completion(prompt=[]), 400, "prompt", "prompt"),
    ("prompt list with an empty list", completion(prompt=[[]]), 400, "prompt", "prompt"),
    ("prompt list of mixed kinds", completion(prompt=["Hi", 5]), 400, "prompt", "prompt"),
    ("token id below 0", completion(prompt=[1, -1]), 400, "prompt", "-1"),
    ("token id beyond the vocabulary", completion(prompt=[10 ** 6]), 400, "prompt", "1000000"),
    ("token id not whole", completion(prompt=[1.5]), 400, "prompt", "prompt"),
    ("token id true", completion(prompt=[True]), 400, "prompt", "prompt"),
    ("token id null", completion(prompt=[1, None]), 400, "prompt", "entry 1"),
    ("token ids three deep", completion(prompt=[[[1]]]), 400, "prompt", "prompt"),
    ("token id of 30 digits", completion(prompt=[10 ** 30]), 400, "prompt", "prompt"),
    ("prompt too long", completion(prompt=[5] * (MAX_MODEL_LEN + 1)), 400, None,
     str(MAX_MODEL_LEN)),
    ("prompt and max_tokens too long", completion(prompt=[5] * 100, max_tokens=MAX_MODEL_LEN),
     400, None, str(MAX_MODEL_LEN)),
    # Sampling.
    ("max_tokens 0", completion(max_tokens=0), 400, "max_tokens", "max_tokens"),
    ("max_tokens negative", completion(max_tokens=-5), 400, "max_tokens", "max_tokens"),
    ("max_tokens a string", completion(max_tokens="many"), 400, "max_tokens", "max_tokens"),
    ("max_tokens not whole", completion(max_tokens=2.5), 400, "max_tokens", "max_tokens"),
    ("max_tokens of 30 digits", completion(max_tokens=10 ** 30), 400, "max_tokens",
     "max_tokens"),
    ("max_tokens 2^32 + 1", completion(max_tokens=2 ** 32 + 1), 400, "max_tokens", "32 bits"),
    ("min_tokens above max_tokens", completion(min_tokens=3), 400, "min_tokens", "min_tokens"),
    ("temperature negative", completion(temperature=-0.1), 400, "temperature", "temperature"),
    ("temperature a string", completion(temperature="hot"), 400, "temperature", "temperature"),
    ("temperature beyond a float", completion(temperature=1e39), 400, "temperature", "float"),
    ("top_p 0", completion(top_p=0), 400, "top_p", "top_p"),
    ("top_p above 1", completion(top_p=1.1), 400, "top_p", "top_p"),
    ("top_k below -1", completion(top_k=-2), 400, "top_k", "top_k"),
    ("min_p above 1", completion(min_p=1.5), 400, "min_p", "min_p"),
    ("presence_penalty above 2", completion(presence_penalty=2.1), 400, "presence_penalty",
     "presence_penalty"),
    ("frequency_penalty below -2", completion(frequency_penalty=-2.1), 400,
     "frequency_penalty", "frequency_penalty"),
    ("repetition_penalty 0", completion(repetition_penalty=0), 400, "repetition_penalty",
     "repetition_penalty"),
    ("n 0", completion(n=0), 400, "n", "n"),
    ("n huge", completion(n=100000), 400, "n", "n"),
    ("logprobs too many", completion(logprobs=1000), 400, "logprobs", "logprobs"),
    ("logprobs negative", completion(logprobs=-1), 400, "logprobs", "logprobs"),
    ("logit_bias a list", completion(logit_bias=[1]), 400, "logit_bias", "logit_bias"),
    ("logit_bias of an unknown token", completion(logit_bias={"9999999": 1}), 400, "logit_bias",
     "9999999"),
    ("logit_bias of no token", completion(logit_bias={"abc": 1}), 400, "logit_bias", "abc"),
    ("logit_bias null", completion(logit_bias={"5": None}), 400, "logit_bias", "logit_bias"),
    ("logit_bias of an empty name", completion(logit_bias={"": 1}), 400, "logit_bias",
     "logit_bias"),
    ("logit_bias beyond a float", completion(logit_bias={"5": 1e300}), 400, "logit_bias",
     "logit_bias"),
    ("logit_bias above 100", completion(logit_bias={"5": 101}), 400, "logit_bias", "logit_bias"),
    ("stop empty", completion(stop=""), 400, "stop", "stop"),
    ("stop a number", completion(stop=5), 400, "stop", "stop"),
    ("stop a list with null", completion(stop=[None]), 400, "stop", "stop"),
    ("stop an object", completion(stop={}), 400, "stop", "stop"),
    ("stop a long list", completion(stop=["x"] * 1000), 400, "stop", "stop"),
    ("stop_token_ids a string", completion(stop_token_ids="5"), 400, "stop_token_ids",
     "stop_token_ids"),
    ("seed a string", completion(seed="lucky"), 400, "seed", "seed"),
    ("seed of 30 digits", completion(seed=10 ** 30), 400, "seed", "64 bits"),
    ("stream a string", completion(stream="yes"), 400, "stream", "stream"),
    ("stream_options without stream", completion(stream_options={"include_usage": True}), 400,
     "stream_options", "stream"),
    ("echo a number", completion(echo=1), 400, "echo", "echo"),
    ("priority a string", completion(priority="first"), 400, "priority", "priority"),
    # What is known and not supported is named, never ignored.
    ("suffix", completion(suffix="end"), 400, "suffix", "suffix"),
    ("response_format", chat(response_format={"type": "json_object"}), 400, "response_format",
     "response_format"),
    ("tools empty", chat(tools=[]), 400, "tools", "tools"),
    ("tool_choice without tools", chat(tool_choice="required"), 400, "tool_choice",
     "tool_choice"),
    # Chat.
    ("no messages", (CHAT, {"max_tokens": 2}), 400, "messages", "messages"),
    ("messages empty", chat(messages=[]), 400, "messages", "messages"),
    ("messages a string", chat(messages="Hi"), 400, "messages", "messages"),
    ("message a string", chat(messages=["Hi"]), 400, None, "messages"),
    ("message without role", chat(messages=[{"content": "Hi"}]), 400, None, "role"),
    ("message whose role is a number", chat(messages=[{"role": 5, "content": "Hi"}]), 400, None,
     "role"),
    ("message without content", chat(messages=[{"role": "user"}]), 400, None, "content"),
    ("message content a number", chat(messages=[{"role": "user", "content": 5}]), 400, None,
     "content"),
    ("message part of an unknown type",
     chat(messages=[{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]),
     400, None, "image_url"),
    ("tool calls a string", chat(messages=[{"role": "assistant", "tool_calls": "f"}]), 400,
     "messages[0].tool_calls", "list"),
    ("tool arguments that are no JSON",
     chat(messages=[{"role": "assistant", "tool_calls": [
         {"id": "1", "type": "function",
          "function": {"name": "f", "arguments": "{city: Rome}"}}]}]),
     400, "messages[0].tool_calls[0].function.arguments", "JSON"),
    ("chat_template_kwargs a string", chat(chat_template_kwargs="x"), 400,
     "chat_template_kwargs", "chat_template_kwargs"),
    ("top_logprobs without logprobs", chat(top_logprobs=2), 400, "top_logprobs", "logprobs"),
    ("top_logprobs too many", chat(logprobs=True, top_logprobs=1000), 400, "top_logprobs",
     "top_logprobs"),
    # Names.
    ("unknown model", completion(model="gpt-17"), 404, "model", "gpt-17"),
    ("model a number", completion(model=5), 400, "model", "model"),
    # Tokens.
    ("tokenize nothing", ("/tokenize", {}), 400, None, "prompt"),
    ("tokenize a number", ("/tokenize", {"prompt": 5}), 400, "prompt", "prompt"),
    ("detokenize a string", ("/detokenize", {"tokens": "abc"}), 400, "tokens", "tokens"),
    ("detokenize an unknown id", ("/detokenize", {"tokens": [10 ** 6]}), 400, "tokens",
     "1000000"),
]

# (name, method, path, status)
BAD_ROUTES = [
    ("unknown path", "GET", "/v2/completions", 404),
    ("unknown model in the path", "GET", "/v1/models/gpt-17", 404),
    ("a path that climbs", "GET", "/../../etc/passwd", 404),
    ("a path that climbs in escapes", "GET", "/v1/models/%2e%2e%2fetc", 404),
    ("a null byte in escapes", "GET", "/%00", 404),
    ("two slashes", "GET", "//v1/models", 404),
    ("a slash too many", "POST", "/v1/completions/", 404),
    ("GET where POST belongs", "GET", COMPLETIONS, 405),
    ("POST where GET belongs", "POST", "/v1/models", 405),
    ("DELETE", "DELETE", COMPLETIONS, 405),
    ("PUT", "PUT", CHAT, 405),
    ("PATCH", "PATCH", "/health", 405),
    ("TRACE", "TRACE", "/health", 405),
    ("a method that nobody knows", "BREW", "/health", 405),
]

HOST = b" HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /v1/completions" + HOST
BODY = b'{"prompt": "Hi", "max_tokens": 1}'
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
CHUNK = b"%x\r\n" % len(BODY) + BODY + b"\r\n"

# (name, bytes as sent, status of the answer)
BAD_WIRE = [
    ("no HTTP at all", b"hello\r\n\r\n", 400),
    ("null bytes", bytes(100), 400),
    ("a TLS greeting", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x11" * 100, 400),
    ("HTTP/0.9", b"GET /\r\n", 400),
    ("an unknown HTTP version", b"GET /health HTTP/9.9\r\n\r\n", 400),
    ("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    ("bare line feeds", b"GET /health HTTP/1.1\nHost: x\n\n", 400),
    ("tabs for spaces", b"GET\t/health\tHTTP/1.1\r\n\r\n", 400),
    ("two spaces", b"GET  /health HTTP/1.1\r\n\r\n", 400),
    ("a method with a sign", b"G@T /health" + HOST + b"\r\n", 400),
    ("a null byte in the path", b"GET /hea\0lth" + HOST + b"\r\n", 400),
    ("a path that is no ASCII", b"GET /\xff\xfe" + HOST + b"\r\n", 404),
    ("a proxy's CONNECT", b"CONNECT x:80" + HOST + b"\r\n", 404),
    # Headers.
    ("a header without a colon", POST + b"XA\r\n" + LENGTH + b"\r\n" + BODY, 400),
    ("a space in a header's name", POST + b"X A: b\r\n" + LENGTH + b"\r\n" + BODY, 400),
    ("a space before the colon", POST + b"Transfer-Encoding : chunked\r\n\r\n" + CHUNK
     + b"0\r\n\r\n", 400),
    ("a null byte in a header", POST + b"X-A: a\0b\r\n" + LENGTH + b"\r\n" + BODY, 400),
    ("a carriage return in a header", POST + b"X-A: b\rc\r\n" + LENGTH + b"\r\n" + BODY, 400),
    ("a header too large", b"GET /health" + HOST + b"X-Big: " + b"a" * 200000 + b"\r\n\r\n", 431),
    ("a method too large", b"A" * 50000 + b" /health" + HOST + b"\r\n", 431),
    ("a path too large", b"GET /" + b"a" * 50000 + HOST + b"\r\n", 431),
    ("20 000 headers", b"GET /health" + HOST + b"a: b\r\n" * 20000 + b"\r\n", 431),
    # Lengths.
    ("a negative content length", POST + b"Content-Length: -5\r\n\r\n", 400),
    ("a content length with a sign", POST + b"Content-Length: +33\r\n\r\n" + BODY, 400),
    ("a hexadecimal content length", POST + b"Content-Length: 0x21\r\n\r\n" + BODY, 400),
    ("an empty content length", POST + b"Content-Length: \r\n\r\n" + BODY, 400),
    ("a content length of 2^64", POST + b"Content-Length: 18446744073709551616\r\n\r\n", 400),
    ("two content lengths", POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400),
    ("a list of content lengths", POST + b"Content-Length: 2, 3\r\n\r\n{}", 400),
    ("a body announced too large", POST + b"Content-Length: 99999999999\r\n\r\n", 413),
    # Two readings of where the body ends: requests could be smuggled past a proxy.
    ("content length and chunks", POST + b"Content-Length: 5\r\n" + CHUNKED + b"\r\n" + CHUNK
     + b"0\r\n\r\n", 400),
    ("chunks and content length", POST + CHUNKED + b"Content-Length: 5\r\n\r\n" + CHUNK
     + b"0\r\n\r\n", 400),
    ("chunks twice", POST + CHUNKED + CHUNKED + b"\r\n" + CHUNK + b"0\r\n\r\n", 400),
    ("an unknown coding", POST + b"Transfer-Encoding: gzip\r\n\r\n" + BODY, 400),
    ("a coding that is nearly chunked", POST + b"Transfer-Encoding: xchunked\r\n\r\n" + CHUNK, 400),
    ("a coding after chunked", POST + b"Transfer-Encoding: chunked, gzip\r\n\r\n" + CHUNK, 400),
    ("chunks in HTTP/1.0", b"POST /v1/completions HTTP/1.0\r\n" + CHUNKED + b"\r\n" + CHUNK, 400),
    # Chunks.
    ("a chunk size that is no number", POST + CHUNKED + b"\r\nzz\r\n", 400),
    ("a negative chunk size", POST + CHUNKED + b"\r\n-1\r\n" + BODY, 400),
    ("a chunk size with 0x", POST + CHUNKED + b"\r\n0x21\r\n" + BODY + b"\r\n0\r\n\r\n", 400),
    ("a chunk size beyond 64 bits", POST + CHUNKED + b"\r\nFFFFFFFFFFFFFFFF1\r\n" + BODY, 400),
    ("a chunk of 2^63 bytes", POST + CHUNKED + b"\r\n7FFFFFFFFFFFFFFF\r\n" + BODY, 413),
    ("a chunk without its line break", POST + CHUNKED + b"\r\n21\r\n" + BODY + b"0\r\n\r\n", 400),
    ("a content length after the chunks", POST + CHUNKED + b"\r\n" + CHUNK
     + b"0\r\nContent-Length: 3\r\n\r\n", 400),
    # What does not end in time.
    ("a head that stops", b"POST /v1/comple", 408),
    ("a body that stops", POST + LENGTH + b"\r\n" + BODY[:10], 408),
    ("chunks that stop", POST + CHUNKED + b"\r\n" + CHUNK, 408),
]

# (name, bytes as sent, statuses of the answers): odd, but what the standard allows.
ODD_WIRE = [
    ("HTTP/1.0", b"GET /health HTTP/1.0\r\n\r\n", [200]),
    ("a whole address", b"GET http://x/health" + HOST + b"\r\n", [200]),
    ("chunks of one byte", POST + CHUNKED + b"\r\n" + b"".join(b"1\r\n%c\r\n" % byte
                                                             for byte in BODY) + b"0\r\n\r\n",
     [200]),
    ("a chunk with an extension", POST + CHUNKED + b"\r\n21;a=b\r\n" + BODY + b"\r\n0\r\n\r\n",
     [200]),
    ("a trailer", POST + CHUNKED + b"\r\n" + CHUNK + b"0\r\nX-T: 1\r\n\r\n", [200]),
    ("a body for GET", b"GET /health" + HOST + b"Content-Length: 3\r\n\r\nabc", [200]),
    ("a byte order mark", POST + b"Content-Length: %d\r\n\r\n\xef\xbb\xbf" % (len(BODY) + 3) + BODY,
     [200]),
    ("20 requests at once", (b"GET /health" + HOST + b"\r\n") * 20, [200] * 20),
    ("a fault between two requests at once", b"GET /health" + HOST + b"\r\nGET /no" + HOST
     + b"\r\nGET /health" + HOST + b"\r\n", [200, 404, 200]),
    ("nothing after a fault of framing", POST + b"Content-Length: -5\r\n\r\nGET /health" + HOST
     + b"\r\n", [400]),
]
