"""The commands of the program that need no client: generate, inspect, and how flags are read."""

import json
import os
import subprocess
import tempfile
import unittest

import serving

PROMPT = "At sea level, pure water boils at a temperature of"


class Generate(unittest.TestCase):
    def generate(self, *flags):
        code, output, errors = serving.run_oriel(
            "generate", serving.model_path("smollm2"), "--prompt", PROMPT, *flags)
        self.assertEqual(code, 0, errors)
        return output, errors

    def test_it_answers_in_the_terminal_with_speed_and_cache_bytes(self):
        output, errors = self.generate("--max-tokens", "24", "--temperature", "0")
        self.assertIn("100", output)
        report = (output + errors).lower()
        self.assertIn("tokens/s", report)
        self.assertIn("cache", report)

    def test_json_is_one_object(self):
        output, _ = self.generate("--max-tokens", "8", "--temperature", "0", "--json")
        answer = json.loads(output)
        self.assertIn("100", answer["text"])

    def test_it_says_what_the_server_says(self):
        output, _ = self.generate("--max-tokens", "24", "--temperature", "0", "--json")
        with serving.Server("smollm2") as server:
            served = server.complete(PROMPT, max_tokens=24)["choices"][0]["text"]
        self.assertEqual(json.loads(output)["text"], served)


class Inspect(unittest.TestCase):
    def test_it_describes_the_model_and_the_cache(self):
        code, output, errors = serving.run_oriel("inspect", serving.model_path("smollm2"))
        self.assertEqual(code, 0, errors)
        for word in ("llama", "30", "49152", "Q4_1", "chat template", "fits", "bytes"):
            self.assertIn(word.lower(), output.lower())


class Flags(unittest.TestCase):
    def serve(self, *flags, environment=None):
        result = subprocess.run(
            [serving.binary(), "serve", serving.model_path("smollm2"), *flags],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
            env={**os.environ, **(environment or {})})
        return result.returncode, result.stdout, result.stderr

    def assert_refused(self, *flags, fragments, environment=None):
        code, output, errors = self.serve(*flags, environment=environment)
        self.assertNotEqual(code, 0, output)
        for fragment in fragments:
            self.assertIn(fragment, errors)
        return output + errors

    def test_dry_run_reports_the_capacity_and_ends(self):
        code, output, errors = self.serve("--dry-run")
        self.assertEqual(code, 0, errors)
        self.assertIn("tokens", output + errors)

    def test_print_config_names_every_option_once(self):
        code, output, errors = self.serve("--print-config", "--window-tokens", "192")
        self.assertEqual(code, 0, errors)
        for name in ("host", "http-port", "grpc-port", "key-codec", "value-codec", "window-tokens",
                     "sink-tokens", "max-num-seqs", "prefill-chunk-tokens", "threads"):
            lines = [line for line in output.replace("_", "-").splitlines()
                     if line.strip().startswith(name + ":")]
            self.assertEqual(len(lines), 1, f"{name} in\n{output}")
        self.assertIn("192", output)

    def test_printed_configuration_can_be_read_again(self):
        _, printed, _ = self.serve("--print-config", "--window-tokens", "192")
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(printed)
            file.flush()
            code, again, errors = self.serve("--config", file.name, "--print-config")
        self.assertEqual(code, 0, errors)
        settings = [line.split("#")[0].rstrip() for line in printed.splitlines()]
        settings_again = [line.split("#")[0].rstrip() for line in again.splitlines()]
        self.assertEqual(settings, settings_again)

    def test_flags_beat_environment_beats_file(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write("window_tokens: 64\nsink_tokens: 7\nmax_num_seqs: 3\n")
            file.flush()
            code, output, errors = self.serve(
                "--config", file.name, "--print-config", "--window-tokens", "256",
                environment={"ORIEL_SINK_TOKENS": "9", "ORIEL_WINDOW_TOKENS": "192"})
        self.assertEqual(code, 0, errors)
        values = {}
        for line in output.replace("-", "_").splitlines():
            name, _, value = line.split("#")[0].partition(":")
            values[name.strip()] = value.strip()
        self.assertEqual(values["window_tokens"], "256")
        self.assertEqual(values["sink_tokens"], "9")
        self.assertEqual(values["max_num_seqs"], "3")

    def test_an_unknown_flag_is_refused(self):
        self.assert_refused("--windw-tokens", "128", fragments=["windw-tokens"])

    def test_an_unknown_key_of_the_file_is_refused_with_a_suggestion(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write("windw_tokens: 128\n")
            file.flush()
            self.assert_refused("--config", file.name, "--dry-run",
                                fragments=["windw_tokens", "window_tokens"])

    def test_values_out_of_range_are_refused_with_their_limits(self):
        self.assert_refused("--window-tokens", "100", "--dry-run",
                            fragments=["window", "100", "64"])
        self.assert_refused("--key-codec", "int3", "--dry-run", fragments=["int3", "int2"])
        self.assert_refused("--max-num-seqs", "0", "--dry-run", fragments=["seqs", "0"])

    def test_pinned_threads_are_reported_and_bounded_by_the_cores(self):
        code, output, errors = self.serve("--dry-run", "--threads", "1", "--pin-threads", "true")
        self.assertEqual(code, 0, errors)
        self.assertIn("threads 1 pinned to cores", output)
        too_many = str(len(os.sched_getaffinity(0)) + 1)
        self.assert_refused("--dry-run", "--threads", too_many, "--pin-threads", "true",
                            fragments=["pin_threads", too_many])

    def test_too_little_cache_memory_is_refused_with_the_arithmetic(self):
        self.assert_refused("--kv-cache-memory", "64KiB", "--dry-run", fragments=["cache"])

    def test_a_port_that_is_taken_is_refused(self):
        with serving.Server("smollm2") as server:
            taken = str(server.port)
            self.assert_refused("--http-port", taken, "--grpc-port", "off", fragments=[taken])
            log = self.assert_refused("--http-port", "0", "--grpc-port", taken,
                                      fragments=[taken, "--grpc-port"])
            self.assertNotIn("layers", log, "the model was loaded first")

    def test_the_grpc_port_is_a_number_or_off(self):
        for port in ("off", "0", "65535"):
            _, output, _ = self.serve("--print-config", "--grpc-port", port)
            self.assertIn(f"grpc-port: {port}\n", output)
        for port in ("on", "-1", "65536"):
            self.assert_refused("--print-config", f"--grpc-port={port}",
                                fragments=["grpc-port", "65535"])

    def test_no_arguments_explain_the_commands(self):
        code, output, errors = serving.run_oriel()
        self.assertNotEqual(code, 0)
        for command in ("serve", "generate", "inspect", "eval", "bench"):
            self.assertIn(command, output + errors)

    def test_help_succeeds(self):
        for arguments in (["--help"], ["serve", "--help"], ["generate", "--help"],
                          ["eval", "kl", "--help"], ["inspect", "--help"], ["bench", "--help"]):
            code, output, _ = serving.run_oriel(*arguments)
            self.assertEqual(code, 0, arguments)
            self.assertTrue(output)


if __name__ == "__main__":
    serving.run_tests("smollm2")
