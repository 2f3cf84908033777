"""The metrics of a running server: their values, and that promtool finds no fault with them."""

import json
import shutil
import subprocess
import time
import unittest
import urllib.request

import fake_server
import metrics_lint

OWN_NAMES = ["--vllm-metric-names", "false"]
# What a dashboard made for vLLM asks for.
VLLM_NAMES = """
    num_requests_running num_requests_waiting kv_cache_usage_perc cache_config_info
    prompt_tokens_total generation_tokens_total request_success_total
    time_to_first_token_seconds_bucket inter_token_latency_seconds_bucket
    e2e_request_latency_seconds_bucket request_queue_time_seconds_sum
    request_prefill_time_seconds_sum request_decode_time_seconds_sum
    request_time_per_output_token_seconds_bucket request_prompt_tokens_bucket
    request_generation_tokens_bucket request_max_num_generation_tokens_sum
    request_params_n_bucket request_params_max_tokens_bucket iteration_tokens_total_count""".split()


def complete(server, **fields):
    body = {"prompt": "Once upon a time", "max_tokens": 8, "ignore_eos": True, **fields}
    request = urllib.request.Request(server.url + "/v1/completions", json.dumps(body).encode(),
                                     {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        return response.headers, response.read()


class Lint(unittest.TestCase):
    def test_the_rules_find_what_they_are_for(self):
        faulty = {
            "# TYPE a gauge\na 1\n": "no help text",
            "# HELP a A.\n# TYPE a counter\na 1\n": "_total",
            "# HELP a_total A.\n# TYPE a_total gauge\na_total 1\n": "non-counter",
            "# HELP a_count A.\n# TYPE a_count gauge\na_count 1\n": "_count",
            '# HELP a A.\n# TYPE a gauge\na{le="1"} 1\n': '"le"',
            "# HELP a:b A.\n# TYPE a:b gauge\na:b 1\n": "':'",
            "# HELP aB A.\n# TYPE aB gauge\naB 1\n": "snake_case",
            "# HELP a_ms A.\n# TYPE a_ms gauge\na_ms 1\n": "abbreviated",
            "# HELP a_minutes A.\n# TYPE a_minutes gauge\na_minutes 1\n": "seconds",
            "# HELP a_bits_a A.\n# TYPE a_bits_a gauge\na_bits_a 1\n": "bytes",
            "# HELP a_gauge A.\n# TYPE a_gauge gauge\na_gauge 1\n": "type",
        }
        for text, fragment in faulty.items():
            self.assertIn(fragment, "".join(metrics_lint.lint(text)), text)
        self.assertEqual(metrics_lint.lint("# HELP a_seconds A.\n# TYPE a_seconds histogram\n"
                                           'a_seconds_bucket{le="+Inf"} 1\na_seconds_sum 1\n'
                                           "a_seconds_count 1\n"), [])

    def test_a_live_exposition_is_clean(self):
        with fake_server.FakeServer("--step-ms", 1, *OWN_NAMES) as server:
            complete(server)
            text = server.get("/metrics")
        self.assertGreater(len(metrics_lint.read_families(text)), 30)
        self.assertEqual(metrics_lint.lint(text), [])
        if promtool := shutil.which("promtool"):
            result = subprocess.run([promtool, "check", "metrics"], input=text, text=True,
                                    capture_output=True, check=False)
            self.assertEqual((result.returncode, result.stdout + result.stderr), (0, ""))


class Values(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = fake_server.FakeServer("--step-ms", 10)
        cls.addClassCleanup(cls.server.__exit__, None, None, None)

    def metrics_at_rest(self):
        """The metrics once no sequence runs: an answer's last bytes leave before its step ends,
        and the step is counted at its end."""
        deadline = time.monotonic() + 30
        while (metrics := self.server.metrics())["oriel_requests_running"] > 0:
            self.assertLess(time.monotonic(), deadline, "a sequence runs on")
            time.sleep(0.005)
        return metrics

    def growth(self, action):
        """How much each series grows while `action` runs."""
        before = self.metrics_at_rest()
        action()
        after = self.metrics_at_rest()
        return {key: value - before.get(key, 0) for key, value in after.items()}

    def test_a_request_is_in_every_histogram_once(self):
        grown = self.growth(lambda: complete(self.server, max_tokens=8))
        for name in ("time_to_first_token", "request_queue", "request_prefill", "request_decode",
                     "request", "request_time_per_output_token"):
            self.assertEqual(grown[f"oriel_{name}_seconds_count"], 1, name)
        self.assertEqual(grown["oriel_inter_token_seconds_count"], 7)
        self.assertEqual(grown["oriel_generated_tokens_total"], 8)
        self.assertEqual(grown["oriel_prompt_tokens_total"], len("Once upon a time"))
        self.assertEqual(grown['oriel_requests_finished_total{reason="length"}'], 1)
        self.assertGreaterEqual(grown["oriel_request_decode_seconds_sum"], 7 * 0.010)
        self.assertGreaterEqual(grown["oriel_time_to_first_token_seconds_sum"], 0.010)

    def test_steps_are_told_apart_by_phase(self):
        grown = self.growth(lambda: complete(self.server, max_tokens=8))
        self.assertEqual(grown['oriel_step_seconds_count{phase="prompt"}'], 1)
        self.assertEqual(grown['oriel_step_seconds_count{phase="decode"}'], 7)
        self.assertEqual(grown['oriel_step_seconds_count{phase="mixed"}'], 0)
        forward = grown['oriel_step_part_seconds_total{phase="decode",part="forward"}']
        self.assertGreaterEqual(forward, 7 * 0.010)
        self.assertLessEqual(forward, grown['oriel_step_seconds_sum{phase="decode"}'])

    def test_pages_of_both_pools_have_a_series_a_state(self):
        metrics = self.server.metrics()
        for pool in ("packed", "window"):
            for state in ("free", "owned", "fenced", "cached"):
                self.assertIn(f'oriel_pages{{pool="{pool}",state="{state}"}}', metrics)

    def test_unknown_fields_are_counted_and_named(self):
        headers = []
        grown = self.growth(lambda: headers.append(complete(self.server, colour=1, size=2)[0]))
        self.assertEqual(grown["oriel_ignored_fields_total"], 2)
        self.assertEqual(headers[0]["x-oriel-ignored-fields"], "2: colour,size")

    def test_vllm_names_are_there(self):
        complete(self.server)
        text = self.server.get("/metrics")
        for name in VLLM_NAMES:
            self.assertIn(f"\nvllm:{name}{{", text)
        self.assertIn('model_name="fake"', text)


if __name__ == "__main__":
    unittest.main(verbosity=2)
