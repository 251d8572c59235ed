"""fortet sample: pairs and paths from a saved coupling."""

import shutil

import support
from support import random_points, read_npy


class Sample(support.ProgramTest):
    def setUp(self):
        super().setUp()
        self.x, self.y = random_points(8, 2, 1), random_points(6, 2, 2)
        self.saved = self.folder / "saved"
        self.succeed("sinkhorn", "--source", self.npy("x.npy", self.x), "--target", self.npy("y.npy", self.y), "--sigma",
                     0.5, "--horizon", 2, "--output", self.saved, "--plan", "--samples", 9, "--seed", 4, "--quiet")

    def draw(self, *more, name="draws.npy"):
        path = self.folder / name
        self.assertEqual(self.succeed("sample", "--coupling", self.saved, "--output", path, *more), "")
        self.assert_no_partial_files()
        return read_npy(path)

    def test_pairs_follow_the_plan(self):
        n = 20000
        shape, values, _ = self.draw("--number", n, "--seed", 1)
        self.assertEqual(shape, (n, 2, 2))
        counts = {}
        for i in range(n):
            pair = tuple(values[4 * i:4 * i + 4])
            counts[pair] = counts.get(pair, 0) + 1
        plan = read_npy(self.saved / "plan.npy")[1]
        pairs = {tuple(u + v): plan[6 * i + j] for i, u in enumerate(self.x) for j, v in enumerate(self.y)}
        self.assertLessEqual(set(counts), set(pairs))
        # chi squared over 48 cells has mean 47, deviation 9.7: six deviations
        chi2 = sum((counts.get(pair, 0) - n * p) ** 2 / (n * p) for pair, p in pairs.items())
        self.assertLess(chi2, 47 + 6 * 9.7)

    def test_seeds(self):
        one = self.draw("--number", 50, "--seed", 1)
        self.assertEqual(one, self.draw("--number", 50, "--seed", 1, "--threads", 1))
        self.assertNotEqual(one, self.draw("--number", 50, "--seed", 2))
        # what sinkhorn --samples wrote is what sample draws
        self.assertEqual(self.draw("--number", 9, "--seed", 4), read_npy(self.saved / "samples.npy"))

    def test_paths(self):
        n, steps = 4000, 4
        shape, values, _ = self.draw("--number", n, "--steps", steps)
        self.assertEqual(shape, (n, steps + 1, 2))
        at = lambda i, k: values[(i * (steps + 1) + k) * 2:(i * (steps + 1) + k) * 2 + 2]
        for i in range(n):
            self.assertIn(at(i, 0), self.x)
            self.assertIn(at(i, steps), self.y)
        # half way, X - (X0 + X_T) / 2 ~ N(0, sigma^2 T / 4) = N(0, 1/8) in each coordinate
        middle = [m - (a + b) / 2 for i in range(n) for m, a, b in zip(at(i, 2), at(i, 0), at(i, steps))]
        variance = sum(v * v for v in middle) / len(middle)
        self.assertLess(abs(variance - 0.125), 5 * 0.125 * (2 / len(middle)) ** 0.5)

    def test_csv(self):
        text = self.succeed("sample", "--coupling", self.saved, "--number", 2)
        self.assertEqual(text.splitlines()[0], "x1,x2,y1,y2")
        shape, values, _ = self.draw("--number", 2)
        self.assertEqual([float(v) for line in text.splitlines()[1:] for v in line.split(",")], values)
        path = self.folder / "paths.csv"
        self.succeed("sample", "--coupling", self.saved, "--number", 2, "--steps", 4, "--output", path)
        lines = path.read_text().splitlines()
        self.assertEqual(lines[0], "path,time,x1,x2")
        self.assertEqual([line.split(",")[:2] for line in lines[1:]],
                         [[str(i), t] for i in range(2) for t in ("0", "0.5", "1", "1.5", "2")])

    def test_float_and_weights(self):
        w = self.npy("w.npy", [1.0, 0.0, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0])
        v = self.npy("v.npy", [8 / 6] * 6)
        self.succeed("sinkhorn", "--source", self.folder / "x.npy", "--target", self.folder / "y.npy", "--epsilon", 0.1,
                     "--precision", "float", "--tolerance", 1e-5, "--source-weights", w, "--target-weights", v,
                     "--output", self.saved, "--quiet")
        shape, values, kind = self.draw("--number", 500)
        self.assertEqual(kind, "f")
        drawn = {tuple(values[4 * i:4 * i + 2]) for i in range(500)}
        self.assertEqual(len(drawn), 7)  # all but the atom without weight

    def test_bad_couplings(self):
        def refuse(says, code=2):
            self.bad_input("sample", "--coupling", self.saved, "--number", 1, says=says)
        self.bad_input("sample", "--coupling", self.folder / "nowhere", "--number", 1, says="No such file")
        self.bad_input("sample", "--coupling", self.saved, "--number", 0, says="--number")
        description = (self.saved / "coupling.json").read_text()
        (self.saved / "coupling.json").write_text(description.replace("brownian", "levy"))
        refuse("reference.type")
        (self.saved / "coupling.json").write_text(description.replace('"double"', '"half"'))
        refuse("precision: expected double or float")
        (self.saved / "coupling.json").write_text(description)
        shutil.copy(self.saved / "source_potential.npy", self.saved / "target_potential.npy")
        refuse("8")  # potentials for six atoms
        (self.saved / "target_potential.npy").unlink()
        refuse(["target_potential.npy", "No such file"])


if __name__ == "__main__":
    support.main()
