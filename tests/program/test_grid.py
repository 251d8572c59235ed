"""fortet grid: right answers and bad input."""

import math
import unittest

import support
from support import read_npy

CONTRACT = ["solver", "status", "iterations", "seconds", "epsilon", "n", "m", "dimension", "precision", "kernel",
            "marginal_error", "transport_cost", "entropic_cost", "dual_value", "duality_gap", "history"]


def nodes(lower, upper, n):
    return [lower + (upper - lower) * (i + 0.5) / n for i in range(n)]


def normal(x, mean, variance):
    return [math.exp(-0.5 * (v - mean) ** 2 / variance) for v in x]


class Grid(support.ProgramTest):
    def solve(self, source, target, *more, output="out", code=0):
        x = source if hasattr(source, "suffix") else self.npy("a.npy", source)
        y = target if hasattr(target, "suffix") else self.npy("b.npy", target)
        folder = self.folder / output
        self.succeed("grid", "--source", x, "--target", y, "--output", folder, "--quiet", *more, code=code)
        self.assert_no_partial_files()
        return folder, self.report(folder)

    def moments(self, folder, x, k):
        shape, values, _ = read_npy(folder / "slices.npy")
        p = values[k * shape[1]:(k + 1) * shape[1]]
        h = x[1] - x[0]
        mass = sum(p) * h
        mean = sum(a * b for a, b in zip(p, x)) * h / mass
        return mass, mean, sum(a * (b - mean) ** 2 for a, b in zip(p, x)) * h / mass

    def test_between_gaussians(self):
        x, eps, s0, s1, m0, m1 = nodes(-9, 9, 240), 0.6, 0.8, 1.3, -0.7, 0.9
        folder, report = self.solve(normal(x, m0, s0), normal(x, m1, s1), "--lower", -9, "--upper", 9, "--epsilon", eps,
                                    "--tolerance", 1e-12, "--slices", 4)
        self.assertEqual(list(report), CONTRACT)
        self.assertEqual((report["solver"], report["status"], report["n"], report["dimension"]),
                         ("grid_ipf", "converged", 240, 1))
        d = math.sqrt(4 * s0 * s1 + eps * eps)
        cost = 0.5 * (m0 - m1) ** 2 + 0.5 * (s0 + s1 - d + eps) + 0.5 * eps * math.log((d + eps) / (2 * eps))
        self.assertAlmostEqual(report["entropic_cost"], cost, delta=1e-10)
        self.assertEqual(read_npy(folder / "times.npy")[1], [0, 0.25, 0.5, 0.75, 1])
        c = (d - eps) / 2
        for k in range(5):
            t = k / 4
            mass, mean, variance = self.moments(folder, x, k)
            self.assertAlmostEqual(mass, 1, delta=1e-9)
            self.assertAlmostEqual(mean, (1 - t) * m0 + t * m1, delta=1e-9)
            self.assertAlmostEqual(variance, (1 - t) ** 2 * s0 + t ** 2 * s1 + t * (1 - t) * (2 * c + eps), delta=1e-9)
        # lines below each other, one for each time
        self.assertTrue((folder / "filmstrip.pgm").read_bytes().startswith(b"P5\n240 5\n255\n"))
        f, g = read_npy(folder / "source_potential.npy"), read_npy(folder / "target_potential.npy")
        self.assertEqual((f[0], g[0]), ((240,), (240,)))

    def test_a_picture_and_an_array(self):
        picture = self.file("a.pgm", "P2 3 4 9\n" + "1 2 3 4 5 6 7 8 9 0 1 2\n")
        folder, report = self.solve(picture, [[1.0] * 3] * 4, "--lower", 0, 0, "--upper", 4, 3, "--epsilon", 4,
                                    "--boundary", "reflecting", "--slices", 2)
        self.assertEqual((report["dimension"], report["n"], report["transport_cost"]), (2, 12, None))
        shape, values, _ = read_npy(folder / "slices.npy")
        self.assertEqual(shape, (3, 4, 3))
        for value, level in zip(values, [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2]):
            self.assertAlmostEqual(value, level / 48, delta=1e-15)  # cells of area one
        self.assertAlmostEqual(sum(values[12:24]), 1, delta=1e-9)  # walls keep the mass
        # three pictures of 4 x 3 side by side
        self.assertTrue((folder / "filmstrip.pgm").read_bytes().startswith(b"P5\n9 4\n255\n"))

    def test_ornstein_uhlenbeck_and_the_same_as_a_drift(self):
        n, rate = 160, 0.7
        x = nodes(-7, 7, n)
        a, b = normal(x, -0.5, 0.5), normal(x, 0.8, 0.6)
        box = ["--lower", -7, "--upper", 7, "--sigma", 0.9, "--horizon", 1.5, "--slices", 2]
        one, _ = self.solve(a, b, *box, "--rate", rate, output="one")
        drift = self.npy("drift.npy", [[-rate * v] for v in x])
        two, report = self.solve(a, b, *box, "--drift", drift, "--steps", 100, output="two")
        self.assertIn("100 second-order steps", report["kernel"])
        # second order in a spacing of .09
        for p, q in zip(self.moments(one, x, 1), self.moments(two, x, 1)):
            self.assertAlmostEqual(p, q, delta=2e-3)
        killing = self.npy("rate.npy", [0.3] * n)
        three, _ = self.solve(a, b, *box, "--drift", drift, "--killing", killing, "--steps", 100, output="three")
        # a constant rate changes nothing but the mass of the reference
        for p, q in zip(self.moments(two, x, 1), self.moments(three, x, 1)):
            self.assertAlmostEqual(p, q, delta=1e-9)
        # the target on cells four times as wide: second order in .35, and every slice on the chain's grid
        coarse = normal(nodes(-7, 7, n // 4), 0.8, 0.6)
        four, _ = self.solve(a, coarse, *box, "--drift", drift, "--steps", 100, output="four")
        for k in (0, 1, 2):
            for p, q in zip(self.moments(two, x, k), self.moments(four, x, k)):
                self.assertAlmostEqual(p, q, delta=2e-2)

    def test_disjoint_supports(self):
        a = [1.0] * 10 + [0.0] * 90
        _, report = self.solve(a, a[::-1], "--lower", 0, "--upper", 10, "--epsilon", 0.1)
        self.assertEqual(report["status"], "converged")

    def test_different_numbers_of_nodes(self):
        a, b = normal(nodes(-6, 6, 100), 0, 0.5), normal(nodes(-6, 6, 130), 0, 0.5)
        folder, report = self.solve(a, b, "--lower", -6, "--upper", 6, "--epsilon", 0.5, "--slices", 2)
        self.assertEqual((report["n"], report["m"]), (100, 130))

    def test_threads_float_and_kernels(self):
        x = nodes(-6, 6, 90)
        a, b = normal(x, -1, 0.4), normal(x, 1, 0.3)
        box = ["--lower", -6, "--upper", 6, "--epsilon", 0.3]
        costs = [self.solve(a, b, *box, *more)[1]["entropic_cost"]
                 for more in ([], ["--threads", 1], ["--kernel", "tilted"], ["--kernel", "direct"],
                              ["--precision", "float"])]
        self.assertEqual(costs[0], costs[1])
        for cost in costs:
            self.assertAlmostEqual(cost, costs[0], delta=1e-8)

    def test_mass_that_leaves_the_box_is_refused(self):
        x, box = nodes(0, 1, 60), ["--lower", 0, "--upper", 1, "--epsilon", 0.3]
        a, b = self.npy("a.npy", normal(x, 0.3, 0.01)), self.npy("b.npy", normal(x, 0.7, 0.01))
        pair = ["--source", a, "--target", b]
        # half-way the bridge is about N(0.5, 0.3 / 4): beyond the walls with P(|Z| > 1.8) = 0.07
        self.bad_input("grid", *pair, *box, says=["mass outside the box half-way 0.0", "above --largest-loss 0.001", "--boundary"])
        folder, report = self.solve(a, b, *box, "--largest-loss", 0.2, "--slices", 2)
        mass, _, variance = self.moments(folder, x, 1)
        self.assertIn("mass outside the box half-way %.2g" % (1 - mass), report["kernel"])
        self.assertTrue(0.01 < 1 - mass < 0.2)
        self.solve(a, b, *box, "--boundary", "reflecting")
        # a drift's chain ends in walls: contact with them instead
        drift = self.npy("drift.npy", [[0.0]] * 60)
        self.bad_input("grid", *pair, *box, "--drift", drift, says=["wall contact = ", "make the axis reflecting"])
        self.solve(a, b, *box, "--drift", drift, "--largest-loss", 10)

    def test_not_converged(self):
        x = nodes(0, 1, 50)
        _, report = self.solve(normal(x, 0.2, 0.01), normal(x, 0.8, 0.01), "--lower", 0, "--upper", 1, "--epsilon", 1e-3,
                               "--max-iterations", 2, code=3)
        self.assertEqual(report["status"], "iteration_limit")

    def test_bad_input(self):
        good = self.npy("good.npy", [1.0, 2.0, 3.0])
        line = ["--lower", 0, "--upper", 1]

        def bad(source, target, *more, says):
            self.bad_input("grid", "--source", source, "--target", target, *more, says=says)

        bad(self.npy("one.npy", [1.0]), good, *line, "--epsilon", 1, says=["one.npy", "nodes = 1"])
        bad(good, self.npy("zero.npy", [0.0] * 3), *line, "--epsilon", 1, says=["zero.npy", "some mass"])
        bad(good, self.npy("minus.npy", [1.0, -1.0, 1.0]), *line, "--epsilon", 1, says=["minus.npy", "density[1] = -1"])
        bad(good, self.npy("nan.npy", [1.0, math.nan, 1.0]), *line, "--epsilon", 1, says="density[1]")
        bad(good, self.npy("square.npy", [[1.0, 1.0]] * 2), *line, "--epsilon", 1, says=["square.npy", "lower.size() = 1"])
        bad(good, self.folder / "missing.npy", *line, "--epsilon", 1, says="missing.npy")
        bad(good, good, "--lower", 1, "--upper", 0, "--epsilon", 1, says="upper")
        bad(good, good, *line, says="--epsilon")
        bad(good, good, *line, "--epsilon", -1, says="--epsilon = -1")
        bad(good, good, *line, "--epsilon", 1, "--rate", 1, says="--rate")
        bad(good, good, *line, "--epsilon", 1, "--mean", 1, says="--mean belongs to --rate")
        bad(good, good, *line, "--epsilon", 1, "--kernel", "spectral", says="expected periodic or reflecting")
        bad(good, good, *line, "--epsilon", 1, "--boundary", "free", "free", says="boundary.size() = 2")
        drift = self.npy("drift.npy", [[1.0], [math.nan], [1.0]])
        bad(good, good, *line, "--epsilon", 1, "--drift", drift, says=["drift.npy", "nan"])
        bad(good, good, *line, "--epsilon", 1, "--drift", good, says=["good.npy", "expected an array (3, 1)"])
        other = self.npy("other.npy", [1.0] * 4)
        bad(good, other, *line, "--epsilon", 1, "--killing", self.npy("v.npy", [0.0] * 3), says="resample()")


if __name__ == "__main__":
    support.main()
