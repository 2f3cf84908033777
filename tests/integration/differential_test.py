"""Answers on FP16 pages against those recorded from llama.cpp: differential_test.py MODEL."""

import subprocess
import sys
import unittest

import serving

GOLDEN = serving.repository_root() / "tests/golden/llama_cpp"
MODEL = sys.argv.pop(1)


class Differential(unittest.TestCase):
    def test_no_case_has_a_fault(self):
        with serving.Server(MODEL, "--key-codec", "fp16", "--value-codec", "fp16",
                            "--max-model-len", "2048") as server:
            result = subprocess.run(
                [sys.executable, "-B", GOLDEN / "differential.py", GOLDEN / f"{MODEL}.json",
                 server.url], capture_output=True, text=True)
        print(result.stdout + result.stderr)
        self.assertEqual(result.returncode, 0)
        self.assertTrue(result.stdout.rstrip().endswith(" 0 with faults"), result.stdout)


if __name__ == "__main__":
    serving.run_tests(MODEL)
