"""Time to solution of Sinkhorn beside its peers, on the same points, in one run.

    python peers_sinkhorn.py PATH/TO/fortet [--quick] [--tolerance 1e-6]

Needs numpy; POT, OTT-JAX (with JAX) and GeomLoss (with PyTorch) are timed where they are installed. Five data sets with
random weights, epsilon relative to the mean cost. Each contender runs in double from scratch until it says that it has
converged, at most a hundred seconds; the L1 marginal error of what it returns is recomputed by one piece of numpy in
double, and an answer above ten times the tolerance counts as wrong. Seconds are medians of three interleaved runs (one
where a run takes over ten seconds), compilation and the first call left out, building of cost matrices included.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

for trap in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "OMP_NUM_THREADS", "OMP_PROC_BIND", "XLA_FLAGS"):
    os.environ.pop(trap, None)

import numpy as np

QUICK = "--quick" in sys.argv
TOLERANCE = float(sys.argv[sys.argv.index("--tolerance") + 1]) if "--tolerance" in sys.argv else 1e-6


def clouds(name, n, seed=1):
    rng = np.random.default_rng(seed)
    kind, d = name.split("-d")
    d = int(d)

    def points():
        if kind == "normal":
            return rng.standard_normal((n, d))
        if kind == "uniform":
            return rng.random((n, d))
        centres = rng.random((10, d))
        return centres[rng.integers(10, size=n)] + 0.03 * rng.standard_normal((n, d))

    def weights():
        w = rng.random(n) + 0.05
        return w / w.sum()

    return points(), points(), weights(), weights()


def mean_cost(x, y, a, b):
    squares = a @ (x**2).sum(1) + b @ (y**2).sum(1)
    return 0.5 * squares - (a @ x) @ (b @ y)


def marginal_error(x, y, a, b, epsilon, f, g):
    """L1, larger of both sides, of a_i b_j exp((f_i + g_j - c_ij) / epsilon), in slabs."""
    columns, rows = np.zeros(len(b)), np.zeros(len(a))
    for first in range(0, len(a), 1000):
        part = slice(first, first + 1000)
        cost = 0.5 * (x[part] ** 2).sum(1)[:, None] + 0.5 * (y**2).sum(1) - x[part] @ y.T
        plan = a[part, None] * b * np.exp((f[part, None] + g - cost) / epsilon)
        rows[part] = plan.sum(1)
        columns += plan.sum(0)
    return max(np.abs(rows - a).sum(), np.abs(columns - b).sum())


class Fortet:
    def __init__(self, program):
        self.program, self.name = program, "fortet"

    def solve(self, x, y, a, b, epsilon):
        with tempfile.TemporaryDirectory() as folder:
            for name, value in dict(x=x, y=y, a=a, b=b).items():
                np.save(f"{folder}/{name}.npy", value)
            subprocess.run([self.program, "sinkhorn", "--source", f"{folder}/x.npy", "--target", f"{folder}/y.npy",
                            "--source-weights", f"{folder}/a.npy", "--target-weights", f"{folder}/b.npy", "--epsilon",
                            repr(float(epsilon)), "--tolerance", str(TOLERANCE), "--quiet", "--output", f"{folder}/out"],
                           check=False, stderr=subprocess.DEVNULL)
            report = json.load(open(f"{folder}/out/report.json"))
            f, g = (np.load(f"{folder}/out/{side}_potential.npy") for side in ("source", "target"))
        return report["seconds"], f, g


class Pot:
    def __init__(self):
        import ot

        self.ot, self.name = ot, f"POT {ot.__version__} log"

    def solve(self, x, y, a, b, epsilon):
        if len(a) > 2000:
            return None
        start = time.perf_counter()
        cost = 0.5 * self.ot.dist(x, y)
        # POT stops on an L2 norm
        _, log = self.ot.sinkhorn(a, b, cost, epsilon, method="sinkhorn_log", numItermax=20000,
                                  stopThr=TOLERANCE / len(b) ** 0.5, log=True, warn=False)
        seconds = time.perf_counter() - start
        # POT's plan has no weights in front
        return seconds, epsilon * (log["log_u"] - np.log(a)), epsilon * (log["log_v"] - np.log(b))


class Ott:
    def __init__(self, momentum):
        import jax
        import ott

        jax.config.update("jax_enable_x64", True)
        self.jax, self.momentum = jax, momentum
        self.name = f"OTT {ott.__version__} " + (f"momentum {momentum}" if momentum else "default")
        from ott.geometry import pointcloud, costs
        from ott.problems.linear import linear_problem
        from ott.solvers.linear import acceleration, sinkhorn

        def run(x, y, a, b, epsilon):
            geometry = pointcloud.PointCloud(x, y, cost_fn=costs.SqEuclidean(), epsilon=2 * epsilon)
            solver = sinkhorn.Sinkhorn(threshold=TOLERANCE, max_iterations=20000, norm_error=1,
                                       momentum=acceleration.Momentum(value=momentum) if momentum else None)
            out = solver(linear_problem.LinearProblem(geometry, a, b))
            return out.f, out.g

        self.run = jax.jit(run)
        self.compiled = set()

    def solve(self, x, y, a, b, epsilon):
        if x.shape not in self.compiled:
            self.compiled.add(x.shape)
            self.jax.block_until_ready(self.run(x, y, a, b, 10.0 * mean_cost(x, y, a, b)))
        start = time.perf_counter()
        f, g = self.jax.block_until_ready(self.run(x, y, a, b, epsilon))
        seconds = time.perf_counter() - start
        # cost |x - y|^2 at twice epsilon; OTT's plan has no weights in front
        return seconds, np.asarray(f) / 2 - epsilon * np.log(a), np.asarray(g) / 2 - epsilon * np.log(b)


class GeomLoss:
    def __init__(self):
        import geomloss
        import torch

        self.torch, self.name = torch, f"GeomLoss {getattr(geomloss, '__version__', '')}"
        self.loss = geomloss.SamplesLoss

    def solve(self, x, y, a, b, epsilon):
        x, y, a, b = (self.torch.from_numpy(v) for v in (x, y, a, b))
        start = time.perf_counter()
        loss = self.loss("sinkhorn", p=2, blur=epsilon**0.5, scaling=0.9, debias=False, potentials=True,
                         backend="tensorized")
        f, g = loss(a, x, b, y)
        return time.perf_counter() - start, f.numpy().ravel(), g.numpy().ravel()


def contenders(program):
    yield Fortet(program)
    for make in (Pot, lambda: Ott(None), lambda: Ott(1.5), GeomLoss):
        try:
            yield make()
        except ImportError as missing:
            print(f"skipped: {missing}")


def program():
    found = next((v for v in sys.argv[1:] if os.access(v, os.X_OK) and os.path.isfile(v)), None)
    return found or sys.exit(sys.modules["__main__"].__doc__)


def race(everyone, label, problem, error_of):
    """Medians of three interleaved runs of each contender's solve(*problem), which returns seconds, what error_of takes
    and whatever else is to be printed."""
    times, errors, notes, done = {}, {}, {}, set()
    for _ in range(3):
        for one in everyone:
            if one.name in done:
                continue
            answer = one.solve(*problem)
            if answer is None:
                done.add(one.name)
                continue
            times.setdefault(one.name, []).append(answer[0])
            errors[one.name] = error_of(*problem, *answer[1:3])
            notes[one.name] = "".join(answer[3:])
            if answer[0] > 10:
                done.add(one.name)
    base = statistics.median(times["fortet"])
    for who, values in times.items():
        seconds = statistics.median(values)
        verdict = "" if errors[who] <= 10 * TOLERANCE else "  wrong"
        print(f"{label}  {who:<22} {seconds:>9.4f} {errors[who]:>9.1e} {seconds / base:>8.1f}x{notes[who]}{verdict}",
              flush=True)


def main():
    everyone = list(contenders(program()))
    print(f"tolerance {TOLERANCE:g}, double, {os.cpu_count()} cores, numpy {np.__version__}")
    print(f"{'data':<14} {'n':>6} {'epsilon':>8}  {'contender':<22} {'seconds':>9} {'error':>9} {'/ fortet':>9}")
    for name in ("normal-d2", "uniform-d3", "clusters-d3", "normal-d32", "normal-d64"):
        for n in (1000,) if QUICK else (1000, 4000):
            x, y, a, b = clouds(name, n)
            for relative in (1e-2,) if QUICK else (1e-2, 1e-3):
                epsilon = relative * mean_cost(x, y, a, b)
                race(everyone, f"{name:<14} {n:>6} {relative:>8.0e}", (x, y, a, b, epsilon), marginal_error)


if __name__ == "__main__":
    main()
