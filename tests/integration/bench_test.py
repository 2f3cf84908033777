"""`oriel bench` on the real model: its table, the fields of its report, and what it refuses."""

import json
import pathlib
import tempfile
import unittest

import serving

# Those of `llama-bench -o json` that apply, and ours beside them.
LLAMA_BENCH_FIELDS = {
    "build_commit", "cpu_info", "backends", "model_filename", "model_type", "model_size",
    "model_n_params", "n_batch", "n_ubatch", "n_threads", "type_k", "type_v", "n_prompt", "n_gen",
    "n_depth", "test_time", "avg_ns", "stddev_ns", "avg_ts", "stddev_ts", "samples_ns",
    "samples_ts"}
OWN_FIELDS = {
    "n_streams", "cpu_isa", "n_window", "n_sink", "kv_cache_bytes", "weight_bytes",
    "resident_bytes", "resident_anonymous_bytes", "resident_file_bytes", "peak_resident_bytes"}


class Bench(unittest.TestCase):
    def bench(self, *flags):
        with tempfile.TemporaryDirectory() as folder:
            report = pathlib.Path(folder) / "report.json"
            code, output, errors = serving.run_oriel(
                "bench", serving.model_path("smollm2"), "--json", report, *flags)
            self.assertEqual(code, 0, output + errors)
            return json.loads(report.read_text()), output

    def assert_refused(self, *flags, fragments):
        code, output, errors = serving.run_oriel("bench", serving.model_path("smollm2"), *flags)
        self.assertNotEqual(code, 0, output)
        for fragment in fragments:
            self.assertIn(fragment, output + errors)

    def test_every_depth_and_number_of_streams_is_measured(self):
        rows, output = self.bench(
            "--prompt-tokens", "64", "--generate-tokens", "4", "--depth", "0,256",
            "--streams", "1,3", "--repetitions", "2", "--threads", "2",
            "--prefill-chunk-tokens", "64")
        tests = [(row["n_prompt"], row["n_gen"], row["n_depth"], row["n_streams"])
                 for row in rows]
        self.assertEqual(tests, [(64, 0, 0, 1), (64, 0, 256, 1), (0, 4, 0, 1), (0, 4, 0, 3),
                                 (0, 4, 256, 1), (0, 4, 256, 3)])
        for row in rows:
            self.assertEqual(set(row), LLAMA_BENCH_FIELDS | OWN_FIELDS)
            self.assertEqual(len(row["samples_ns"]), 2)
            tokens = row["n_prompt"] + row["n_gen"] * row["n_streams"]
            for ns, speed in zip(row["samples_ns"], row["samples_ts"]):
                self.assertAlmostEqual(speed, tokens * 1e9 / ns, places=3)
            self.assertEqual(row["n_threads"], 2)
            self.assertEqual((row["type_k"], row["type_v"]), ("int2", "e8_1p5"))
            self.assertGreater(row["resident_bytes"], row["kv_cache_bytes"])
            self.assertGreaterEqual(row["peak_resident_bytes"], row["resident_bytes"])
            # No part of the file stays in memory beside the packed copy, a tied embedding
            # included: what is left of mapped files is libraries, some 20 MB.
            self.assertLess(row["resident_file_bytes"], row["weight_bytes"] / 3)
        self.assertEqual(rows[0]["model_type"], "llama 135M Q4_1")
        self.assertGreater(rows[1]["kv_cache_bytes"], rows[0]["kv_cache_bytes"])
        for name in ("pp64", "pp64 @ d256", "tg4 x3", "tg4 @ d256 x3"):
            self.assertIn(name, output)

    def test_the_instruction_set_can_be_held_down(self):
        flags = ("--prompt-tokens", "0", "--generate-tokens", "2", "--repetitions", "1")
        if self.bench(*flags)[0][0]["cpu_isa"] in ("sse4", "ssse3"):
            self.skipTest("this processor has no AVX2")
        rows, output = self.bench(*flags, "--cpu-isa", "avx2")
        self.assertEqual(rows[0]["cpu_isa"], "avx2")
        self.assertIn("avx2", output)

    def test_cache_types_are_those_of_the_flags(self):
        rows, _ = self.bench("--prompt-tokens", "0", "--generate-tokens", "2", "--repetitions",
                             "1", "--key-codec", "fp16", "--value-codec", "int4")
        self.assertEqual((rows[0]["type_k"], rows[0]["type_v"]), ("f16", "int4"))

    def test_bad_values_are_refused_with_their_limits(self):
        self.assert_refused("--prompt-tokens", "0", "--generate-tokens", "0",
                            fragments=["nothing to measure"])
        self.assert_refused("--streams", "0", fragments=["--streams"])
        self.assert_refused("--depth", "many", fragments=["--depth", "many"])
        self.assert_refused("--depth", "1000", "--prompt-tokens", "16",
                            fragments=["1000", "prefill_chunk_tokens 512"])
        self.assert_refused("--depth", "1000000", fragments=["max_model_len", "8192"])
        self.assert_refused("--cpu-isa", "sse9", fragments=["sse9", "avx2"])
        self.assert_refused("--generate-tokens", "1", "--prompt-tokens", "0", "--json",
                            "/no/such/folder/report.json", fragments=["/no/such/folder"])


if __name__ == "__main__":
    serving.run_tests("smollm2")
