"""Starts the built server on a real model and talks to it: what the integration tests share.

The environment says where things are: ORIEL_BINARY, the program under test, ORIEL_TINY_MODEL, the
model "tiny", and ORIEL_MODEL_DIR, the published ones (~/.cache/oriel/models if unset).
"""

import contextlib
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

# ctest counts a program that exits with this code as skipped.
SKIPPED_EXIT_CODE = 77

START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 60
REQUEST_SECONDS_MAX = 300

MODEL_FILES = {
    "smollm2": "SmolLM2-135M-Instruct.Q4_1.gguf",
    "qwen0.5": "Qwen2.5-Coder-0.5B-Instruct.Q4_K_M.gguf",
    "qwen1.5": "Qwen2.5-Coder-1.5B-Instruct.Q4_K_M.gguf",
}


def binary():
    return pathlib.Path(os.environ["ORIEL_BINARY"])


def repository_root():
    return pathlib.Path(__file__).resolve().parents[2]


def model_path(name):
    if name == "tiny":
        return pathlib.Path(os.environ["ORIEL_TINY_MODEL"])
    folder = os.environ.get("ORIEL_MODEL_DIR") or pathlib.Path.home() / ".cache/oriel/models"
    return pathlib.Path(folder) / MODEL_FILES[name]


def run_tests(*model_names):
    """Runs the calling module's tests, or exits as skipped if a model that they need is missing."""
    for name in model_names:
        if not model_path(name).is_file():
            print(f"*** SKIPPED: {model_path(name)} is not there; deploy/fetch_model.sh {name}")
            sys.exit(SKIPPED_EXIT_CODE)
    unittest.main(module="__main__", verbosity=2)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A running `oriel serve`. As a context manager it is stopped at the end, and its log is
    shown if it did not stop cleanly."""

    def __init__(self, model="smollm2", *flags, grpc_port="off"):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = tempfile.TemporaryFile(mode="w+")
        self.process = subprocess.Popen(
            [binary(), "serve", model_path(model), "--http-port", str(self.port),
             "--grpc-port", grpc_port, *flags],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT)
        try:
            self.wait_until_ready()
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise

    def wait_until_ready(self):
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(
                    f"the server ended with {self.process.returncode}:\n{self.log_text()}")
            with contextlib.suppress(OSError):
                if self.get("/readyz")[0] == 200:
                    return
            time.sleep(0.05)
        raise AssertionError(f"not ready after {START_SECONDS_MAX} s:\n{self.log_text()}")

    def log_text(self):
        self.log.seek(0)
        return self.log.read()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if self.process.poll() is None:
            code = self.stop()
        else:
            code = self.process.returncode
        if kind is not None or code != 0:
            print(f"--- the server's log (exit code {code})\n{self.log_text()}---")
        if kind is None and code != 0:
            raise AssertionError(f"the server ended with code {code}")

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def stop(self):
        """Sends SIGTERM and returns the exit code."""
        self.terminate()
        try:
            return self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"SIGTERM did not end the server in {STOP_SECONDS_MAX} s")

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=REQUEST_SECONDS_MAX)

    def request(self, method, path, body=None, headers=None):
        """(status, headers, body bytes). A body that is not bytes is sent as JSON."""
        connection = self.connect()
        try:
            headers = dict(headers or {})
            if body is not None and not isinstance(body, bytes):
                body = json.dumps(body).encode()
            if body is not None:
                headers.setdefault("Content-Type", "application/json")
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    def get(self, path):
        status, _, body = self.request("GET", path)
        return status, body

    def post(self, path, body):
        """The JSON answer of a request that must succeed."""
        status, _, answer = self.request("POST", path, body)
        if status != 200:
            raise AssertionError(f"{path} answered {status}: {answer.decode()}")
        return json.loads(answer)

    def complete(self, prompt, **parameters):
        body = {"model": self.model_id(), "prompt": prompt, "temperature": 0, **parameters}
        return self.post("/v1/completions", body)

    def model_id(self):
        return json.loads(self.get("/v1/models")[1])["data"][0]["id"]

    def metrics(self):
        """The values of /metrics by (name, label values in the order of the text)."""
        values = {}
        for line in self.get("/metrics")[1].decode().splitlines():
            match = re.match(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)", line)
            if match:
                labels = re.findall(r'="([^"]*)"', match[2] or "")
                values[(match[1], *labels)] = float(match[3])
        return values


def send_stream(server, path, body):
    """Sends a streaming request and returns its connection; nothing has been read from it."""
    connection = server.connect()
    connection.request("POST", path, json.dumps({**body, "stream": True}),
                       {"Content-Type": "application/json"})
    return connection


def open_stream(server, path, body):
    """Sends a streaming request; returns (connection, response) once the headers are there."""
    connection = send_stream(server, path, body)
    return connection, connection.getresponse()


def read_events(response):
    """Yields the data of each server-sent event, "[DONE]" included; comments are left out."""
    for line in response:
        line = line.decode().rstrip("\r\n")
        if line.startswith("data: "):
            yield line[len("data: "):]


def run_oriel(*arguments, seconds_max=120):
    """(exit code, standard output, standard error) of one run of the program."""
    result = subprocess.run([binary(), *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                            timeout=seconds_max, text=True)
    return result.returncode, result.stdout, result.stderr
