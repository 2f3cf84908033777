"""`oriel eval kl` on the real model: the keys of its report, and bounds that packed pages keep."""

import json
import math
import pathlib
import tempfile
import unittest

import serving

TEXT = serving.repository_root() / "tests/data/moby_dick_chapter_41.txt"
TOKENS, SCORE_FROM = 1024, 512


class EvaluateKl(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)

    def evaluate(self, *flags, tokens=TOKENS, score_from=SCORE_FROM):
        report = pathlib.Path(self.folder.name) / "report.json"
        report.unlink(missing_ok=True)
        code, output, errors = serving.run_oriel(
            "eval", "kl", serving.model_path("smollm2"), "--text", TEXT, "--tokens", str(tokens),
            "--score-from", str(score_from), "--json", report, *flags, seconds_max=600)
        self.assertEqual(code, 0, output + errors)
        return json.loads(report.read_text())

    def test_default_pages_stay_close_to_the_reference(self):
        report = self.evaluate()
        self.assertGreater(report["kl_mean"], 0.001)
        self.assertLess(report["kl_mean"], 0.08)
        self.assertGreater(report["kl_p999"], report["kl_mean"])
        self.assertGreater(report["top1_agreement"], 0.85)
        self.assertLess(report["top1_agreement"], 1.0)
        self.assertAlmostEqual(report["perplexity_ratio"],
                               report["perplexity"] / report["perplexity_reference"], places=3)
        self.assertLess(abs(math.log(report["perplexity_ratio"])), 0.05)
        self.assertLess(report["bits_per_value"], 2.5)
        self.assertGreater(report["bits_per_value"], 1.75)
        self.assertGreater(report["bits_per_value_total"], report["bits_per_value"])
        self.assertEqual(len(report["per_text"]), 1)

    def test_fp16_pages_are_the_reference(self):
        report = self.evaluate("--key-codec", "fp16", "--value-codec", "fp16")
        self.assertLess(report["kl_mean"], 1e-4)
        self.assertGreater(report["top1_agreement"], 0.995)
        self.assertGreaterEqual(report["bits_per_value"], 16)

    def test_more_bits_lose_less(self):
        by_codec = [self.evaluate("--key-codec", codec, "--value-codec", codec)["kl_mean"]
                    for codec in ("int8", "int4", "int2")]
        self.assertEqual(by_codec, sorted(by_codec))
        # At 8 bits the pages lose next to nothing: what is left comes from activations that weight
        # products round to 8 bits. test_eight_bit_pages_are_nearly_exact leaves that rounding out.
        self.assertLess(by_codec[0], 0.008)

    def test_eight_bit_pages_are_nearly_exact(self):
        report = self.evaluate("--key-codec", "int8", "--value-codec", "int8",
                               "--window-tokens", "0", "--backend", "reference",
                               tokens=160, score_from=128)
        self.assertLess(report["kl_mean"], 0.0005)

    def test_decoding_reads_the_same_pages_as_prefill(self):
        prefill = self.evaluate(tokens=640, score_from=512)
        decode = self.evaluate("--decode", tokens=640, score_from=512)
        self.assertAlmostEqual(decode["kl_mean"], prefill["kl_mean"],
                               delta=max(0.003, 0.1 * prefill["kl_mean"]))


if __name__ == "__main__":
    serving.run_tests("smollm2")
