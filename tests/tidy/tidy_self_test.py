#!/usr/bin/env python3
"""Proves on small made-up trees that layer_test.py and tree_test.py catch what they are for."""

import pathlib
import tempfile
import unittest
import unittest.mock

import layer_test
import tree_test


class MadeUpTree(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name)

    def write(self, path, text=""):
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)


class LayerTest(MadeUpTree):
    def setUp(self):
        super().setUp()
        for path in ("kernels/core/a.h", "kernels/ops/a.h", "kernels/cpu/a.h",
                     "kernels/reference/a.h", "kernels/backend_factory.h", "engine/base/a.h",
                     "engine/kv_cache/a.h", "engine/model/a.h", "engine/scheduler/a.h",
                     "engine/engine.h", "server/a.h"):
            self.write(path)

    def check(self, path, include, fault):
        """The file path with that include line has the fault, or none if fault is None."""
        self.write(path, f"#include {include}\n")
        faults = layer_test.find_faults(self.root)
        if fault is None:
            self.assertEqual(faults, [])
        else:
            self.assertEqual(len(faults), 1, faults)
            self.assertTrue(faults[0].startswith(f"{path}:1: "), faults)
            self.assertIn(fault, faults[0])

    def test_a_lower_layer_may_be_seen(self):
        self.check("engine/model/b.cc", '"kernels/ops/a.h"', None)

    def test_the_own_folder_may_be_seen(self):
        self.check("engine/model/llama/b.cc", '"engine/model/a.h"', None)

    def test_the_server_sees_the_engine(self):
        self.check("server/http/b.cc", '"engine/engine.h"', None)

    def test_the_factory_sees_the_back_ends(self):
        self.check("kernels/backend_factory.cc", '"kernels/cpu/a.h"', None)

    def test_outside_headers_may_be_seen(self):
        self.check("engine/model/b.cc", '"absl/status/status.h"', None)

    def test_a_higher_layer_is_a_fault(self):
        self.check("kernels/core/b.cc", '"engine/base/a.h"', "a higher layer")

    def test_a_sibling_is_a_fault(self):
        self.check("engine/scheduler/b.cc", '"engine/model/a.h"', "sibling folder engine/model")

    def test_a_sibling_back_end_is_a_fault(self):
        self.check("kernels/cpu/b.cc", '"kernels/reference/a.h"', "sibling folder")

    def test_a_back_end_seen_from_the_engine_is_a_fault(self):
        self.check("engine/model/b.cc", '"kernels/cpu/a.h"', "which only kernels/* sees")

    def test_the_engine_facade_seen_from_below_is_a_fault(self):
        self.check("engine/kv_cache/b.cc", '"engine/engine.h"', "a higher layer")

    def test_a_path_that_does_not_start_at_the_root_is_a_fault(self):
        self.check("engine/model/b.cc", '"a.h"', "no file of this tree")

    def test_a_folder_outside_the_table_is_a_fault(self):
        self.write("engine/surprise/b.cc")
        self.assertEqual(layer_test.find_faults(self.root),
                         ["engine/surprise/b.cc: in no layer of the table"])

    def test_sockets_outside_the_server_are_a_fault(self):
        self.check("engine/model/b.cc", "<sys/socket.h>", "sockets only in")

    def test_boost_outside_the_server_is_a_fault(self):
        self.check("kernels/core/b.cc", "<boost/asio.hpp>", "sockets only in")

    def test_boost_in_the_server_is_none(self):
        self.check("server/http/b.cc", "<boost/asio.hpp>", None)

    def test_cuda_outside_its_folder_is_a_fault(self):
        self.check("kernels/ops/b.cc", "<cuda_runtime.h>", "CUDA only in")

    def test_cuda_in_its_folder_is_none(self):
        self.check("kernels/cuda/b.cu", "<cuda_runtime.h>", None)


class LayerTableTest(MadeUpTree):
    def check(self, table, faults):
        """The table in place of the real one has these faults."""
        for folder in ("kernels/core", "kernels/cpu"):
            (self.root / folder).mkdir(parents=True)
        self.write("engine/README.md", table)
        layers = [["kernels/core"], ["kernels/cpu", "kernels/cuda"], ["engine/*"]]
        with unittest.mock.patch.object(layer_test, "LAYERS", layers):
            self.assertEqual(layer_test.find_table_faults(self.root), faults)

    def test_the_same_table_has_no_fault(self):
        self.check("0 kernels/core\n1 kernels/cpu | kernels/cuda (to come)\n2 engine/*  engine.h\n",
                   [])

    def test_another_row_is_a_fault(self):
        self.check("0 kernels/core\n1 kernels/cuda (to come)\n2 engine/*\n",
                   ["engine/README.md: layer 1 is ['kernels/cuda'], "
                    "here it is ['kernels/cpu', 'kernels/cuda']"])

    def test_a_missing_folder_that_is_not_to_come_is_a_fault(self):
        self.check("0 kernels/core\n1 kernels/cpu | kernels/cuda\n2 engine/*\n",
                   ["engine/README.md: kernels/cuda is to come if and only if it is not there"])


class TreeTest(MadeUpTree):
    def faults(self):
        return tree_test.find_faults(self.root)[0]

    def test_a_plain_tree_has_no_fault(self):
        self.write("README.md", "x" * 200)
        self.write(".clang-format")
        self.write("engine/engine.h", "int a;\n" * 500)
        self.assertEqual(self.faults(), [])

    def test_a_newcomer_at_the_top_is_a_fault(self):
        self.write("scripts/a.sh")
        self.assertEqual(self.faults(), ["scripts: not among what the top level holds"])

    def test_a_file_of_501_lines_is_a_fault(self):
        self.write("engine/engine.h", "int a;\n" * 501)
        self.assertEqual(self.faults(), ["engine/engine.h: 501 lines, at most 500"])

    def test_an_unfinished_mark_is_a_fault(self):
        self.write("engine/engine.h", "// TO" "DO: the rest\n")
        self.assertEqual(len(self.faults()), 1)

    def test_a_line_of_101_columns_is_a_fault(self):
        self.write("deploy/a.sh", "#" * 101 + "\n")
        self.assertEqual(self.faults(), ["deploy/a.sh:1: 101 columns, at most 100"])

    def test_a_comment_of_101_columns_is_a_fault(self):
        self.write("engine/engine.h", "// " + "x" * 98 + "\n")
        self.assertEqual(self.faults(), ["engine/engine.h:1: 101 columns, at most 100"])

    def test_a_table_that_clang_format_leaves_alone_may_be_wide(self):
        wide = "// clang-format off\n" + "x" * 101 + "\n// clang-format on\n"
        self.write("engine/engine.h", wide)
        self.assertEqual(self.faults(), [])
        self.write("engine/engine.h", wide + "y" * 101 + "\n")
        self.assertEqual(self.faults(), ["engine/engine.h:4: 101 columns, at most 100"])


if __name__ == "__main__":
    unittest.main()
