"""fortet sinkhorn: right answers."""

import math
import unittest

import support
from support import random_points, read_npy

try:
    import numpy
except ImportError:
    numpy = None

KEYS = ["solver", "status", "iterations", "seconds", "epsilon", "n", "m", "dimension", "precision", "kernel",
        "marginal_error", "transport_cost", "entropic_cost", "dual_value", "duality_gap", "history"]


class Sinkhorn(support.ProgramTest):
    def solve(self, source, target, *more, output="out", code=0):
        x = source if hasattr(source, "suffix") else self.npy("x.npy", source)
        y = target if hasattr(target, "suffix") else self.npy("y.npy", target)
        folder = self.folder / output
        self.succeed("sinkhorn", "--source", x, "--target", y, "--output", folder, "--quiet", *more, code=code)
        self.assert_no_partial_files()
        return folder, self.report(folder)

    def assert_close(self, a, b, tolerance):
        self.assertEqual(len(a), len(b))
        for p, q in zip(a, b):
            self.assertLessEqual(abs(p - q), tolerance)

    def test_report_and_files(self):
        folder, report = self.solve(random_points(7, 2, 1), random_points(5, 2, 2), "--epsilon", 0.1,
                                    "--certify", "--plan", "--map", "--samples", 3)
        self.assertEqual(list(report), KEYS)
        self.assertEqual((report["solver"], report["status"], report["n"], report["m"], report["dimension"],
                          report["precision"]), ("sinkhorn", "converged", 7, 5, 2, "double"))
        self.assertLessEqual(abs(report["epsilon"] - 0.1), 1e-16)  # sigma = sqrt(epsilon), squared again
        self.assertLessEqual(report["marginal_error"], 1e-9)
        # the feasible plan costs more than the dual allows, by at most what the marginal error moves
        self.assertGreaterEqual(report["duality_gap"], -1e-15)
        self.assertLessEqual(report["duality_gap"], 1e-8)
        for name, shape in [("source_potential", (7,)), ("target_potential", (5,)), ("plan", (7, 5)), ("map", (7, 2)),
                            ("samples", (3, 2, 2))]:
            self.assertEqual(read_npy(folder / f"{name}.npy")[0], shape, name)

    def test_plan_map_and_cost_by_hand(self):
        x, y, eps = random_points(6, 3, 3), random_points(9, 3, 4), 0.05
        a, b = [1, 2, 0, 3, 1, 1], [1] * 8 + [4]
        wa, wb = self.npy("a.npy", [float(v) for v in a]), self.file("b.csv", "weight\n" + "\n".join(map(str, b)))
        # weights of unequal sums are an error: both sum to eight here
        wb = self.npy("b.npy", [8 / 12 * v for v in b])
        folder, report = self.solve(x, y, "--epsilon", eps, "--plan", "--map", "--source-weights", wa,
                                    "--target-weights", wb, "--tolerance", 1e-12)
        (_, f, _), (_, g, _) = (read_npy(folder / f"{s}_potential.npy") for s in ("source", "target"))
        a, b = [v / sum(a) for v in a], [v / sum(b) for v in b]
        cost = [[sum((p - q) ** 2 for p, q in zip(u, v)) / 2 for v in y] for u in x]
        plan = [[a[i] * b[j] * math.exp((f[i] + g[j] - cost[i][j]) / eps) for j in range(9)] for i in range(6)]
        # one rounding of the exponent (|t| < 50 here) and the sums: 1e-13 covers both
        self.assert_close(read_npy(folder / "plan.npy")[1], sum(plan, []), 1e-13)
        self.assert_close([sum(row) for row in plan], a, 1e-12)
        self.assert_close([sum(col) for col in zip(*plan)], b, 1e-12)
        transport = sum(p * c for ps, cs in zip(plan, cost) for p, c in zip(ps, cs))
        kl = sum(p * math.log(p / (a[i] * b[j])) for i, ps in enumerate(plan) for j, p in enumerate(ps) if p > 0)
        self.assertLessEqual(abs(report["transport_cost"] - transport), 1e-11)
        self.assertLessEqual(abs(report["entropic_cost"] - transport - eps * kl), 1e-11)
        self.assertLessEqual(abs(sum(u * v for u, v in zip(f, a)) - sum(u * v for u, v in zip(g, b))), 1e-12)  # gauge
        means = [sum(plan[i][j] * y[j][k] for j in range(9)) / a[i] for i in range(6) if a[i] for k in range(3)]
        shape, values, _ = read_npy(folder / "map.npy")
        self.assert_close([values[3 * i + k] for i in range(6) if a[i] for k in range(3)], means, 1e-11)

    @unittest.skipIf(numpy is None, "no numpy")
    def test_against_numpy(self):
        rng = numpy.random.default_rng(1)
        x, y, eps = rng.normal(size=(120, 4)), 1 + rng.normal(size=(90, 4)), 0.3
        numpy.save(self.folder / "x.npy", numpy.asfortranarray(x))
        numpy.save(self.folder / "y.npy", y.astype(">f8"))
        a, b = rng.random(120), rng.random(90)
        a, b = a / a.sum(), b / b.sum()
        numpy.save(self.folder / "a.npy", a)
        numpy.savetxt(self.folder / "b.csv", b)  # 18 digits
        folder, report = self.solve(self.folder / "x.npy", self.folder / "y.npy", "--epsilon", eps, "--plan",
                                    "--source-weights", self.folder / "a.npy", "--target-weights",
                                    self.folder / "b.csv", "--tolerance", 1e-12)
        cost = ((x[:, None] - y[None]) ** 2).sum(-1) / 2
        # plain log-domain Sinkhorn, far beyond convergence
        def soft_min(m, axis):
            low = m.min(axis, keepdims=True)
            return low.squeeze(axis) - eps * numpy.log(numpy.exp((low - m) / eps).sum(axis))
        f, g = numpy.zeros(120), numpy.zeros(90)
        for _ in range(1000):
            f = soft_min(cost - g - eps * numpy.log(b), 1)
            g = soft_min(cost - (f + eps * numpy.log(a))[:, None], 0)
        shift = (f @ a - g @ b) / 2
        # both stop at marginal errors near 1e-12, which moves potentials by about eps / (1 - contraction) more
        numpy.testing.assert_allclose(numpy.load(folder / "source_potential.npy"), f - shift, atol=1e-10)
        numpy.testing.assert_allclose(numpy.load(folder / "target_potential.npy"), g + shift, atol=1e-10)
        plan = numpy.load(folder / "plan.npy")
        numpy.testing.assert_allclose(plan.sum(1), a, atol=1e-12)
        numpy.testing.assert_allclose(plan.sum(0), b, atol=1e-12)
        self.assertAlmostEqual(report["transport_cost"], (plan * cost).sum(), delta=1e-11)

    def test_sigma_and_horizon(self):
        x, y = random_points(4, 1, 5), random_points(4, 1, 6)
        _, one = self.solve(x, y, "--epsilon", 0.5, output="one")
        _, two = self.solve(x, y, "--sigma", 0.5, "--horizon", 2, output="two")
        self.assertEqual(two["epsilon"], 0.5)
        self.assertLessEqual(abs(one["transport_cost"] - two["transport_cost"]), 1e-12)

    def test_csv_is_as_good(self):
        x, y = random_points(4, 2, 7), random_points(3, 2, 8)
        _, one = self.solve(x, y, "--epsilon", 0.5, output="one")
        text = lambda rows: "u,v\n" + "\n".join(",".join(map(repr, r)) for r in rows) + "\n"
        _, two = self.solve(self.file("x.csv", text(x)), self.file("y.csv", text(y)), "--epsilon", 0.5, output="two")
        self.assertEqual(one["transport_cost"], two["transport_cost"])

    def test_float(self):
        x, y = random_points(40, 3, 9), random_points(30, 3, 10)
        _, exact = self.solve(x, y, "--epsilon", 0.1, output="double")
        folder, report = self.solve(x, y, "--epsilon", 0.1, "--precision", "float", "--tolerance", 1e-5, output="float")
        self.assertTrue(report["precision"].startswith("float"))
        # tolerance times the largest cost, 1.5
        self.assertLessEqual(abs(report["transport_cost"] - exact["transport_cost"]), 2e-5)
        self.assertEqual(read_npy(folder / "source_points.npy")[2], "f")

    def test_the_same_on_one_and_two_threads(self):
        x, y = random_points(300, 3, 11), random_points(200, 3, 12)
        results = []
        for threads in (1, 2):
            folder, _ = self.solve(x, y, "--epsilon", 0.02, "--threads", threads, "--map", "--samples", 50,
                                   output=f"threads{threads}")
            results.append([(folder / f"{name}.npy").read_bytes()
                            for name in ("source_potential", "target_potential", "map", "samples")])
        self.assertEqual(results[0], results[1])

    def test_not_converged(self):
        folder, report = self.solve(random_points(50, 2, 13), random_points(50, 2, 14), "--epsilon", 1e-3,
                                    "--max-iterations", 3, code=3)
        self.assertEqual(report["status"], "iteration_limit")
        self.assertTrue((folder / "source_potential.npy").exists())

    def test_without_output_there_is_a_table(self):
        x, y = self.npy("x.npy", [[0.0]]), self.npy("y.npy", [[2.0]])
        text = self.succeed("sinkhorn", "--source", x, "--target", y, "--epsilon", 1)
        self.assertRegex(text, r"status +converged")
        self.assertRegex(text, r"transport cost +2 ")
        self.assertEqual(self.succeed("sinkhorn", "--source", x, "--target", y, "--epsilon", 1, "--quiet"), "")

    # ---- awkward but right

    def test_one_point(self):
        folder, report = self.solve([[0.0, 0.0]], [[3.0, 4.0]], "--epsilon", 0.1, "--plan", "--map", "--certify")
        # the exponent (f + g - c) / epsilon is a difference of numbers near 125, each rounded
        self.assert_close(read_npy(folder / "plan.npy")[1], [1.0], 125 * 2 ** -52)
        self.assert_close(read_npy(folder / "map.npy")[1], [3.0, 4.0], 1e-14)
        self.assertAlmostEqual(report["transport_cost"], 12.5, delta=1e-13)
        self.assertAlmostEqual(report["duality_gap"], 0, delta=1e-13)

    def test_one_point_against_many(self):
        y = random_points(20, 2, 15)
        _, report = self.solve([[0.5, 0.5]], y, "--epsilon", 0.01)
        mean = sum((u - 0.5) ** 2 + (v - 0.5) ** 2 for u, v in y) / 40
        self.assertAlmostEqual(report["transport_cost"], mean, delta=1e-13)

    def test_all_points_identical(self):
        folder, report = self.solve([[1.0, 2.0]] * 5, [[1.0, 2.0]] * 4, "--epsilon", 1e-3, "--plan")
        self.assertEqual(report["status"], "converged")
        self.assert_close(read_npy(folder / "plan.npy")[1], [1 / 20] * 20, 1e-15)
        self.assertAlmostEqual(report["transport_cost"], 0, delta=1e-15)

    def test_duplicates_are_weights(self):
        y = random_points(6, 2, 16)
        _, twice = self.solve([[0.0, 0.0], [0.0, 0.0], [1.0, 0.5]], y, "--epsilon", 0.1, "--tolerance", 1e-12, output="a")
        weights = self.npy("w.npy", [2 / 3, 1 / 3])
        _, once = self.solve([[0.0, 0.0], [1.0, 0.5]], y, "--epsilon", 0.1, "--source-weights", weights, "--tolerance",
                             1e-12, output="b")
        self.assertAlmostEqual(twice["entropic_cost"], once["entropic_cost"], delta=1e-11)

    def test_far_from_the_origin(self):
        x, y = random_points(20, 2, 17), random_points(25, 2, 18)
        quantum = 2.0 ** -26  # exactly representable beside 1e8
        snap = lambda rows: [[round(v / quantum) * quantum for v in row] for row in rows]
        x, y = snap(x), snap(y)
        _, near = self.solve(x, y, "--epsilon", 0.01, "--tolerance", 1e-11, output="near")
        far = lambda rows: [[v + 1e8 for v in row] for row in rows]
        folder, shifted = self.solve(far(x), far(y), "--epsilon", 0.01, "--tolerance", 1e-11, "--map", output="far")
        self.assertEqual(shifted["status"], "converged")
        # the shifted points are the same to 2^-26, hence costs to 2^-26
        self.assertAlmostEqual(near["transport_cost"], shifted["transport_cost"], delta=1e-9)
        self.assertTrue(all(1e8 <= v <= 1e8 + 1 for v in read_npy(folder / "map.npy")[1]))

    def test_extreme_epsilons(self):
        x, y = [[0.0], [1.0]], [[0.1], [1.1]]
        _, small = self.solve(x, y, "--epsilon", 1e-8, output="small")
        self.assertAlmostEqual(small["transport_cost"], 0.005, delta=1e-9)
        _, large = self.solve(x, y, "--epsilon", 1e8, output="large")
        # the product coupling: mean of .01, 1.21, .81, .01 over two
        self.assertAlmostEqual(large["transport_cost"], 0.255, delta=1e-7)


if __name__ == "__main__":
    support.main()
