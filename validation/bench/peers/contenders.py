"""Fortet and its peers behind one interface.

    solve(problem, tolerance)   seconds and potentials (f, g) of the plan a_i b_j exp((f_i + g_j - c_ij) / epsilon)
    iteration(problem)          seconds of a full iteration: both sides once
    transport(problem, ...)     seconds and a transport cost without entropy

Cost matrices are built inside the timed part; imports, compilation and the first call are not. A contender lives in a
process of its own (worker.py), which is the only place that imports its package.
"""

import functools
import json
import os
import subprocess
import tempfile
import threading
import time

import numpy as np

MOST_ITERATIONS = 100_000


class Contender:
    version = ""

    def warm_up(self, problem, tolerance):
        """Compiles what depends on shapes, at an epsilon where little is to be done."""

    def iteration(self, problem):
        """From two runs of fixed lengths, so that what happens once drops out of the difference, and stays below it."""
        _, short = self.iterate(problem, 2)
        more, long = 5, 0
        while long < 2 * short and more < 500:
            more *= 4
            _, long = self.iterate(problem, 2 + more)
        return (long - short) / more

    def iterate(self, problem, count):
        raise NotImplementedError("no fixed number of iterations")

    def peak_bytes(self):
        """Largest resident size so far."""
        return resident_peak("self")


def resident_peak(process):
    with open(f"/proc/{process}/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))


def timed(call):
    start = time.perf_counter()
    answer = call()
    return answer, time.perf_counter() - start


class Fortet(Contender):
    """The program; seconds are those of its report, which count everything but files."""

    def __init__(self, program, entries_in_double=False):
        self.program, self.entries_in_double, self.peak = program, entries_in_double, 0
        self.version = subprocess.run([program, "--version"], capture_output=True, text=True).stdout.strip()

    def run(self, problem, tolerance, *options):
        with tempfile.TemporaryDirectory() as folder:
            for name in "xyab":
                np.save(f"{folder}/{name}.npy", getattr(problem, name))
            process = subprocess.Popen(
                [self.program, "sinkhorn", "--source", f"{folder}/x.npy", "--target", f"{folder}/y.npy",
                 "--source-weights", f"{folder}/a.npy", "--target-weights", f"{folder}/b.npy", "--epsilon",
                 repr(problem.epsilon), "--tolerance", str(tolerance), "--precision",
                 "float" if problem.x.dtype == np.float32 else "double", "--quiet", "--output", f"{folder}/out",
                 *options], stderr=subprocess.DEVNULL)
            watch = threading.Thread(target=self.watch, args=(process,))
            watch.start()
            process.wait()
            watch.join()
            report = json.load(open(f"{folder}/out/report.json"))
            potentials = [np.load(f"{folder}/out/{side}_potential.npy") for side in ("source", "target")]
        return report, potentials

    def watch(self, process):
        while process.poll() is None:
            try:
                self.peak = max(self.peak, resident_peak(process.pid))
            except (OSError, StopIteration):  # between its end and our hearing of it
                pass
            time.sleep(0.01)

    def solve(self, problem, tolerance):
        report, (f, g) = self.run(problem, tolerance)
        return report["seconds"], f, g

    def iteration(self, problem):
        """Slope of the history of solves at the last epsilon: to 1e-6, as they are by default, or below the error from
        which on entries are kept in double. The lower quartile, for some stretches hold a check or entries written."""
        tolerance, begin = (1e-11, 4e-7) if self.entries_in_double else (1e-6, 0.1)
        slopes = []
        for _ in range(5):
            report, _ = self.run(problem, tolerance)
            history = [h for h in report["history"]
                       if h["epsilon"] == report["epsilon"] and h["marginal_error"] < begin]
            slopes += [(q["seconds"] - p["seconds"]) / (q["iteration"] - p["iteration"])
                       for p, q in zip(history, history[1:]) if q["iteration"] >= p["iteration"] + 5]
            if len(slopes) > 9:
                break
        if not slopes:
            raise RuntimeError("converges at once")
        return float(np.quantile(slopes, 0.25))

    def transport(self, problem, tolerance):
        report, _ = self.run(problem, tolerance, "--certify")
        return report["seconds"], report["transport_cost"]

    def peak_bytes(self):
        return self.peak


class Pot(Contender):
    def __init__(self, method, backend="numpy"):
        import ot

        self.ot, self.method, self.array = ot, method, np.asarray
        self.version = ot.__version__
        if backend == "torch":
            import torch

            self.array = torch.from_numpy
            self.version += f", torch {torch.__version__}"

    def run(self, problem, threshold, iterations):
        x, y, a, b = (self.array(getattr(problem, name)) for name in "xyab")
        return timed(lambda: self.ot.sinkhorn(a, b, self.ot.dist(x, y) / 2, problem.epsilon, method=self.method,
                                              numItermax=iterations, stopThr=threshold, log=True, warn=False)[1])

    def iterate(self, problem, count):
        return self.run(problem, 0, count)

    def solve(self, problem, tolerance):
        # POT stops on an L2 norm, and its plan has no weights in front
        log, seconds = self.run(problem, tolerance / len(problem.b) ** 0.5, MOST_ITERATIONS)
        if self.method == "sinkhorn_stabilized":
            f, g = log["alpha"], log["beta"]
        elif self.method == "sinkhorn_log":
            f, g = (problem.epsilon * np.asarray(log[name]) for name in ("log_u", "log_v"))
        else:
            f, g = (problem.epsilon * np.log(log[name]) for name in "uv")
        return seconds, *without_weights(problem, f, g)


def without_weights(problem, f, g):
    """Potentials of exp((f + g - c) / epsilon) to those of a b exp((f + g - c) / epsilon)."""
    return (np.asarray(f).ravel() - problem.epsilon * np.log(problem.a),
            np.asarray(g).ravel() - problem.epsilon * np.log(problem.b))


class PotExact(Contender):
    def __init__(self):
        import ot

        self.ot, self.version = ot, ot.__version__

    def transport(self, problem, tolerance):
        cost, seconds = timed(lambda: self.ot.emd2(problem.a, problem.b, self.ot.dist(problem.x, problem.y) / 2,
                                                   numItermax=100_000_000))
        return seconds, float(cost)


class Ott(Contender):
    def __init__(self, scheduled=False, batch=None, **acceleration):
        import jax
        import ott
        from ott.geometry import costs, epsilon_scheduler, pointcloud
        from ott.problems.linear import linear_problem
        from ott.solvers.linear import acceleration as ways
        from ott.solvers.linear import sinkhorn

        jax.config.update("jax_enable_x64", True)
        self.wait = jax.block_until_ready
        self.version = f"{ott.__version__}, JAX {jax.__version__}"
        options = {}
        if "momentum" in acceleration:
            options["momentum"] = ways.Momentum(value=acceleration["momentum"])
        if "start" in acceleration:
            options["momentum"] = ways.Momentum(start=acceleration["start"], inner_iterations=10)
        if "memory" in acceleration:
            options["anderson"] = ways.AndersonAcceleration(memory=acceleration["memory"])

        def run(x, y, a, b, epsilon, threshold):
            # its cost is |x - y|^2, so twice epsilon
            strength = epsilon_scheduler.Epsilon(2 * epsilon, init=100.0, decay=0.95) if scheduled else 2 * epsilon
            geometry = pointcloud.PointCloud(x, y, cost_fn=costs.SqEuclidean(), epsilon=strength,
                                              batch_size=batch and min(batch, len(x)))
            solver = sinkhorn.Sinkhorn(threshold=threshold, max_iterations=MOST_ITERATIONS, **options)
            answer = solver(linear_problem.LinearProblem(geometry, a, b))
            return answer.f, answer.g, answer.n_iters

        self.run = jax.jit(run)

    def call(self, p, threshold):
        real = p.x.dtype.type
        return timed(lambda: self.wait(self.run(p.x, p.y, p.a, p.b, real(p.epsilon), real(threshold))))

    def warm_up(self, problem, tolerance):
        self.call(problem.with_epsilon(1000 * problem.epsilon), 1.0)

    def solve(self, problem, tolerance):
        (f, g, _), seconds = self.call(problem, tolerance)
        return seconds, *without_weights(problem, np.asarray(f) / 2, np.asarray(g) / 2)

    def iteration(self, problem):
        """It checks every ten iterations, and cannot be stopped at a number of them: two thresholds."""
        def steady(threshold):
            answers = [self.call(problem, threshold)]
            while len(answers) < 9 and sum(seconds for _, seconds in answers) < 0.3:
                answers.append(self.call(problem, threshold))
            return int(answers[0][0][2]), float(np.median([seconds for _, seconds in answers]))

        few, short = steady(1.0)
        for threshold in (1e-3, 1e-4, 1e-5):
            many, long = steady(threshold)
            if many > few:
                return (long - short) / (many - few)
        raise RuntimeError("converges at once")


class GeomLoss(Contender):
    def __init__(self):
        import importlib.metadata

        import geomloss
        import torch

        self.torch, self.loss = torch, geomloss.SamplesLoss
        self.version = f"{importlib.metadata.version('geomloss')}, torch {torch.__version__}"

    def solve(self, problem, tolerance):
        x, y, a, b = (self.torch.from_numpy(getattr(problem, name)) for name in "xyab")
        loss = self.loss("sinkhorn", p=2, blur=problem.epsilon**0.5, scaling=0.9, debias=False, potentials=True,
                         backend="tensorized")
        (f, g), seconds = timed(lambda: loss(a, x, b, y))
        return seconds, f.numpy().ravel(), g.numpy().ravel()


class KeOps(Contender):
    """A reduction is half of an iteration. `native`: compiled for this processor, in a cache of its own."""

    def __init__(self, native=False):
        if native:
            self.cache = tempfile.TemporaryDirectory()
            os.environ |= {"CXXFLAGS": "-march=native", "KEOPS_CACHE_FOLDER": self.cache.name}
        import pykeops
        import torch
        from pykeops.torch import LazyTensor

        self.torch, self.lazy = torch, LazyTensor
        self.version = f"{pykeops.__version__}, torch {torch.__version__}"

    def warm_up(self, problem, tolerance):
        self.iterate(problem, 1)

    def iteration(self, problem):
        _, once = self.iterate(problem, 1)
        more = int(np.clip(0.3 / once, 1, 500))
        return self.iterate(problem, more)[1] / more

    def iterate(self, problem, count):
        x, y, a, b = (self.torch.from_numpy(getattr(problem, name)) for name in "xyab")
        f, g = self.torch.zeros_like(a)[:, None], self.torch.zeros_like(b)[:, None]
        x_i, x_j, y_i, y_j = self.lazy(x[:, None]), self.lazy(x[None]), self.lazy(y[:, None]), self.lazy(y[None])

        def half(points, others, potential, weights):
            exponent = (self.lazy((potential + weights.log()[:, None] * problem.epsilon)[None])
                        - ((points - others) ** 2).sum(-1) / 2) / problem.epsilon
            return -problem.epsilon * exponent.logsumexp(1)

        def run(f, g):
            for _ in range(count):
                f = half(x_i, y_j, g, b)
                g = half(y_i, x_j, f, a)
            return f, g

        return timed(lambda: run(f, g))


class RegOt(Contender):
    def __init__(self, method):
        import importlib.metadata

        import regot

        self.method = getattr(regot, f"sinkhorn_{method}")
        self.version = importlib.metadata.version("regot")

    def run(self, p, threshold, iterations):
        return timed(lambda: self.method(np.asfortranarray(p.cost()), p.a, p.b, p.epsilon, tol=threshold,
                                         max_iter=iterations))

    def iterate(self, problem, count):
        return self.run(problem, 0, count)

    def solve(self, problem, tolerance):
        answer, seconds = self.run(problem, tolerance / len(problem.b) ** 0.5, MOST_ITERATIONS)
        dual = np.append(answer.dual.ravel(), 0.0)  # the last is fixed
        return seconds, *without_weights(problem, dual[: len(problem.a)], dual[len(problem.a):])


CONTENDERS = {
    "POT plain": functools.partial(Pot, "sinkhorn"),
    "POT log": functools.partial(Pot, "sinkhorn_log"),
    "POT stabilised": functools.partial(Pot, "sinkhorn_stabilized"),
    "POT log torch": functools.partial(Pot, "sinkhorn_log", "torch"),
    "OTT default": Ott,
    "OTT momentum 1.5": functools.partial(Ott, momentum=1.5),
    "OTT momentum 1.8": functools.partial(Ott, momentum=1.8),
    "OTT Lehmann": functools.partial(Ott, start=50),
    "OTT Anderson": functools.partial(Ott, memory=5),
    "OTT schedule": functools.partial(Ott, scheduled=True),
    "OTT online": functools.partial(Ott, batch=1000),
    "GeomLoss": GeomLoss,
    "KeOps": KeOps,
    "KeOps native": functools.partial(KeOps, native=True),
    "RegOT bcd": functools.partial(RegOt, "bcd"),
    "RegOT splr": functools.partial(RegOt, "splr"),
    "RegOT ssns": functools.partial(RegOt, "ssns"),
    "RegOT lbfgs": functools.partial(RegOt, "lbfgs_dual"),
    "exact emd": PotExact,
}
FOR_ITERATIONS = ("POT plain", "POT log", "POT stabilised", "POT log torch", "OTT default", "OTT online", "KeOps",
                  "KeOps native", "RegOT bcd")
FOR_SOLUTIONS = tuple(name for name in CONTENDERS if name not in ("KeOps", "KeOps native", "exact emd"))


def make_contender(name, program):
    if name.startswith("fortet"):
        return Fortet(program, entries_in_double=name != "fortet")
    return CONTENDERS[name]()
