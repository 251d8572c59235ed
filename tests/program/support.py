"""Runs the program on files. Standard library only; .npy files are written and read here, independently of the
library."""

import ast
import json
import math
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

PROGRAM = None  # path, from the command line


def product(shape):
    return math.prod(shape)


def flatten(values):
    return [x for v in values for x in flatten(v)] if isinstance(values, (list, tuple)) else [values]


def shape_of(values):
    return (len(values),) + shape_of(values[0]) if isinstance(values, (list, tuple)) else ()


def npy_bytes(values, shape=None, kind="d"):
    """Nested lists as a .npy file of float64 ('d') or float32 ('f')."""
    shape = shape_of(values) if shape is None else shape
    header = repr({"descr": "<f8" if kind == "d" else "<f4", "fortran_order": False, "shape": tuple(shape)})
    header += " " * (63 - (10 + len(header)) % 64) + "\n"
    flat = flatten(values)
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + struct.pack(f"<{len(flat)}{kind}", *flat)


def read_npy(path):
    """(shape, flat list of values, type code)"""
    data = pathlib.Path(path).read_bytes()
    assert data[:8] == b"\x93NUMPY\x01\x00", path
    length = struct.unpack("<H", data[8:10])[0]
    header = ast.literal_eval(data[10:10 + length].decode())
    assert not header["fortran_order"]
    kind = {"<f8": "d", "<f4": "f"}[header["descr"]]
    count = product(header["shape"])
    return header["shape"], list(struct.unpack(f"<{count}{kind}", data[10 + length:])), kind


def random_points(n, d, seed):
    """n points in the unit cube, from a small generator of our own."""
    state, out = seed * 2654435761 + 12345, []
    for _ in range(n):
        row = []
        for _ in range(d):
            state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
            row.append((state >> 11) / 2**53)
        out.append(row)
    return out


class ProgramTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="fortet-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def npy(self, name, values, **how):
        return self.file(name, npy_bytes(values, **how))

    def file(self, name, content):
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def command(self, *arguments):
        return [PROGRAM, *map(str, arguments)]

    def run_program(self, *arguments, **how):
        return subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=120,
                              stdin=subprocess.DEVNULL, **how)

    def succeed(self, *arguments, code=0, **how):
        done = self.run_program(*arguments, **how)
        self.assertEqual(done.returncode, code, done.stderr + done.stdout)
        self.assertEqual(done.stderr, "")
        return done.stdout

    def fail_with(self, code, *arguments, says, **how):
        """The program ends with this code, says each of the sentences and prints nothing else."""
        done = self.run_program(*arguments, **how)
        self.assertEqual(done.returncode, code, done.stderr + done.stdout)
        for sentence in [says] if isinstance(says, str) else says:
            self.assertIn(sentence, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertLessEqual(done.stderr.count("\n"), 2, done.stderr)
        return done.stderr

    def bad_input(self, *arguments, says, **how):
        return self.fail_with(2, *arguments, says=says, **how)

    def report(self, folder):
        return json.loads((pathlib.Path(folder) / "report.json").read_text())

    def assert_no_partial_files(self):
        self.assertEqual([p for p in self.folder.rglob("*") if ".part-" in p.name], [])


def main():
    global PROGRAM
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    # imported by the test files under this name, while this one runs as part of them
    unittest.main()
