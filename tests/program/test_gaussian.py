"""fortet gaussian, fortet info and every --help."""

import json
import math

import support


def problem(source=None, target=None, reference=None):
    normal = {"type": "gaussian", "mean": [0.0], "covariance": 1}
    return json.dumps({"source": source or normal, "target": target or normal,
                       "reference": reference or {"type": "brownian", "sigma": 1}})


class Gaussian(support.ProgramTest):
    def forms(self, text, *more):
        path, out = self.file("p.json", text), self.folder / "forms.json"
        self.assertEqual(self.succeed("gaussian", "--problem", path, "--output", out, *more), "")
        return json.loads(out.read_text())

    def test_golden_ratio(self):
        """N(-0.1, 1) to N(0.1, 1) with epsilon 1: the covariance is (sqrt 5 - 1) / 2."""
        forms = self.forms(problem({"type": "gaussian", "mean": [-0.1], "covariance": 1},
                                   {"type": "gaussian", "mean": [0.1], "covariance": [1]}))
        c = (math.sqrt(5) - 1) / 2
        self.assertAlmostEqual(forms["cross_covariance"][0][0], c, delta=1e-14)
        self.assertAlmostEqual(forms["forward_covariance"][0][0], c, delta=1e-14)
        self.assertAlmostEqual(forms["forward_map"]["offset"][0], 0.1 + c * 0.1, delta=1e-14)
        # OT_eps = |m|^2/2 + (2 - sqrt 5 + 1)/2 + (log(sqrt 5 + 1) - log 2)/2
        cost = 0.02 + (3 - math.sqrt(5)) / 2
        self.assertAlmostEqual(forms["transport_cost"], cost, delta=1e-14)
        self.assertAlmostEqual(forms["entropic_cost"], cost + 0.5 * math.log((math.sqrt(5) + 1) / 2), delta=1e-14)
        self.assertEqual([t["time"] for t in forms["times"]], [0, 0.25, 0.5, 0.75, 1])
        # V_t at 1/2: 1/4 + 1/4 + (2 C + 1) / 4
        self.assertAlmostEqual(forms["times"][2]["covariance"][0][0], 0.75 + c / 2, delta=1e-14)

    def test_times_and_references(self):
        forms = self.forms(problem(reference={"type": "ornstein_uhlenbeck", "rate": 1, "sigma": 1, "horizon": 2}),
                           "--times", 0, 0.5)
        self.assertEqual([t["time"] for t in forms["times"]], [0, 1])
        self.assertEqual(forms["horizon"], 2)

    def test_table(self):
        text = self.succeed("gaussian", "--problem", self.file("p.json", problem()))
        self.assertRegex(text, r"Cov\(X0, X1\) +0.618034")
        self.assertLessEqual(max(map(len, text.splitlines())), 90)
        self.assertEqual(self.succeed("gaussian", "--problem", self.folder / "p.json", "--quiet"), "")

    def test_bad_problems(self):
        def refuse(text, says):
            self.bad_input("gaussian", "--problem", self.file("p.json", text), says=says)
        refuse("", "the file is empty")
        refuse("{", "line 1")
        refuse(problem({"type": "gaussian", "mean": [0, 0], "covariance": [[1, 0], [0]]}), "source.covariance[1]")
        refuse(problem({"type": "gaussian", "mean": [0, 0], "covariance": [[1, 2], [2, 1]]}), "source")
        refuse(problem({"type": "gaussian", "mean": [0, 0], "covariance": 1}), "target: its dimension 1")
        refuse(problem({"type": "file", "points": "x.npy"}), "source.type")
        refuse(problem(reference={"type": "brownian", "epsilon": -1}), "reference.epsilon")
        self.bad_input("gaussian", "--problem", self.folder / "missing.json", says="No such file")
        self.bad_input("gaussian", "--problem", self.file("p.json", problem()), "--times", 2, says="--times")
        self.fail_with(1, "gaussian", "--problem", self.folder / "p.json", "--output", "/dev/full", says="No space left")


class Information(support.ProgramTest):
    def test_info(self):
        text = self.succeed("info")
        for word in ("fortet", "Kokkos", "threads", "precision", "vector width", "LEMON", "FFT", "memory"):
            self.assertIn(word, text)
        self.assertRegex(self.succeed("info", "--threads", 1), r"threads +1\n")

    def test_help(self):
        overview = self.succeed("--help")
        names = [line.split()[0] for line in overview.split("Subcommands:\n")[1].splitlines() if line.startswith("  ")]
        self.assertLessEqual({"info", "gaussian"}, set(names))
        for name in names:
            text = self.succeed(name, "--help")
            self.assertIn("Example:\n  fortet " + name, text)
            self.assertLessEqual(max(map(len, text.splitlines())), 80, text)
        self.assertRegex(self.succeed("--version"), r"^\d+\.\d+\.\d+\n$")


if __name__ == "__main__":
    support.main()
