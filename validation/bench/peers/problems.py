"""The problems that everybody solves, and the one measure of what comes back."""

import dataclasses

import numpy as np

DATA = ("normal-d2", "uniform-d3", "clusters-d3", "normal-d32", "normal-d64")


@dataclasses.dataclass(frozen=True)
class Problem:
    """Two weighted clouds, cost |x - y|^2 / 2."""

    x: np.ndarray
    y: np.ndarray
    a: np.ndarray
    b: np.ndarray
    epsilon: float

    def astype(self, real):
        return Problem(*(v.astype(real) for v in (self.x, self.y, self.a, self.b)), self.epsilon)

    def with_epsilon(self, epsilon):
        return dataclasses.replace(self, epsilon=float(epsilon))

    def cost(self, rows=slice(None)):
        x, y = self.x[rows], self.y
        squares = (x**2).sum(1)[:, None] + (y**2).sum(1)
        return np.maximum(squares / 2 - x @ y.T, 0)


def mean_cost(x, y, a, b):
    return (a @ (x**2).sum(1) + b @ (y**2).sum(1)) / 2 - (a @ x) @ (b @ y)


def make_problem(data, n, relative_epsilon, seed=1):
    """`data` names the law and the dimension; weights are random; epsilon is relative to the mean cost."""
    rng = np.random.default_rng(seed)
    kind, d = data.split("-d")
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

    clouds = points(), points(), weights(), weights()
    return Problem(*clouds, float(relative_epsilon * mean_cost(*clouds)))


def marginal_error(problem, f, g):
    """L1, the larger of both sides, of a_i b_j exp((f_i + g_j - c_ij) / epsilon), in double and in slabs."""
    p = problem.astype(np.float64)
    f, g = (np.asarray(v, np.float64) for v in (f, g))
    columns, rows = np.zeros(len(p.b)), np.zeros(len(p.a))
    with np.errstate(over="ignore", invalid="ignore"):
        for first in range(0, len(p.a), 1000):
            part = slice(first, first + 1000)
            plan = p.a[part, None] * p.b * np.exp((f[part, None] + g - p.cost(part)) / p.epsilon)
            rows[part] = plan.sum(1)
            columns += plan.sum(0)
        return float(max(np.abs(rows - p.a).sum(), np.abs(columns - p.b).sum()))
