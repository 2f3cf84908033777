"""Runs oriel_fake_server and watches it: what the endurance tests share.

ORIEL_FAKE_SERVER names the program; build/release/tests/server/oriel_fake_server if unset.
"""

import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 60
LISTENING = re.compile(r"listening on http://[^:]+:(\d+)")


def program():
    built = ROOT / "build/release/tests/server/oriel_fake_server"
    return os.environ.get("ORIEL_FAKE_SERVER") or str(built)


class FakeServer:
    """A running server. As a context manager it is stopped at the end."""

    def __init__(self, *flags):
        # Not a pipe: nobody reads the log while the server runs.
        self.log = tempfile.NamedTemporaryFile("ab")
        self.terminated = False
        self.process = subprocess.Popen(
            [program(), "--http-port", "0", "--grpc-port", "off", *map(str, flags)],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT)
        try:
            self.port = self._wait(self._find_port)
            self.url = f"http://127.0.0.1:{self.port}"
            self._wait(self._is_ready)
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise

    def _wait(self, attempt):
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            found = attempt()
            if found:
                return found
            time.sleep(0.01)
        raise AssertionError(f"the server did not start:\n{self.log_text()}")

    def _find_port(self):
        match = LISTENING.search(self.log_text())
        return int(match[1]) if match else None

    def _is_ready(self):
        try:
            return self.get("/readyz") is not None
        except OSError:
            return False

    def log_text(self):
        return pathlib.Path(self.log.name).read_text()

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=30) as response:
            return response.read().decode()

    def metrics(self):
        """The values of /metrics by their name with labels, as in the text."""
        lines = self.get("/metrics").splitlines()
        return {key: float(value) for key, _, value in
                (line.rpartition(" ") for line in lines if line and not line.startswith("#"))}

    def all_pages_are_free(self):
        """Whether no page of either pool is owned or fenced."""
        return all(value == 0 for key, value in self.metrics().items()
                   if key.startswith("oriel_pages{") and 'state="free"' not in key)

    def resident_bytes(self):
        pages = int(pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2]
        user, system = fields.split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def terminate(self):
        """Sends SIGTERM once: a second one would end the server as it is."""
        if not self.terminated:
            self.process.send_signal(signal.SIGTERM)
        self.terminated = True

    def wait(self):
        """The exit code; a server that does not end is killed."""
        try:
            return self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"no end {STOP_SECONDS_MAX} s after SIGTERM:\n{self.log_text()}")

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if self.process.poll() is None:
            self.terminate()
        code = self.wait()
        if kind is None and code != 0:
            raise AssertionError(f"exit code {code}:\n{self.log_text()}")
