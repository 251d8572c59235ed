"""fortet dsb and fortet dsbm: files, resuming, progress, mistakes."""

import math
import os
import pty
import signal
import subprocess
import time

import support
from support import random_points, read_npy

SMALL = ["--sigma", 1, "--training-steps", 40, "--batch", 32, "--particles", 200, "--refresh", 20,
         "--hidden", "16,16", "--tolerance", 0]


class Neural(support.ProgramTest):
    def train(self, *more, command="dsb", output="out", iterations=2):
        folder = self.folder / output
        self.succeed(command, *SMALL, "--iterations", iterations, "--output", folder, "--quiet", *more, code=3)
        self.assert_no_partial_files()
        return folder, self.report(folder)

    def test_report_and_files(self):
        for command in ("dsb", "dsbm"):
            folder, report = self.train("--data", "moons", "--samples", 7, "--paths", 3, command=command,
                                        output=command)
            self.assertEqual((report["solver"], report["status"], report["iterations"], report["dimension"],
                              report["precision"]), (command, "iteration_limit", 2, 2, "float"))
            self.assertEqual(len(report["history"]), 4)
            for name, shape in [("samples", (7, 2, 2)), ("generated", (7, 2, 2)), ("paths", (3, 21, 2))]:
                got, values, kind = read_npy(folder / f"{name}.npy")
                self.assertEqual((got, kind), (shape, "f"), name)
                self.assertTrue(all(math.isfinite(v) for v in values))
            self.assertTrue((folder / "bridge.state").read_bytes().startswith(b"fortet state 1\n"))

    def test_every_shape_and_files(self):
        points = self.npy("x.npy", random_points(50, 3, 1))
        self.train("--data", points, "--samples", 5)
        self.assertEqual(read_npy(self.folder / "out" / "samples.npy")[0], (5, 2, 3))
        rows = {tuple(row) for row in self.rows(self.folder / "out" / "samples.npy", 6, slice(0, 3))}
        given = {tuple(row) for row in self.rows(points, 3, slice(0, 3))}
        near = lambda row: any(max(abs(a - b) for a, b in zip(row, g)) < 1e-6 for g in given)  # rounded to float
        self.assertTrue(all(near(row) for row in rows))
        for shape in ("s-curve", "swiss-roll", "8gaussians", "checkerboard", "pinwheel", "circles", "mixture"):
            self.train("--data", shape, "--target", "moons", "--samples", 5, iterations=1, command="dsbm")

    def rows(self, path, width, part):
        values = read_npy(path)[1]
        return [values[i:i + width][part] for i in range(0, len(values), width)]

    def test_resumed_equals_uninterrupted(self):
        for command, more in (("dsb", ()), ("dsbm", ("--joint", "--first", "entropic"))):
            whole, _ = self.train("--data", "moons", *more, iterations=3, command=command, output="whole")
            checkpoint = self.folder / f"{command}.state"
            self.train("--data", "moons", "--checkpoint", checkpoint, *more, iterations=1, command=command)
            resumed, report = self.train("--data", "moons", "--checkpoint", checkpoint, "--resume", *more, iterations=3,
                                         command=command, output="resumed")
            self.assertEqual(report["iterations"], 3)
            for name in ("bridge.state", "samples.npy", "generated.npy"):
                self.assertEqual((whole / name).read_bytes(), (resumed / name).read_bytes(), name)

    def test_the_same_on_one_and_two_threads(self):
        one, _ = self.train("--data", "moons", "--threads", 1, output="one")
        two, _ = self.train("--data", "moons", "--threads", 2, output="two")
        for name in ("bridge.state", "samples.npy", "generated.npy"):
            self.assertEqual((one / name).read_bytes(), (two / name).read_bytes(), name)

    def test_other_and_broken_checkpoints_are_refused(self):
        checkpoint = self.folder / "run.state"
        self.train("--data", "moons", "--checkpoint", checkpoint)
        good = checkpoint.read_bytes()
        resume = ["--data", "moons", "--checkpoint", checkpoint, "--resume"]
        self.bad_input("dsb", *SMALL, *resume, "--hidden", "8,8", says="network = mlp")
        self.bad_input("dsb", *SMALL, *resume, "--growth", 2, says="expected 40 steps growing by 2")
        self.bad_input("dsbm", *SMALL, *resume, says="solver = dsb, expected dsbm")
        self.assertEqual(checkpoint.read_bytes(), good)
        checkpoint.write_bytes(good[:-100])
        self.bad_input("dsb", *SMALL, *resume, says="truncated or damaged")
        checkpoint.write_bytes(good.replace(b"fortet state 1", b"fortet state 9", 1))
        self.bad_input("dsb", *SMALL, *resume, says="version 9")

    def test_mistakes(self):
        flat = self.npy("flat.npy", [[0.0], [1.0]])
        for more, message in [(["--data", "nonsense"], "neither a file nor one of moons"),
                              (["--data", "moons", "--target", flat], "dimension"),
                              (["--data", "moons", "--resume"], "--resume needs --checkpoint"),
                              (["--data", "moons", "--paths", 3], "--paths writes a file"),
                              (["--data", "moons", "--batch", 0], "batch"),
                              (["--data", "moons", "--steps", 0], "steps"),
                              (["--data", "moons", "--epsilon", 1], "not both")]:
            self.bad_input("dsb", *SMALL, *more, says=message)

    def test_progress_and_interrupt(self):
        terminal, end = pty.openpty()
        checkpoint = self.folder / "run.state"
        process = subprocess.Popen(
            self.command("dsb", "--data", "moons", "--sigma", 1, "--training-steps", 200000, "--refresh", 200,
                         "--batch", 64, "--hidden", "16", "--particles", 200, "--checkpoint", checkpoint),
            stdout=subprocess.PIPE, stderr=end, text=True)
        os.close(end)
        self.addCleanup(os.close, terminal)
        self.addCleanup(process.kill)
        text, until = "", time.monotonic() + 60
        os.set_blocking(terminal, False)
        while "left" not in text and time.monotonic() < until:
            try:
                text += os.read(terminal, 4096).decode()
            except BlockingIOError:
                time.sleep(0.02)
        self.assertRegex(text, r"1/20 backward drift +\d+ %  loss [\d.e+-]+")
        process.send_signal(signal.SIGINT)
        table, _ = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 3)
        self.assertRegex(table, r"status +cancelled")


if __name__ == "__main__":
    support.main()
