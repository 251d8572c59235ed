#!/usr/bin/env python3
"""Values for tests/unit/network.cpp (agrees_with_numpy): the same small network in numpy, derivatives by complex
steps. Prints tests/unit/network_numpy.inc."""
import numpy as np

sizes_space, sizes_time, sizes_trunk = [2, 3, 2], [4, 4], [6, 5, 5, 2]
shapes = [(b, a) for sizes in (sizes_space, sizes_time, sizes_trunk) for a, b in zip(sizes, sizes[1:])]
count = sum(o * i + o for o, i in shapes)
times = np.array([0.25, 0.75])
x0 = np.array([[0.5, -1.0], [2.0, 0.125]])


def silu(z):
    return z / (1 + np.exp(-z))


def network(p, x):
    layers, at = [], 0
    for o, i in shapes:
        layers.append((p[at : at + o * i].reshape(o, i), p[at + o * i : at + o * i + o]))
        at += o * i + o
    t = times.astype(complex)
    embedding = np.stack([np.sin(t), np.cos(t), np.sin(100 * t), np.cos(100 * t)], axis=1)
    h = silu(x @ layers[0][0].T + layers[0][1]) @ layers[1][0].T + layers[1][1]
    e = embedding @ layers[2][0].T + layers[2][1]
    z = np.concatenate([h, e], axis=1)
    z = silu(z @ layers[3][0].T + layers[3][1])
    z = z + silu(z @ layers[4][0].T + layers[4][1])
    return z @ layers[5][0].T + layers[5][1]


p0 = np.sin(np.arange(count) + 1.0) / 2
out = network(p0.astype(complex), x0.astype(complex)).real


def slope(of, base, index):
    moved = base.astype(complex)
    moved[index] += 1e-30j
    return of(moved).sum().imag / 1e-30


gradient = np.array([slope(lambda p: network(p, x0.astype(complex)), p0, i) for i in range(count)])
dx = np.array([[slope(lambda x: network(p0.astype(complex), x), x0, (r, k)) for k in range(2)] for r in range(2)])


def matrix(a):
    return "{{%.17g, %.17g}, {%.17g, %.17g}}" % tuple(a.ravel())


print("// printed by tests/oracles/network.py")
print(f"const std::size_t numpy_parameters = {count};")
print(f"const double numpy_out[2][2] = {matrix(out)};")
print(f"const double numpy_dx[2][2] = {matrix(dx)};")
print("const double numpy_squares = %.17g;" % (gradient**2 * np.cos(np.arange(count))).sum())
