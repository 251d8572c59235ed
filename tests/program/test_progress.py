"""The progress bar and Ctrl-C, on a pseudo-terminal."""

import os
import pty
import signal
import subprocess
import time

import support
from support import random_points


class Progress(support.ProgramTest):
    def start(self, *more):
        """A run that takes long, its standard error on a terminal of our own."""
        x = self.npy("x.npy", random_points(1500, 3, 1))
        y = self.npy("y.npy", random_points(1500, 3, 2))
        terminal, end = pty.openpty()
        process = subprocess.Popen(
            self.command("sinkhorn", "--source", x, "--target", y, "--epsilon", 1e-5, "--tolerance", 1e-13,
                         "--output", self.folder / "out", *more), stdout=subprocess.PIPE, stderr=end, text=True)
        os.close(end)
        self.addCleanup(os.close, terminal)
        self.addCleanup(process.kill)
        return process, terminal

    def read_until(self, terminal, word, seconds=60):
        text, end = "", time.monotonic() + seconds
        os.set_blocking(terminal, False)
        while word not in text and time.monotonic() < end:
            try:
                text += os.read(terminal, 4096).decode()
            except BlockingIOError:
                time.sleep(0.02)
        self.assertIn(word, text)
        return text

    def test_interrupt_finishes_the_files(self):
        for sign in (signal.SIGINT, signal.SIGTERM):
            process, terminal = self.start()
            line = self.read_until(terminal, "error")
            self.assertIn("iteration", line)
            self.assertTrue(line.startswith("\r"), repr(line))
            process.send_signal(sign)
            table, _ = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 3)
            self.assertRegex(table, r"status +cancelled")
            report = self.report(self.folder / "out")
            self.assertEqual(report["status"], "cancelled")
            self.assertTrue((self.folder / "out" / "target_potential.npy").exists())
            self.assert_no_partial_files()

    def test_quiet_has_no_bar(self):
        process, terminal = self.start("--quiet", "--max-iterations", 50)
        table, _ = process.communicate(timeout=120)
        self.assertEqual(table, "")
        os.set_blocking(terminal, False)
        try:
            self.assertEqual(os.read(terminal, 4096), b"")
        except OSError:
            pass  # nothing was written


if __name__ == "__main__":
    support.main()
