"""Bad input and failing disks: a clear error, the right exit code, no half-written file."""

import os
import pathlib
import resource
import struct
import unittest

import support
from support import npy_bytes, random_points

GOOD = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
NAN, INF = float("nan"), float("inf")


class BadInput(support.ProgramTest):
    def setUp(self):
        super().setUp()
        self.x, self.y = self.npy("x.npy", GOOD), self.npy("y.npy", [[0.5, 0.5], [2.0, 1.0]])

    def refuse(self, says, *, source=None, target=None, epsilon=0.1, more=(), code=2):
        out = self.folder / "out"
        message = self.fail_with(code, "sinkhorn", "--source", source or self.x, "--target", target or self.y,
                                 "--epsilon", epsilon, "--output", out, *more, says=says)
        self.assertFalse((out / "report.json").exists())
        self.assertFalse((out / "coupling.json").exists())
        self.assert_no_partial_files()
        return message

    def test_empty_files(self):
        self.refuse("the file is empty", source=self.file("e.npy", b""))
        self.refuse("the file is empty", source=self.file("e.csv", b""))
        self.refuse("holds no numbers", source=self.file("h.csv", b"x,y\n"))
        self.refuse("at least one point", source=self.npy("n.npy", [], shape=(0, 2)))
        self.refuse("at least one coordinate", source=self.npy("n.npy", [], shape=(3, 0)))

    def test_wrong_rank(self):
        self.refuse(["r.npy", "shape (3,)", "(n, d)"], source=self.npy("r.npy", [0.0, 1.0, 2.0]))
        self.refuse("shape (1, 3, 2)", source=self.npy("r.npy", [GOOD]))
        self.refuse("shape ()", source=self.npy("r.npy", 1.0, shape=()))
        self.refuse("shape (2, 2)", more=("--source-weights", self.npy("w.npy", [[1.0, 1.0], [1.0, 1.0]])))

    def test_not_finite(self):
        self.refuse(["b.npy", "(1, 0) = nan"], source=self.npy("b.npy", [[0.0, 0.0], [NAN, 0.0]]))
        self.refuse(["b.npy", "(0, 1) = -inf"], target=self.npy("b.npy", [[0.0, -INF], [0.0, 0.0]]))
        self.refuse(["b.csv", "(2, 1) = nan"], source=self.file("b.csv", "0,0\n1,1\n2,nan\n"))
        self.refuse("too large for float", source=self.npy("b.npy", [[0.0, 1e300]]), more=("--precision", "float"))

    def test_weights(self):
        for bad, says in [([1.0, -2.0, 1.0], "weights(1) = -2"), ([0.0, 0.0, 0.0], "sum of weights"),
                          ([1.0, NAN, 1.0], "weights(1)"), ([1.0, INF, 1.0], "weights(1)"), ([1.0, 1.0], "3 points")]:
            self.refuse(["w.npy", says], more=("--source-weights", self.npy("w.npy", bad)))

    def test_unequal_mass(self):
        self.refuse("mass", more=("--source-weights", self.npy("w.npy", [1.0, 1.0, 2.0])))

    def test_epsilon(self):
        for bad in ("0", "-1", "nan", "inf", "-inf"):
            self.refuse(["--epsilon", "> 0"], epsilon=bad)
        self.refuse("--epsilon", epsilon="tiny")
        sinkhorn = ("sinkhorn", "--source", self.x, "--target", self.y)
        self.bad_input(*sinkhorn, "--epsilon", 1, "--sigma", 1, says="not both")
        self.bad_input(*sinkhorn, "--epsilon", 1, "--horizon", 1, says="not both")
        self.bad_input(*sinkhorn, says="give --epsilon, or --sigma")
        self.bad_input(*sinkhorn, "--horizon", 2, says="give --epsilon, or --sigma")
        self.bad_input(*sinkhorn, "--sigma", 0, says="--sigma = 0")
        self.bad_input(*sinkhorn, "--sigma", 1, "--horizon", -1, says="--horizon = -1")

    def test_other_options(self):
        self.refuse("tolerance", more=("--tolerance", "0"))
        self.refuse("max_iterations", more=("--max-iterations", "0"))
        self.refuse("--precision", more=("--precision", "half"))
        self.refuse("--threads", more=("--threads", "-1"))
        self.bad_input("sinkhorn", "--source", self.x, "--target", self.y, "--epsilon", 1, "--plan", says="--output")
        self.bad_input("sinkhorn", "--source", self.x, "--epsilon", 1, says="--target")
        self.bad_input(says="subcommand")
        self.bad_input("teleport", says="")

    def test_dimension_mismatch(self):
        self.refuse(["target dimension = 3", "dimension 2"], target=self.npy("t.npy", [[0.0, 0.0, 0.0]]))

    def test_float_that_does_not_suffice(self):
        far = self.npy("far.npy", [[1e8, 0.0], [1e8 + 1, 0.0]])
        self.refuse("rounding coordinates near 1e+08", source=far, target=far, more=("--precision", "float"))
        # the same points as float are what they are; and with a large epsilon rounding does no harm
        rounded = self.npy("rounded.npy", [[1e8, 0.0], [1e8 + 8, 0.0]], kind="f")
        for points, epsilon in ((rounded, 1), (far, 1e4)):
            self.succeed("sinkhorn", "--source", points, "--target", points, "--epsilon", epsilon, "--precision", "float",
                         "--tolerance", 1e-3, "--quiet")

    def test_unreadable(self):
        self.refuse(["missing.npy", "No such file"], source=self.folder / "missing.npy")
        self.refuse(["missing.csv", "No such file"], target=self.folder / "missing.csv")
        self.refuse("directory", source=self.folder)
        closed = self.npy("closed.npy", GOOD)
        closed.chmod(0)
        if not os.access(closed, os.R_OK):  # root reads everything
            self.refuse("Permission denied", source=closed)

    def test_damaged(self):
        whole = npy_bytes(GOOD)
        for length in (1, 7, 9, 60, len(whole) - 1):
            self.refuse("t.npy", source=self.file("t.npy", whole[:length]))
        self.refuse("needs 48 bytes of values but the file has 47", source=self.file("t.npy", whole[:-1]))
        self.refuse("has 49", source=self.file("t.npy", whole + b"x"))
        self.refuse("pickled", source=self.file("t.npy", whole.replace(b"'<f8'", b"'|O' ")))
        self.refuse(["t.csv, line 3, column 2", "'four'"], source=self.file("t.csv", "x,y\n1,2\n3,four\n"))
        self.refuse("line 2: 1 values", source=self.file("t.csv", "1,2\n3\n"))

    def test_plan_too_large_for_the_disk(self):
        n = 1_000_000
        line = self.file("line.npy", npy_bytes(0.0, shape=(n, 1))[:-8] + struct.pack("<d", 0.0) * n)
        self.refuse(["--plan", "1000000 x 1000000", "8e+03 GB"], source=line, target=line, more=("--plan",))

    # ---- writing

    def test_output_folder(self):
        x = ("sinkhorn", "--source", self.x, "--target", self.y, "--epsilon", 1)
        self.bad_input(*x, "--output", self.x, says=["x.npy", "cannot create the folder"])
        self.succeed(*x, "--output", self.folder / "a" / "b", "--quiet")
        self.succeed(*x, "--output", self.folder / "a" / "b", "--quiet")  # again, over the old files

    def limited(self, size):
        return {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))}

    def test_disk_full(self):
        """A limit on the size of files stands for the full disk."""
        x = self.npy("x.npy", random_points(100, 2, 1))
        out = self.folder / "out"
        command = ("sinkhorn", "--source", x, "--target", x, "--epsilon", 1, "--plan", "--output", out)
        self.succeed(*command, "--quiet")
        self.fail_with(1, *command, says=["cannot write", "plan.npy"], **self.limited(20000))
        self.assertFalse((out / "plan.npy").exists())
        self.assertFalse((out / "report.json").exists())  # the old one would lie
        self.assert_no_partial_files()
        self.fail_with(1, *command, says=["cannot write", "source_points.npy"], **self.limited(1000))
        self.assertFalse((out / "coupling.json").exists())
        self.assert_no_partial_files()

    @unittest.skipUnless(pathlib.Path("/dev/full").exists(), "no /dev/full")
    def test_dev_full(self):
        out = self.folder / "out"
        self.succeed("sinkhorn", "--source", self.x, "--target", self.y, "--epsilon", 1, "--output", out, "--quiet")
        draw = ("sample", "--coupling", out, "--number", 5)
        self.fail_with(1, *draw, "--output", "/dev/full", says="No space left")
        with open("/dev/full", "w") as full:
            import subprocess
            done = subprocess.run(self.command(*draw), stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertIn("standard output", done.stderr)


if __name__ == "__main__":
    support.main()
