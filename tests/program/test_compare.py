"""fortet compare: problems from files, its report, its page, and what it refuses."""

import json
import os
import re

import support

NORMAL = {"type": "gaussian", "mean": [0.0, 0.0], "covariance": 1}
SHIFTED = {"type": "gaussian", "mean": [2.0, 0.0], "covariance": [[1, 0.3], [0.3, 0.5]]}
COMPONENTS = [{"weight": 1, "mean": [-2, 0], "covariance": 0.2}, {"weight": 2, "mean": [2, 0], "covariance": 0.3}]
MIXTURE = {"type": "mixture", "components": COMPONENTS}
NO_PLOTS = {**os.environ, "FORTET_PYTHON": ""}  # drawing them takes seconds
BROWNIAN = {"type": "brownian", "epsilon": 1}
SMALL = ("--atoms", 60, "--pairs", 400)


class Compare(support.ProgramTest):
    def problem(self, source=NORMAL, target=SHIFTED, reference=BROWNIAN):
        return self.file("p.json", json.dumps({"source": source, "target": target, "reference": reference}))

    def compare(self, path, *arguments, env=NO_PLOTS):
        """The report of one problem."""
        folder = self.folder / "out"
        text = self.succeed("compare", "--problem", path, "--report", folder, *SMALL, *arguments, env=env)
        report = self.report(folder)
        self.assertEqual(report["program"], "fortet compare")
        self.assertEqual(set(report), {"program", "version", "pairs", "seed", "seconds", "problems"})
        self.assertEqual(text.splitlines()[-1], str(folder / "index.html"))
        self.assertEqual(len(report["problems"]), 1)
        return report["problems"][0]

    def figure(self, comparison, metric, law):
        return next(r for r in comparison["rows"] if (r["metric"], r["law"]) == (metric, law))

    def test_gaussians_against_the_closed_form(self):
        result = self.compare(self.problem(), "--solver", "sinkhorn", "--solver", "independent", "--solver", "gaussian")
        self.assertEqual([s["name"] for s in result["solvers"]], ["sinkhorn", "independent", "gaussian"])
        self.assertEqual(result["epsilon"], 1)
        self.assertEqual(result["dimension"], 2)
        self.assertEqual(result["solvers"][0]["report"]["status"], "converged")
        near, far = result["comparisons"]
        self.assertEqual((near["first"], near["second"]), ("sinkhorn", "gaussian"))
        for comparison in near, far:
            for row in comparison["rows"]:
                self.assertTrue({"metric", "law", "unit", "value", "standard_error", "n", "m"} <= set(row), row)
        # independent ends do not have the bridge's covariance, by 0.6 or so; Sinkhorn on 60 atoms is nearer
        self.assertLess(self.figure(near, "BW2-UVP", "pairs")["value"], self.figure(far, "BW2-UVP", "pairs")["value"])

    def test_mixture_and_another_seed(self):
        path = self.problem(target=MIXTURE, reference={"type": "ornstein_uhlenbeck", "rate": 1, "sigma": 1})
        first = self.compare(path, "--solver", "independent", "--solver", "sinkhorn")
        again = self.compare(path, "--solver", "independent", "--solver", "sinkhorn")
        other = self.compare(path, "--solver", "independent", "--solver", "sinkhorn", "--seed", 2)
        self.assertEqual(first["comparisons"][0]["rows"], again["comparisons"][0]["rows"])
        self.assertNotEqual(first["comparisons"][0]["rows"], other["comparisons"][0]["rows"])

    def test_files_and_default_solvers(self):
        points = self.npy("x.npy", support.random_points(40, 2, 1)), self.npy("y.npy", support.random_points(50, 2, 2))
        source, target = ({"type": "file", "points": str(p)} for p in points)
        result = self.compare(self.problem(source, target))
        self.assertEqual([s["name"] for s in result["solvers"]], ["independent", "sinkhorn"])
        report = result["solvers"][1]["report"]
        self.assertEqual((report["n"], report["m"]), (40, 50))

    def test_page(self):
        self.compare(self.problem(), "--solver", "independent", "--solver", "gaussian", env=dict(os.environ))
        page = (self.folder / "out" / "index.html").read_text()
        self.assertIn("independent against gaussian", page)
        self.assertNotRegex(page, r"(src|href)=[\"']?(http|//)")  # self-contained
        if (self.folder / "out" / "plots.json").exists():
            self.assertIn("<svg", page)
            self.assertIn("<figcaption>", page)

    def test_no_plots_is_no_failure(self):
        for python, why in (("", "FORTET_PYTHON is empty"), ("/nowhere/python", "there is no Python at /nowhere/python"),
                            ("false", "needs matplotlib")):
            self.compare(self.problem(), "--solver", "independent", "--solver", "gaussian",
                         env={**os.environ, "FORTET_PYTHON": python})
            page = (self.folder / "out" / "index.html").read_text()
            self.assertIn("There are no plots: " + why if why[0] != "n" else why, page)
            self.assertNotIn("<svg", page)

    def test_table(self):
        text = self.succeed("compare", "--problem", self.problem(), "--solver", "independent", "--solver", "gaussian",
                            *SMALL)
        self.assertRegex(text, re.compile(r"^ *W2 +pairs", re.M))
        self.assertEqual(self.succeed("compare", "--problem", self.folder / "p.json", "--solver", "independent",
                                      "--solver", "gaussian", "--quiet", *SMALL), "")

    def test_json_alone(self):
        out = self.folder / "figures.json"
        self.succeed("compare", "--problem", self.problem(), "--solver", "independent", "--solver", "gaussian",
                     "--json", out, *SMALL)
        self.assertEqual(len(json.loads(out.read_text())["problems"][0]["comparisons"]), 1)

    def test_refusals(self):
        def refuse(path, *more, says):
            self.bad_input("compare", "--problem", path, *SMALL, *more, says=says)
        refuse(self.problem(source={**NORMAL, "mean": "zero"}), says="source.mean")
        refuse(self.problem(target={**MIXTURE, "components": [{**COMPONENTS[0], "weight": -1}, COMPONENTS[1]]}),
               says="target.components[0].weight")
        refuse(self.problem(target={**MIXTURE, "components": []}), says="target.components")
        refuse(self.problem(source={"type": "file", "points": "missing.npy"}), says="missing.npy")
        refuse(self.problem(reference={"type": "brownian", "epsilon": 0}), says="reference.epsilon")
        refuse(self.problem(reference={"type": "levy"}), says="reference.type")
        refuse(self.problem(target={"type": "gaussian", "mean": [0], "covariance": 1}), says="dimension")
        refuse(self.problem(target=MIXTURE), "--solver", "independent", "--solver", "gaussian", says="gaussian")
        refuse(self.problem(), "--solver", "gaussian", says="two or more")
        done = self.run_program("compare", "--problem", self.problem(), "--solver", "magic", "--solver", "gaussian")
        self.assertEqual(done.returncode, 2)
        self.assertIn("magic", done.stderr)
        self.assertEqual(self.run_program("compare", "--problem", self.folder / "missing.json").returncode, 2)
        self.assertEqual(self.run_program("compare", "--problem", self.problem(), "--atoms", 0).returncode, 2)
        linear = {"type": "linear_sde", "drift": [[-1, 0], [0, -1]], "noise": [[1, 0], [0, 1]]}
        refuse(self.problem(reference=linear), says="linear")

    def test_output_that_cannot_be_written(self):
        blocked = self.file("blocked", "a file where a folder should be")
        self.fail_with(1, "compare", "--problem", self.problem(), "--solver", "independent", "--solver", "gaussian",
                       "--quiet", "--report", blocked, *SMALL, says="blocked")


if __name__ == "__main__":
    support.main()
