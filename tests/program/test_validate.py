"""fortet validate: scores, report.json, junit.xml, the page, and what it refuses."""

import json
import os
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


if __name__ == "__main__":
    support.main()
