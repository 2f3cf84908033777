"""A table of broken model files: each ends `oriel serve` and `oriel inspect` with a message.

After each one a good request is served by a server that runs all the while.
"""

import pathlib
import struct
import tempfile
import unittest

import gguf_edit
import serving

SECONDS_MAX = 10
BLOCKS, HEADS = "llama.block_count", "llama.attention.head_count"
TOKENS, MERGES = "tokenizer.ggml.tokens", "tokenizer.ggml.merges"
EMBEDDING, QUERY = "token_embd.weight", "blk.3.attn_q.weight"


def set_field(key, value):
    def change(header):
        header.field(key).value = value
    return change


def drop_field(key):
    return lambda header: header.drop(key)


def set_tensor(name, **values):
    def change(header):
        for attribute, value in values.items():
            setattr(header.tensor(name), attribute, value)
    return change


def repeat_tensor(header):
    header.tensors.append(header.tensors[-1])


def shorten_array(key, count):
    def change(header):
        kind, items = header.field(key).value
        header.field(key).value = (kind, items[:count])
    return change


def set_array_type(key, kind, items):
    def change(header):
        header.field(key).value = (kind, items)
    return change


# (name, change of the header, what the message must contain)
BROKEN_HEADERS = [
    ("a version from the future", lambda header: setattr(header, "version", 99), "version"),
    ("an unknown architecture", set_field("general.architecture", "mamba"), "mamba"),
    ("no architecture", drop_field("general.architecture"), "general.architecture"),
    ("no block count", drop_field(BLOCKS), BLOCKS),
    ("no blocks", set_field(BLOCKS, 0), BLOCKS),
    ("more blocks than tensors", set_field(BLOCKS, 31), "blk.30"),
    ("a block count of billions", set_field(BLOCKS, 2 ** 32 - 1), BLOCKS),
    ("no heads", set_field(HEADS, 0), HEADS),
    ("heads that do not divide the width", set_field(HEADS, 7), "head_dim"),
    ("more KV heads than heads", set_field("llama.attention.head_count_kv", 10), "KV heads"),
    ("no context", set_field("llama.context_length", 0), "context_length"),
    ("a negative epsilon", set_field("llama.attention.layer_norm_rms_epsilon", -1.0), "epsilon"),
    ("a tensor missing", lambda header: header.tensors.remove(header.tensor(QUERY)), QUERY),
    ("a tensor twice", repeat_tensor, "twice"),
    ("a tensor of another shape", set_tensor(QUERY, dims=[576, 64]), QUERY),
    ("a tensor of no known type", set_tensor(QUERY, dtype=77), QUERY),
    ("a tensor past the end", set_tensor(QUERY, offset=2 ** 40), QUERY),
    ("a tensor whose offset overflows", set_tensor(QUERY, offset=2 ** 64 - 32), QUERY),
    ("a tensor out of line", set_tensor(QUERY, offset=33), QUERY),
    ("a tensor whose size overflows", set_tensor(QUERY, dims=[2 ** 62, 2 ** 62]), QUERY),
    ("a tensor of no rows", set_tensor(QUERY, dims=[576, 0]), QUERY),
    ("no vocabulary", drop_field(TOKENS), TOKENS),
    ("a vocabulary shorter than the embedding", shorten_array(TOKENS, 1000), ""),
    ("a vocabulary of numbers", set_array_type(TOKENS, 4, [1, 2, 3]), TOKENS),
    ("merges of unknown tokens", set_array_type(MERGES, 8, ["no-such such-no"]), "merge"),
    ("an end token beyond the vocabulary", set_field("tokenizer.ggml.eos_token_id", 10 ** 6),
     "eos_token_id"),
    ("an unknown tokenizer", set_field("tokenizer.ggml.model", "runes"), "runes"),
]

COUNTS_AT = 8  # after magic and version: the count of tensors, then of metadata entries


def with_counts(data, tensors, fields):
    return data[:COUNTS_AT] + struct.pack("<QQ", tensors, fields) + data[COUNTS_AT + 16:]


# (name, bytes of the file from those of a sound header, what the message must contain)
BROKEN_BYTES = [
    ("an empty file", lambda data: b"", ""),
    ("three bytes", lambda data: data[:3], ""),
    ("another magic", lambda data: b"GGML" + data[4:], "GGUF"),
    ("zeros", lambda data: bytes(4096), "GGUF"),
    ("cut in the counts", lambda data: data[:20], ""),
    ("cut in the metadata", lambda data: data[:5000], ""),
    ("cut in the tensor list", lambda data: data[:-100], ""),
    ("no tensor data", lambda data: data, ""),
    ("a tensor count of 2^60", lambda data: with_counts(data, 2 ** 60, 33), "tensor"),
    ("a metadata count of 2^60", lambda data: with_counts(data, 272, 2 ** 60), ""),
    ("a key of 2^62 bytes", lambda data: data[:24] + struct.pack("<Q", 2 ** 62) + data[32:], ""),
    ("an unknown type of value", lambda data: data[:52] + struct.pack("<I", 99) + data[56:], ""),
    ("text", lambda data: b"This is a letter, not a model.\n" * 100, "GGUF"),
]


class BrokenModels(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.path = pathlib.Path(cls.folder.name) / "broken.gguf"
        cls.sound = serving.model_path("smollm2")
        cls.server = serving.Server("tiny", "--max-model-len", "512")
        cls.addClassCleanup(cls.server.__exit__, None, None, None)
        cls.answer = cls.good_answer()

    @classmethod
    def good_answer(cls):
        answer = cls.server.complete("Water boils at", max_tokens=4, ignore_eos=True)
        return answer["choices"][0]["text"]

    def assert_serves_a_good_request(self):
        self.assertEqual(self.good_answer(), self.answer)

    def assert_refused(self, path, fragment):
        for command in (["inspect", path],
                        ["serve", path, "--http-port", str(serving.free_port())]):
            code, _, errors = serving.run_oriel(*command, seconds_max=SECONDS_MAX)
            self.assertGreater(code, 0, f"{command[0]}: code {code}: {errors[-2000:]}")
            self.assertLess(code, 128, f"{command[0]} crashed: {errors[-2000:]}")
            self.assertIn(fragment, errors, command[0])
            self.assertIn(str(path), errors, command[0])
        self.assert_serves_a_good_request()

    def test_broken_headers(self):
        for name, change, fragment in BROKEN_HEADERS:
            with self.subTest(name):
                header = gguf_edit.read_header(self.sound)
                change(header)
                gguf_edit.write_file(self.path, header)
                self.assert_refused(self.path, fragment)

    def test_broken_bytes(self):
        sound = gguf_edit.header_bytes(gguf_edit.read_header(self.sound))
        for name, change, fragment in BROKEN_BYTES:
            with self.subTest(name):
                self.path.write_bytes(change(sound))
                self.assert_refused(self.path, fragment)

    def test_there_are_enough_of_them(self):
        self.assertGreaterEqual(len(BROKEN_HEADERS) + len(BROKEN_BYTES), 30)

    def test_what_is_no_file(self):
        self.assert_refused(pathlib.Path(self.folder.name) / "missing.gguf", "")
        self.assert_refused(pathlib.Path(self.folder.name), "")

    def test_a_sound_header_written_again_is_accepted(self):
        """The table's refusals come from the changes, not from how the file is written."""
        gguf_edit.write_file(self.path, gguf_edit.read_header(self.sound))
        code, output, errors = serving.run_oriel("inspect", self.path, seconds_max=SECONDS_MAX)
        self.assertEqual(code, 0, errors)
        self.assertIn("llama", output)

    def test_the_good_model_is_loaded_again_afterwards(self):
        with serving.Server("smollm2") as server:
            self.assertTrue(server.complete("Water", max_tokens=1)["choices"])


if __name__ == "__main__":
    serving.run_tests("smollm2", "tiny")
