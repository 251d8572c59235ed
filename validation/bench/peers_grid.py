"""Time to solution of grid IPF beside its peers, between the same densities on the same grids, in one run.

    python peers_grid.py PATH/TO/fortet [--quick] [--tolerance 1e-6]

Needs numpy; OTT-JAX (its Grid geometry, with JAX) and POT are timed where they are installed. POT has barycentres of
images but no transport between two, so its row is a plain Sinkhorn loop around POT's own convolution of images, in the
log domain and out of it. Three bumps on a floor of 1e-6 in the unit box. Each contender runs in double from scratch
until it says that it has converged; the L1 marginal error of what it returns is recomputed by one piece of numpy in
double, and an answer above ten times the tolerance counts as wrong. Seconds are medians of three interleaved runs (one
where a run takes over ten seconds), compilation and the first call left out. Beside them the iterations (Fortet's: those
on coarser grids included) and milliseconds an iteration (Fortet's: on the finest grid).
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

LIMIT = 5000  # iterations


def nodes(n):
    return np.linspace(0, 1, n)


def density(n, d, phase):
    axes = np.meshgrid(*[nodes(n)] * d, indexing="ij")
    values = np.full((n,) * d, 1e-6)
    for b in range(3):
        square = sum((x - 0.5 - 0.25 * np.sin(phase + 2.1 * b + 1.7 * k)) ** 2 for k, x in enumerate(axes))
        values += np.exp(-square / 0.008)
    return values / values.sum()


def log_kernel_sums(values, epsilon):
    """log sum_j exp(values_j - |x_i - y_j|^2 / (2 epsilon)), axis by axis."""
    x = nodes(values.shape[0])
    table = -((x[:, None] - x) ** 2) / (2 * epsilon)
    for axis in range(values.ndim):
        lines = np.moveaxis(values, axis, -1)
        sums = np.empty_like(lines)
        for i in range(len(x)):
            terms = lines + table[i]
            most = terms.max(-1)
            sums[..., i] = most + np.log(np.exp(terms - most[..., None]).sum(-1))
        values = np.moveaxis(sums, -1, axis)
    return values


def marginal_error(a, b, epsilon, f, g):
    """L1, larger of both sides, of a_i b_j exp((f_i + g_j - c_ij) / epsilon)."""
    errors = []
    for mine, other, own, across in ((a, b, f, g), (b, a, g, f)):
        log_ratio = own / epsilon + log_kernel_sums(across / epsilon + np.log(other), epsilon)
        errors.append(np.abs(mine * np.expm1(log_ratio)).sum())
    return max(errors)


def note(iterations, milliseconds):
    return f" {iterations:>6} {milliseconds:>9.2f}"


class Fortet:
    def __init__(self, executable):
        self.program, self.name = executable, "fortet"

    def solve(self, a, b, epsilon):
        half = 0.5 / (a.shape[0] - 1)  # nodes are centres of cells
        box = ["--lower", *[str(-half)] * a.ndim, "--upper", *[str(1 + half)] * a.ndim]
        with tempfile.TemporaryDirectory() as folder:
            for name, value in dict(a=a, b=b).items():
                np.save(f"{folder}/{name}.npy", value)
            # the box is small: what leaves it half-way does not matter here
            subprocess.run([self.program, "grid", "--source", f"{folder}/a.npy", "--target", f"{folder}/b.npy", *box,
                            "--epsilon", repr(float(epsilon)), "--tolerance", str(TOLERANCE), "--quiet", "--largest-loss",
                            "1", "--slices", "1", "--output", f"{folder}/out"], check=False, stderr=subprocess.DEVNULL)
            report = json.load(open(f"{folder}/out/report.json"))
            f, g = (np.load(f"{folder}/out/{side}_potential.npy") for side in ("source", "target"))
        last = [h for h in report["history"] if h["method"] == "iterating"]
        milliseconds = 1e3 * report["seconds"] / report["iterations"]
        if len(last) > 1 and last[-1]["iteration"] > last[0]["iteration"]:
            milliseconds = (1e3 * (last[-1]["seconds"] - last[0]["seconds"])
                            / (last[-1]["iteration"] - last[0]["iteration"]))
        return report["seconds"], f, g, note(report["iterations"], milliseconds)


class Ott:
    def __init__(self, momentum):
        import jax
        import ott

        jax.config.update("jax_enable_x64", True)
        self.jax, self.momentum = jax, momentum
        self.name = f"OTT {ott.__version__} Grid " + (f"mom. {momentum}" if momentum else "default")
        from ott.geometry import grid
        from ott.problems.linear import linear_problem
        from ott.solvers.linear import acceleration, sinkhorn

        def run(a, b, epsilon):
            geometry = grid.Grid(x=[nodes(a.shape[0])] * a.ndim, epsilon=2 * epsilon)
            solver = sinkhorn.Sinkhorn(threshold=TOLERANCE, max_iterations=LIMIT, norm_error=1,
                                       momentum=acceleration.Momentum(value=momentum) if momentum else None)
            out = solver(linear_problem.LinearProblem(geometry, a.ravel(), b.ravel()))
            return out.f, out.g, out.n_iters

        self.run = jax.jit(run)
        self.compiled = set()

    def solve(self, a, b, epsilon):
        if a.shape not in self.compiled:
            self.compiled.add(a.shape)
            self.jax.block_until_ready(self.run(a, b, 10.0))
        start = time.perf_counter()
        f, g, iterations = self.jax.block_until_ready(self.run(a, b, epsilon))
        seconds = time.perf_counter() - start
        # cost |x - y|^2 at twice epsilon; OTT's plan has no weights in front
        f, g = (np.asarray(v).reshape(a.shape) / 2 - epsilon * np.log(w) for v, w in ((f, a), (g, b)))
        return seconds, f, g, note(int(iterations), 1e3 * seconds / max(int(iterations), 1))


class Pot:
    def __init__(self, log_domain):
        import ot
        from ot.backend import NumpyBackend
        from ot.bregman._convolutional import _get_convol_img_fn

        self.log_domain, self.make, self.backend = log_domain, _get_convol_img_fn, NumpyBackend()
        self.name = f"POT {ot.__version__} " + ("log" if log_domain else "plain")

    def solve(self, a, b, epsilon):
        if a.ndim != 2:
            return None
        start = time.perf_counter()
        convolve = self.make(self.backend, *a.shape, 2 * epsilon, a, log_domain=self.log_domain)
        kernel = convolve if self.log_domain else lambda image: np.log(convolve(np.exp(image)[None])[0])
        log_a, log_b = np.log(a), np.log(b)
        u, v = np.zeros_like(a), np.zeros_like(b)
        with np.errstate(all="ignore"):
            for iteration in range(1, LIMIT + 1):
                rows = kernel(v)
                if iteration % 10 == 1 and iteration > 1 and np.abs(np.exp(u + rows) - a).sum() < TOLERANCE:
                    break
                u = log_a - rows
                v = log_b - kernel(u)
                if time.perf_counter() - start > 100:
                    break
        seconds = time.perf_counter() - start
        return seconds, epsilon * (u - log_a), epsilon * (v - log_b), note(iteration, 1e3 * seconds / iteration)


def contenders(executable):
    yield Fortet(executable)
    for make in (lambda: Ott(None), lambda: Ott(1.5), lambda: Pot(True), lambda: Pot(False)):
        try:
            yield make()
        except ImportError as missing:
            print(f"skipped: {missing}")


def program():
    found = next((v for v in sys.argv[1:] if os.access(v, os.X_OK) and os.path.isfile(v)), None)
    return found or sys.exit(__doc__)


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
    print(f"{'grid':<6} {'epsilon':>8}  {'contender':<22} {'seconds':>9} {'error':>9} {'/ fortet':>9} {'iter.':>6} "
          f"{'ms each':>9}")
    for n, d in ((64, 2),) if QUICK else ((64, 2), (128, 2), (256, 2), (32, 3)):
        a, b = density(n, d, 0.0), density(n, d, 1.0)
        for epsilon in (1e-2,) if QUICK else (1e-2, 1e-3):
            race(everyone, f"{n}^{d:<3} {epsilon:>8.0e}", (a, b, epsilon), marginal_error)


if __name__ == "__main__":
    main()
