"""fortet validate: scores, report.json, junit.xml, the page, and what it refuses."""

import json
import os
import pathlib
import random
import signal
import subprocess
import time
import xml.etree.ElementTree as xml

import support

NO_PLOTS = {**os.environ, "FORTET_PYTHON": ""}
TWO = "limits/two-by-two|gaussian/sinkhorn/brownian/d-1/epsilon-1$"


class Validate(support.ProgramTest):
    def test_report(self):
        folder = self.folder / "out"
        text = self.succeed("validate", "--filter", TWO, "--report", folder, "--seed", 3, env=NO_PLOTS)
        self.assertEqual(text.splitlines()[-2:], ["2 passed", str(folder / "index.html")])
        report = self.report(folder)
        self.assertEqual((report["program"], report["schema"], report["passed"], report["seed"]),
                         ("fortet validate", 1, True, 3))
        self.assertEqual([c["name"] for c in report["cases"]],
                         ["gaussian/sinkhorn/brownian/d-1/epsilon-1", "limits/two-by-two"])
        for case in report["cases"]:
            self.assertEqual((case["status"], case["reason"]), ("passed", ""))
            self.assertEqual(case["family"], case["name"].split("/")[0])
            self.assertGreater(case["peak_memory_mib"], 0)
            for score in case["scores"]:
                self.assertEqual(set(score), {"metric", "value", "standard_error", "sampling_floor",
                                              "discretisation_floor", "oracle", "threshold", "reason", "passed"})
                self.assertLessEqual(score["value"], score["threshold"])
                self.assertGreater(len(score["reason"]), 10)
        potentials, transport_map = report["cases"][0]["curves"]
        self.assertEqual([s["style"] for s in potentials["series"]], ["points", "points", "truth", "truth"])
        for points, truth in ((potentials["series"][0], potentials["series"][2]), transport_map["series"]):
            self.assertEqual(points["x"], truth["x"])
            for y, expected in zip(points["y"], truth["y"]):
                self.assertAlmostEqual(y, expected, delta=1e-9)  # as the threshold of the potential, in absolute terms
        # the closed form, from the formula of docs/mathematics/gaussian.md with epsilon = 1
        s0, s1, delta = 0.8, 1.9, 1.1
        cost = next(s for s in report["cases"][0]["scores"] if s["metric"] == "cost")["oracle"]
        self.assertAlmostEqual(cost, delta**2 / 2 + (s0 + s1 - (4 * s0 * s1 + 1) ** 0.5 + 1) / 2, delta=1e-12)

        suites = xml.parse(folder / "junit.xml").getroot()
        self.assertEqual((suites.get("tests"), suites.get("failures"), suites.get("errors")), ("2", "0", "0"))
        self.assertEqual([s.get("name") for s in suites], ["gaussian", "limits"])
        page = (folder / "index.html").read_text()
        self.assertIn("Passed.", page)
        self.assertNotRegex(page, r"(src|href)=[\"']?(http|//)")
        self.assertIn("There are no plots", page)

    def test_page_with_plots(self):
        folder = self.folder / "out"
        self.succeed("validate", "--filter", "discretisation/euler", "--report", folder, "--quiet")
        if (folder / "plots.json").exists():  # a Python with matplotlib was found
            page = (folder / "index.html").read_text()
            self.assertIn("<svg", page)
            self.assertIn("falls by a factor two", page)

    def test_results_repeat(self):
        def scores(seed):
            folder = self.folder / str(seed)
            self.succeed("validate", "--filter", "limits/independent", "--report", folder, "--quiet", "--seed", seed,
                         env=NO_PLOTS)
            return self.report(folder)["cases"][0]["scores"]
        self.assertEqual(scores(1), scores(1))
        self.assertNotEqual(scores(1), scores(2))

    def test_against(self):
        folder = self.folder / "out"
        self.succeed("validate", "--filter", TWO, "--report", folder, env=NO_PLOTS)
        old = self.report(folder)
        old["cases"][1]["status"] = "failed"
        old["cases"][1]["scores"][0]["value"] = 1
        old["cases"][0]["scores"] = []
        path = self.file("old.json", json.dumps(old))
        text = self.succeed("validate", "--filter", TWO, "--against", path)
        self.assertIn("limits/two-by-two: failed before, now passed", text)
        self.assertIn("limits/two-by-two: plan 1 before", text)
        self.bad_input("validate", "--filter", TWO, "--against", self.file("bad.json", "{}"), says="bad.json")
        self.bad_input("validate", "--against", self.folder / "missing.json", says="missing.json")

    def test_choice(self):
        def names(*arguments):
            return self.succeed("validate", "--list", *arguments).split()
        quick, full = names(), names("--suite", "full")
        self.assertLess(set(quick), set(full))
        self.assertEqual(len(full), len(set(full)))
        floats = names("--precision", "float")
        self.assertTrue(floats and all(name.endswith("-float") for name in floats))
        self.assertEqual(sorted(floats + names("--precision", "double")), sorted(quick))

    def test_refusals(self):
        self.bad_input("validate", "--filter", "no such case", says="no case")
        self.bad_input("validate", "--filter", "(", says="--filter")
        self.assertEqual(self.run_program("validate", "--suite", "huge").returncode, 2)
        self.bad_input("validate", "--filter", TWO, "--report", self.file("blocked", "x"), says="blocked")

    # ---- what goes wrong

    def test_a_crashed_case_is_reported_and_others_go_on(self):
        digits = self.folder / "data" / "digits"
        digits.mkdir(parents=True)
        for name in ("optdigits.tra", "optdigits.tes"):
            (digits / name).write_text("1,2,3\n")
        folder = self.folder / "out"
        done = self.run_program("validate", "--filter", "limits/two|generative/digits|neural/dsbm/d-2", "--data",
                                digits.parent, "--report", folder, env=NO_PLOTS)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertEqual([c["status"] for c in self.report(folder)["cases"]], ["passed", "crashed", "passed"])
        self.assertIn("optdigits.tra", self.report(folder)["cases"][1]["reason"])
        suites = xml.parse(folder / "junit.xml").getroot()
        self.assertEqual((suites.get("failures"), suites.get("errors")), ("0", "1"))
        self.assertIn("optdigits.tra: expected rows of 64 pixels", (folder / "index.html").read_text())

    def test_a_case_ended_by_a_signal_is_reported_and_others_go_on(self):
        folder = self.folder / "out"
        process = subprocess.Popen(self.command("validate", "--filter", "limits/two|statistics|discretisation/euler",
                                                "--report", folder),
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=NO_PLOTS)
        self.addCleanup(process.kill)
        for _ in range(2):  # then statistics, which takes a second, has begun or is about to
            self.assertIn("passed", process.stdout.readline())
        children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children")
        while not children.read_text():
            time.sleep(0.001)
        os.kill(int(children.read_text().split()[0]), signal.SIGSEGV)
        process.communicate(timeout=120)
        self.assertEqual(process.returncode, 3)
        cases = self.report(folder)["cases"]
        self.assertEqual([c["status"] for c in cases], ["passed", "passed", "crashed", "passed", "passed"])
        self.assertIn("Segmentation fault", cases[2]["reason"])

    def test_backend(self):
        folder = self.folder / "out"
        self.succeed("validate", "--filter", "limits/two-by-two", "--report", folder, env=NO_PLOTS)
        backend = self.report(folder)["backend"].lower()
        self.succeed("validate", "--filter", "limits/two-by-two", "--backend", backend)
        self.bad_input("validate", "--backend", "abacus", says=backend)

    def test_missing_data_are_skipped(self):
        done = self.succeed("validate", "--filter", "generative/digits", "--data", self.folder)
        self.assertRegex(done, "skipped .*generative/digits .*--data")

    def test_interrupt_keeps_what_is_done(self):
        folder = self.folder / "out"
        process = subprocess.Popen(self.command("validate", "--filter", "limits|statistics|neural", "--report", folder),
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=NO_PLOTS)
        self.addCleanup(process.kill)
        self.assertIn("passed", process.stdout.readline())
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=120)
        self.assertEqual(process.returncode, 3)
        statuses = [c["status"] for c in self.report(folder)["cases"]]
        self.assertEqual((statuses[0], statuses[-1]), ("passed", "not run"))
        self.assertEqual(statuses, sorted(statuses, key=["passed", "not run"].index))
        self.assertEqual(self.report(folder)["cases"][-1]["reason"], "interrupted")
        self.assertFalse(self.report(folder)["passed"])

    # ---- samples of other programs

    PROBLEM = {"source": {"type": "gaussian", "mean": [0.5], "covariance": [[1.0]]},
               "target": {"type": "gaussian", "mean": [-1.0], "covariance": [[2.0]]},
               "reference": {"type": "brownian", "sigma": 1.0, "horizon": 1.0}}

    def samples(self, name, n=8000, map_factor=1.0, noise_factor=1.0):
        """Pairs of PROBLEM by its formula, drawn with Python's own generator."""
        slope = ((4 * 1.0 * 2.0 + 1) ** 0.5 - 1) / 2  # K of docs/mathematics/gaussian.md, S0 = 1, S1 = 2
        generator = random.Random(7)
        x0 = [0.5 + generator.gauss(0, 1) for _ in range(n)]
        x1 = [-1 + map_factor * slope * (x - 0.5) + noise_factor * slope**0.5 * generator.gauss(0, 1) for x in x0]
        return (self.npy(name + "0.npy", [[x] for x in x0]), self.npy(name + "1.npy", [[x] for x in x1]))

    def pairs(self, samples, *more, problem=None):
        path = self.file("problem.json", json.dumps(problem or self.PROBLEM))
        return self.run_program("validate", "--pairs", *samples, "--problem", path, *more, env=NO_PLOTS)

    def test_pairs_of_another_program(self):
        folder = self.folder / "out"
        good = self.pairs(self.samples("good"), "--report", folder)
        self.assertEqual(good.returncode, 0, good.stdout + good.stderr)
        case, = self.report(folder)["cases"]
        self.assertEqual((case["name"], case["family"], case["status"]), ("pairs/problem", "pairs", "passed"))
        self.assertEqual([s["metric"] for s in case["scores"]], [
            "mean of X0, %", "mean of X1, %", "covariance of X0, %", "covariance of X1, %",
            "covariance of X0 and X1, %", "conditional mean, %", "cBW2-UVP, %", "energy distance of pairs, %"])
        for score in case["scores"]:
            self.assertGreater(score["standard_error"], 0)
            self.assertGreater(score["sampling_floor"], 0)
            self.assertGreater(score["threshold"], score["sampling_floor"])

        bad = self.pairs(self.samples("bad", map_factor=0.9), "--report", folder)
        self.assertEqual(bad.returncode, 3, bad.stdout + bad.stderr)
        failed = [s["metric"] for s in self.report(folder)["cases"][0]["scores"] if not s["passed"]]
        self.assertIn("conditional mean, %", failed)
        self.assertIn("covariance of X0 and X1, %", failed)
        self.assertNotIn("covariance of X0, %", failed)
        self.assertEqual(self.pairs(self.samples("noisy", noise_factor=1.3)).returncode, 3)
        self.assertEqual(self.pairs(self.samples("bad", map_factor=0.9), "--tolerance", 20).returncode, 0)

    def test_pairs_against_an_oracle(self):
        # a mixture of one Gaussian is that Gaussian, but takes the way of the grid
        mixture = {**self.PROBLEM, "target": {"type": "mixture", "components": [
            {"weight": 1.0, "mean": [-1.0], "covariance": [[2.0]]}]}}
        self.assertEqual(self.pairs(self.samples("good"), problem=mixture).returncode, 0)
        self.assertEqual(self.pairs(self.samples("bad", map_factor=0.9), problem=mixture).returncode, 3)
        # between the samples themselves: Sinkhorn
        x0, x1 = self.samples("good", n=1000)
        clouds = {**self.PROBLEM, "source": {"type": "file", "points": str(x0)}, "target": {"type": "file", "points": str(x1)}}
        self.assertEqual(self.pairs((x0, x1), problem=clouds).returncode, 0)
        self.assertEqual(self.pairs((x0, self.npy("other.npy", [[0.01 * i - 5] for i in range(1000)])),
                                    problem=clouds).returncode, 3)

    def test_pairs_refused(self):
        x0, x1 = self.samples("good", n=300)
        problem = self.file("problem.json", json.dumps(self.PROBLEM))
        self.bad_input("validate", "--pairs", x0, self.folder / "missing.npy", "--problem", problem, says="missing.npy")
        self.bad_input("validate", "--pairs", x0, self.npy("short.npy", [[0.0]] * 299), "--problem", problem, says="299")
        self.bad_input("validate", "--pairs", x0, self.npy("wide.npy", [[0.0, 1.0]] * 300), "--problem", problem,
                       says="dimension")
        self.bad_input("validate", "--pairs", x0, x1, "--problem", problem, "--tolerance", -1, says="tolerance")
        self.assertEqual(self.run_program("validate", "--pairs", x0, x1).returncode, 2)
        self.assertEqual(self.run_program("validate", "--problem", problem).returncode, 2)


if __name__ == "__main__":
    support.main()
