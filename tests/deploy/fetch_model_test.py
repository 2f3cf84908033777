#!/usr/bin/env python3
"""deploy/fetch_model.sh against a small HTTPS server of the test's own."""

import functools
import hashlib
import http.server
import os
import pathlib
import re
import ssl
import subprocess
import tempfile
import threading
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "deploy/fetch_model.sh"
CONTENT = bytes(range(256)) * 4096
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class RangeHandler(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT under any name, from the byte that the client asks for; records requests."""

    def __init__(self, log, *arguments):
        self.log = log
        super().__init__(*arguments)

    def do_GET(self):
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(match[1]) if match else 0
        self.log.append(start)
        if self.path.endswith("missing.gguf"):
            self.send_error(404)
            return
        self.send_response(206 if match else 200)
        if match:
            self.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        self.wfile.write(CONTENT[start:])

    def log_message(self, *_):
        pass


class FetchModel(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.certificate = pathlib.Path(cls.folder.name) / "cert.pem"
        key = pathlib.Path(cls.folder.name) / "key.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
             "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out",
             cls.certificate], check=True, capture_output=True)
        cls.starts = []
        cls.server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), functools.partial(RangeHandler, cls.starts))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cls.certificate, key)
        cls.server.socket = context.wrap_socket(cls.server.socket, server_side=True)
        threading.Thread(target=cls.server.serve_forever, daemon=True).start()
        cls.addClassCleanup(cls.server.server_close)
        cls.addClassCleanup(cls.server.shutdown)
        cls.base = f"https://localhost:{cls.server.server_port}"

    def setUp(self):
        self.models = tempfile.TemporaryDirectory()
        self.addCleanup(self.models.cleanup)
        self.path = pathlib.Path(self.models.name) / "tiny.gguf"
        self.part = self.path.with_name("tiny.gguf.part")
        self.starts.clear()

    def fetch(self, *arguments):
        return subprocess.run(
            [SCRIPT, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL,
            env={**os.environ, "ORIEL_MODEL_DIR": self.models.name, "no_proxy": "localhost",
                 "CURL_CA_BUNDLE": str(self.certificate)})

    def assert_fetched(self, result):
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stdout.splitlines()[-1], str(self.path))
        self.assertEqual(self.path.read_bytes(), CONTENT)
        self.assertFalse(self.part.exists())

    def assert_refused(self, result, fragment):
        self.assertNotEqual(result.returncode, 0)
        self.assertIn(fragment, result.stderr)
        self.assertFalse(self.path.exists())

    def test_a_url_is_fetched_and_its_path_printed(self):
        self.assert_fetched(self.fetch(f"{self.base}/x/tiny.gguf?download=1", SHA256.upper()))

    def test_what_is_there_and_right_is_kept_without_a_request(self):
        self.path.write_bytes(CONTENT)
        self.assert_fetched(self.fetch(f"{self.base}/tiny.gguf", SHA256))
        self.assertEqual(self.starts, [])

    def test_what_is_there_and_wrong_is_fetched_again(self):
        self.path.write_bytes(CONTENT[:-1])
        self.assert_fetched(self.fetch(f"{self.base}/tiny.gguf", SHA256))

    def test_an_interrupted_download_goes_on_where_it_stopped(self):
        self.part.write_bytes(CONTENT[:1000])
        self.part.with_name("tiny.gguf.part.state").write_text(SHA256)
        self.assert_fetched(self.fetch(f"{self.base}/tiny.gguf", SHA256))
        self.assertEqual(self.starts, [1000])

    def test_a_part_of_another_file_is_not_gone_on_with(self):
        self.part.write_bytes(b"x" * 1000)
        self.part.with_name("tiny.gguf.part.state").write_text("0" * 64)
        self.assert_fetched(self.fetch(f"{self.base}/tiny.gguf", SHA256))
        self.assertEqual(self.starts, [0])

    def test_a_wrong_sha256_keeps_nothing(self):
        self.assert_refused(self.fetch(f"{self.base}/tiny.gguf", "0" * 64), SHA256)
        self.assertFalse(self.part.exists())

    def test_a_missing_file_says_the_url(self):
        url = f"{self.base}/missing.gguf"
        self.assert_refused(self.fetch(url, SHA256), url)

    def test_bad_arguments_are_explained(self):
        self.assert_refused(self.fetch("smollm3"), "known: smollm2")
        self.assert_refused(self.fetch("http://localhost/tiny.gguf", SHA256), "only https")
        self.assert_refused(self.fetch(f"{self.base}/tiny.gguf", "abc"), "64 hexadecimal")
        self.assert_refused(self.fetch(f"{self.base}/", SHA256), "plain file name")
        self.assert_refused(self.fetch(f"{self.base}/tiny.gguf"), "SHA256")
        self.assert_refused(self.fetch(), "fetch_model.sh")

    def test_a_folder_that_cannot_be_made_is_named(self):
        self.models_file = pathlib.Path(self.models.name) / "file"
        self.models_file.write_text("")
        result = subprocess.run(
            [SCRIPT, "smollm2"], capture_output=True, text=True,
            env={**os.environ, "ORIEL_MODEL_DIR": str(self.models_file / "below")})
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("cannot make the folder", result.stderr)


if __name__ == "__main__":
    unittest.main()
