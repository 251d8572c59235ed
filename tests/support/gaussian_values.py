"""Writes gaussian_values.hpp: Gaussian Schroedinger bridges in 300 digits, by formulas the library does not use.

Regenerate:  python -m pip install mpmath && python tests/support/gaussian_values.py > tests/support/gaussian_values.hpp

Static quantities come from C = (S0^{1/2} D S0^{-1/2} - eps I) / 2 with inverse roots (a singular covariance gets
1e-60 I first, which moves results by less than 1e-25), dynamic ones from the joint covariance of (X_0, X_t, X_T)
and the definition of the h-transform, IPF iterates from conditioning joint Gaussians, DSB from regressions along
the chain. Every case checks itself: the precision certificate, the Riccati equation, (f + g - c)/eps = log density.
"""
from mpmath import cholesky, eye, expm, eigsy, exp, inf, log, matrix, mp, mpf, nstr, pi, sqrt, zeros

mp.dps = 300
tiny = mpf(10) ** -60


def mat(rows):
    return matrix([[mpf(float(v)) for v in row] for row in rows])


def vec(values):
    return matrix([mpf(float(v)) for v in values])


def power(s, p):
    w, u = eigsy((s + s.T) / 2)
    return u * mp.diag([max(v, 0) ** p if v > 0 or p > 0 else mpf(0) for v in w]) * u.T


def trace(a):
    return sum(a[i, i] for i in range(a.rows))


def logdet(s):
    return sum(log(v) for v in eigsy((s + s.T) / 2, eigvals_only=True))


def dot(a, b):
    return sum(a[i] * b[i] for i in range(len(a)))


def quad(a, s, b):
    return dot(a, s * b)


def join(blocks):
    rows = [blocks[i][0].rows for i in range(len(blocks))]
    out = zeros(sum(rows), sum(b.cols for b in blocks[0]))
    r = 0
    for i, line in enumerate(blocks):
        c = 0
        for b in line:
            for k in range(b.rows):
                for l in range(b.cols):
                    out[r + k, c + l] = b[k, l]
            c += b.cols
        r += rows[i]
    return out


def part(a, i, j, d):
    return matrix([[a[i * d + k, j * d + l] for l in range(d)] for k in range(d)])


def biggest(a):
    return max(abs(v) for v in a)


class Linear:
    """dX = (A X + b) dt + L dW, transitions by the block exponential of Van Loan."""

    def __init__(self, kind, a, b, l, horizon, **given):
        self.kind, self.a, self.b, self.l, self.horizon, self.given = kind, a, b, l, mpf(horizon), given

    def transition(self, h):
        d = self.a.rows
        big = join([[self.a, self.l * self.l.T], [zeros(d), -self.a.T]]) * h
        e = expm(big)
        phi = part(e, 0, 0, d)
        q = part(e, 0, 1, d) * phi.T
        with_offset = expm(join([[self.a, self.b], [zeros(1, d), zeros(1, 1)]]) * h)
        return phi, matrix([with_offset[i, d] for i in range(d)]), (q + q.T) / 2


def brownian(d, sigma, horizon=1.0):
    return Linear("brownian", zeros(d), zeros(d, 1), mpf(sigma) * eye(d), horizon, sigma=sigma)


def ornstein(d, rate, mean, sigma, horizon):
    r = mpf(rate)
    return Linear("ornstein_uhlenbeck", -r * eye(d), r * vec(mean), mpf(sigma) * eye(d), horizon, sigma=sigma, rate=rate,
                  mean=mean)


def linear(a, b, l, horizon):
    return Linear("linear", mat(a), vec(b), mat(l), horizon, drift=a, offset=b, noise=l)


def static_bridge(s0, s1, eps):
    """D, C, K, K' of the whitened problem."""
    d = s0.rows
    root, inverse_root = power(s0, mpf(1) / 2), power(s0, -mpf(1) / 2)
    discriminant = power(4 * root * s1 * root + eps ** 2 * eye(d), mpf(1) / 2)
    c = (root * discriminant * inverse_root - eps * eye(d)) / 2
    k = inverse_root * (discriminant - eps * eye(d)) * inverse_root / 2
    back = s1 ** -1 * c.T
    certificate = join([[s0, c], [c.T, s1]]) ** -1
    assert biggest(part(certificate, 0, 1, d) * eps + eye(d)) < 1e-20
    assert biggest(k * s0 * k + eps * k - s1) < 1e-20 * (1 + biggest(s1))
    return discriminant, c, k, back


def value(s0, s1, shift, eps):
    d = s0.rows
    discriminant = static_bridge(s0, s1, eps)[0]
    cost = (dot(shift, shift) + trace(s0) + trace(s1) - trace(discriminant) + eps * d) / 2
    entropy = (logdet(discriminant + eps * eye(d)) - d * log(2 * eps)) / 2
    return cost, entropy, cost + eps * entropy


def normal_log_density(x, m, s):
    return -(quad(x - m, s ** -1, x - m) + logdet(s) + len(x) * log(2 * pi)) / 2


def case(name, m0, s0, m1, s1, reference, fractions=(0.25, 0.8), singular=(False, False), density=True):
    d = len(m0)
    given = dict(m0=m0, s0=s0, m1=m1, s1=s1)
    m0, s0, m1, s1 = vec(m0), mat(s0), vec(m1), mat(s1)
    if singular[0]:
        s0 = s0 + tiny * eye(d)
    if singular[1]:
        s1 = s1 + tiny * eye(d)
    horizon = reference.horizon
    phi, c, q = reference.transition(horizon)
    if reference.kind == "linear":
        eps, whiten = mpf(1), cholesky(q) ** -1
    else:
        eps, whiten = q[0, 0], eye(d)
    unwhiten = whiten ** -1
    reach = whiten * phi
    t0, t1 = reach * s0 * reach.T, whiten * s1 * whiten.T
    shift = whiten * (phi * m0 + c - m1)
    discriminant, cross_white, k_white, back_white = static_bridge(t0, t1, eps)
    cost, entropy, ot = value(t0, t1, shift, eps)
    zero = zeros(d, 1)
    divergence = ot - value(t0, t0, zero, eps)[2] / 2 - value(t1, t1, zero, eps)[2] / 2
    i = eye(d)
    path = inf if singular[1] else (trace(k_white) - d - logdet(k_white) + (
        dot(shift, shift) + trace((k_white - i) * t0 * (k_white - i))) / eps) / 2
    slope = unwhiten * k_white * reach
    cross = s0 * slope.T  # Cov(X0, X_T)
    back = (s1 ** -1 * cross.T).T

    # potentials at a point, in the gauge int f dmu = int g dnu = OT/2
    x, y = m0 + vec([0.3 + 0.1 * j for j in range(d)]), m1 - vec([0.2 - 0.15 * j for j in range(d)])
    u, v = reach * (x - m0), whiten * (y - m1)
    f = quad(u, i - k_white, u) / 2 + dot(shift, u) + ot / 2 - trace((i - k_white) * t0) / 2
    g = quad(v, i - back_white, v) / 2 - dot(shift, v) + ot / 2 - trace((i - back_white) * t1) / 2
    joint = join([[s0, cross], [cross.T, s1]])
    near = m1 + slope * (x - m0) + unwhiten * vec([0.4 - 0.3 * j for j in range(d)]) * sqrt(eps)  # a likely end
    ratio = mpf(0)
    if density and not any(singular):
        xy = matrix(list(x) + list(near))
        ratio = normal_log_density(xy, matrix(list(m0) + list(m1)), joint) - normal_log_density(
            x, m0, s0) - normal_log_density(near, m1, s1)
        w = whiten * (phi * x + c - near)
        vn = whiten * (near - m1)
        gn = quad(vn, i - back_white, vn) / 2 - dot(shift, vn) + ot / 2 - trace((i - back_white) * t1) / 2
        assert abs((f + gn - dot(w, w) / 2) / eps - ratio) < 1e-30 * (1 + abs(ratio))

    slices = []
    noise = reference.l * reference.l.T
    q_inverse = q ** -1
    for fraction in fractions:
        t = float(fraction) * float(horizon)
        before_phi, before_c, before_q = reference.transition(mpf(t))
        after_phi, after_c, after_q = reference.transition(horizon - mpf(t))
        end = before_q * after_phi.T * q_inverse
        start = before_phi - end * phi
        mean = start * m0 + end * m1 + before_c - end * c
        cov = start * s0 * start.T + end * s1 * end.T + start * cross * end.T + end * cross.T * start.T + (
            before_q - end * after_phi * before_q)
        to_end = (start * cross + end * s1).T  # Cov(X_T, X_t)
        guess = to_end * cov ** -1
        pull = noise * after_phi.T * after_q ** -1
        forward = reference.a + pull * (guess - after_phi)
        point = mean + vec([0.5 - 0.4 * j for j in range(d)])
        drift = reference.a * point + reference.b + pull * (m1 + guess * (point - mean) - after_phi * point - after_c)
        backward = -forward - noise * cov ** -1
        slices.append(dict(time=t, mean=mean, covariance=cov, point=point, forward_slope=forward, backward_slope=backward,
                           forward_drift=drift))
    return dict(name=name, d=d, **given, reference=reference, discriminant=discriminant, cross=cross, slope=slope, back=back,
                forward_covariance=s1 - slope * s0 * slope.T, transport_cost=cost, relative_entropy=entropy,
                entropic_cost=ot, sinkhorn_divergence=divergence, path_entropy=path, x=x, y=y, near=near, f=f, g=g,
                ratio=ratio, has_ratio=density and not any(singular), slices=slices)


def double(v):
    v = mpf(v)
    if v == inf:
        return "infinity"
    if abs(v) < 1e-40:  # what the regularisation of a singular covariance leaves
        return "0.0"
    return repr(float(v))


def flat(a):
    return "{" + ", ".join(double(v) for v in a) + "}"


def rows(a):
    if isinstance(a, list):
        return "{" + ", ".join(double(v) for row in a for v in row) + "}"
    return "{" + ", ".join(double(a[i, j]) for i in range(a.rows) for j in range(a.cols)) + "}"


def emit_reference(r):
    h = double(r.horizon)
    if r.kind == "brownian":
        return f"Brownian{{.sigma = {double(r.given['sigma'])}, .horizon = {h}}}"
    if r.kind == "ornstein_uhlenbeck":
        g = r.given
        return (f"OrnsteinUhlenbeck{{.rate = {double(g['rate'])}, .mean = {flat(g['mean'])}, .sigma = {double(g['sigma'])}, "
                f".horizon = {h}}}")
    g = r.given
    nested = lambda m: "Matrix{" + ", ".join("{" + ", ".join(double(v) for v in row) + "}" for row in m) + "}"
    return f"LinearSde{{.drift = {nested(g['drift'])}, .offset = {flat(g['offset'])}, .noise = {nested(g['noise'])}, .horizon = {h}}}"


def emit(c):
    slices = ", ".join(
        "{" + ", ".join([double(s["time"]), flat(s["mean"]), rows(s["covariance"]), flat(s["point"]),
                         rows(s["forward_slope"]), rows(s["backward_slope"]), flat(s["forward_drift"])]) + "}"
        for s in c["slices"])
    fields = [("name", '"' + c["name"] + '"'), ("m0", flat(c["m0"])), ("s0", rows(c["s0"])), ("m1", flat(c["m1"])),
              ("s1", rows(c["s1"])), ("reference", emit_reference(c["reference"])), ("discriminant", rows(c["discriminant"])),
              ("cross", rows(c["cross"])), ("slope", rows(c["slope"])), ("back", rows(c["back"])),
              ("forward_covariance", rows(c["forward_covariance"]))]
    fields += [(k, double(c[k])) for k in ("transport_cost", "relative_entropy", "entropic_cost", "sinkhorn_divergence",
                                           "path_entropy")]
    fields += [(k, flat(c[k])) for k in ("x", "y", "near")]
    fields += [("f", double(c["f"])), ("g", double(c["g"])), ("ratio", double(c["ratio"])),
               ("has_ratio", "true" if c["has_ratio"] else "false"), ("slices", "{" + slices + "}")]
    return "    {" + ",\n     ".join(f".{k} = {v}" for k, v in fields) + "}"


def graded(scales, correlation):
    return [[a * b * r for b, r in zip(scales, line)] for a, line in zip(scales, correlation)]


def half_steps(m0, s0, m1, s1, reference, count):
    """IPF from the reference started at mu: moments of the free end and Cov(X0, X1) after each half-step."""
    m0, s0, m1, s1 = vec(m0), mat(s0), vec(m1), mat(s1)
    phi, c, q = reference.transition(reference.horizon)
    a0, a1 = m0, phi * m0 + c
    v00, v01, v11 = s0, s0 * phi.T, phi * s0 * phi.T + q
    out = []
    for n in range(count):
        gain = v01 * v11 ** -1  # X0 | X1 kept, X1 ~ nu
        a0, v00 = a0 + gain * (m1 - a1), v00 - gain * v01.T + gain * s1 * gain.T
        a1, v11, v01 = m1, s1, gain * s1
        back = (a0, v00, v01)
        gain = v01.T * v00 ** -1  # X1 | X0 kept, X0 ~ mu
        a1, v11 = a1 + gain * (m0 - a0), v11 - gain * v01 + gain * s0 * gain.T
        a0, v00, v01 = m0, s0, s0 * gain.T
        out.append((back, (a1, v11, v01)))
    return out


def dsb(m0, s0, m1, s1, reference, steps, iterations, target):
    """Population DSB with affine regressions along the Euler chain of frozen noise."""
    m0, s0, m1, s1 = vec(m0), mat(s0), vec(m1), mat(s1)
    d = len(m0)
    h = reference.horizon / steps
    noise = h * reference.l * reference.l.T
    forward = [(eye(d) + h * reference.a, h * reference.b) for _ in range(steps)]
    out = []

    def refit(chain, order, m, v):
        fitted = [None] * steps
        for k in order:
            a, c = chain[k]
            m2, v2 = a * m + c, a * v * a.T + noise
            slope = (a * v).T * v2 ** -1  # E[earlier | later]
            if target == "dsb":
                slope_b = eye(d) - a + a * slope
                fitted[k] = (slope_b, m2 + (a * m + c) - (a * m2 + c) - slope_b * m2)
            else:
                fitted[k] = (slope, m - slope * m2)
            m, v = m2, v2
        return fitted

    def run(chain, order, m, v):
        cross = v
        for k in order:
            a, c = chain[k]
            m, v, cross = a * m + c, a * v * a.T + noise, a * cross
        return m, v, cross  # cross: Cov(end, start)

    up, down = list(range(steps)), list(reversed(range(steps)))
    for n in range(iterations):
        backward = refit(forward, up, m0, s0)
        bm, bv, bc = run(backward, down, m1, s1)
        forward = refit(backward, down, m1, s1)
        fm, fv, fc = run(forward, up, m0, s0)
        out.append(((bm, bv, bc), (fm, fv, fc.T)))  # cross as Cov(X0, X_T)
    return out


def emit_moments(m):
    return "{" + ", ".join([flat(m[0]), rows(m[1]), rows(m[2])]) + "}"


def emit_iterates(name, iterates):
    body = ",\n    ".join("{" + emit_moments(b) + ", " + emit_moments(f) + "}" for b, f in iterates)
    return f"inline const std::vector<IterateValues> {name} = {{\n    {body}}};\n"


S0 = [[1.3, 0.4, -0.2], [0.4, 0.7, 0.1], [-0.2, 0.1, 2.1]]
S1 = [[0.6, -0.3, 0.2], [-0.3, 1.9, 0.5], [0.2, 0.5, 0.8]]
M0, M1 = [0.3, -1.1, 0.4], [-0.7, 0.2, 1.5]
R = [[1.0, 0.3, -0.2], [0.3, 1.0, 0.4], [-0.2, 0.4, 1.0]]
LINE = [[1.0, 2.0, -1.0], [2.0, 4.0, -2.0], [-1.0, -2.0, 1.0]]
PLANE = [[1.0, 0.0, 1.0], [0.0, 4.0, 2.0], [1.0, 2.0, 2.0]]
NOTHING = [[0.0] * 3 for _ in range(3)]
A = [[-0.5, 1.0, 0.2], [-1.2, -0.3, 0.0], [0.1, 0.4, 0.6]]
B = [0.2, -0.1, 0.5]
L = [[0.8, 0.0, 0.0], [0.2, 1.1, 0.0], [-0.1, 0.3, 0.6]]
STIFF = [[-40.0, 3.0], [1.0, -0.5]]


def main():
    cases = [case("one dimension", [-0.4], [[0.8]], [0.7], [[1.9]], brownian(1, 0.775, 1.0)),
             case("the DSB example", [-0.1], [[1.0]], [0.1], [[1.0]], brownian(1, 1.0))]
    for sigma in (1e-4, 1e-2, 1.0, 1e2, 1e4):
        cases.append(case(f"epsilon {sigma ** 2:.0e}", M0, S0, M1, S1, brownian(3, sigma)))
    cases += [
        case("another horizon", M0, S0, M1, S1, brownian(3, 0.6, 3.5)),
        case("equal measures", M0, S0, M0, S0, brownian(3, 1e-2)),
        case("graded source", M0, graded([1, 1e-4, 1e-8], R), M1, S1, brownian(3, 0.5)),
        case("graded against graded, small epsilon", M0, graded([1e-6, 1, 1e-3], R), M1, graded([1, 1e-5, 1e2], S1),
             brownian(3, 1e-3)),
        case("singular source", M0, LINE, M1, S1, brownian(3, 0.7), singular=(True, False)),
        case("singular target", M0, S0, M1, PLANE, brownian(3, 0.7), singular=(False, True)),
        case("both singular, small epsilon", M0, PLANE, M1, LINE, brownian(3, 1e-4), singular=(True, True)),
        case("both singular, large epsilon", M0, PLANE, M1, LINE, brownian(3, 1e4), singular=(True, True)),
        case("from a point", M0, NOTHING, M1, S1, brownian(3, 0.9, 2.0), singular=(True, False)),
        case("to a point", M0, S0, M1, NOTHING, brownian(3, 0.9, 2.0), singular=(False, True)),
        case("point to point", M0, NOTHING, M1, NOTHING, brownian(3, 0.9, 2.0), singular=(True, True)),
        case("Ornstein-Uhlenbeck", M0, S0, M1, S1, ornstein(3, 0.8, [0.5, 0.0, -1.0], 1.3, 1.7)),
        case("Ornstein-Uhlenbeck, slow", M0, S0, M1, S1, ornstein(3, 1e-7, [0.5, 0.0, -1.0], 1.3, 1.7)),
        case("Ornstein-Uhlenbeck, fast", M0, S0, M1, S1, ornstein(3, 30.0, [0.5, 0.0, -1.0], 1.3, 1.7)),
        case("Ornstein-Uhlenbeck, singular", M0, PLANE, M1, LINE, ornstein(3, 0.8, [0.5, 0.0, -1.0], 1e-2, 1.0),
             singular=(True, True)),
        case("linear", M0, S0, M1, S1, linear(A, B, L, 1.2)),
        case("linear, small noise", M0, S0, M1, S1, linear(A, B, [[1e-3 * v for v in row] for row in L], 1.2)),
        case("Langevin", [0.5, 0.0], [[0.6, 0.1], [0.1, 0.9]], [-0.4, 0.3], [[0.8, -0.2], [-0.2, 0.5]],
             linear([[0.0, 1.0], [-1.0, -0.5]], [0.0, 0.0], [[0.0], [1.0]], 2.0)),
        case("stiff", [0.5, 0.0], [[0.6, 0.1], [0.1, 0.9]], [-0.4, 0.3], [[0.8, -0.2], [-0.2, 0.5]],
             linear(STIFF, [0.3, 0.1], [[1.0, 0.0], [0.0, 1.0]], 1.0)),
        case("linear, singular", M0, LINE, M1, PLANE, linear(A, B, L, 1.2), singular=(True, True)),
    ]
    print("""#pragma once
// Generated by gaussian_values.py, which says how: do not edit.
#include <limits>
#include <string>
#include <variant>
#include <vector>

#include "fortet/reference/brownian.hpp"
#include "fortet/reference/linear_sde.hpp"
#include "fortet/reference/ornstein_uhlenbeck.hpp"

namespace fortet::test {

/// Matrices are row-major.
struct SliceValues {
  double time;
  std::vector<double> mean, covariance, point, forward_slope, backward_slope, forward_drift;
};
struct BridgeValues {
  std::string name;
  std::vector<double> m0, s0, m1, s1;
  std::variant<Brownian, OrnsteinUhlenbeck, LinearSde> reference;
  std::vector<double> discriminant, cross, slope, back, forward_covariance;
  double transport_cost, relative_entropy, entropic_cost, sinkhorn_divergence, path_entropy;
  std::vector<double> x, y, near;
  double f, g, ratio;  ///< potentials at x and y, log density ratio at (x, near)
  bool has_ratio;
  std::vector<SliceValues> slices;
};
/// Mean and covariance of the free end, Cov(X0, X1).
struct MomentValues {
  std::vector<double> mean, covariance, cross;
};
struct IterateValues {
  MomentValues backward, forward;
};

constexpr double infinity = std::numeric_limits<double>::infinity();

// clang-format off
inline const std::vector<BridgeValues> bridge_values = {""")
    print(",\n".join(emit(c) for c in cases) + "};\n")
    ou = ornstein(3, 0.8, [0.5, 0.0, -1.0], 1.3, 1.7)
    print(emit_iterates("ipf_brownian", half_steps(M0, S0, M1, S1, brownian(3, 0.6, 1.0), 6)))
    print(emit_iterates("ipf_ornstein_uhlenbeck", half_steps(M0, S0, M1, S1, ou, 4)))
    print(emit_iterates("ipf_linear", half_steps(M0, S0, M1, S1, linear(A, B, L, 1.2), 4)))
    print(emit_iterates("dsb_brownian", dsb(M0, S0, M1, S1, brownian(3, 0.6, 1.0), 7, 4, "dsb")))
    print(emit_iterates("dsb_linear", dsb(M0, S0, M1, S1, linear(A, B, L, 1.2), 7, 3, "dsb")))
    print(emit_iterates("mean_brownian", dsb(M0, S0, M1, S1, brownian(3, 0.6, 1.0), 7, 4, "mean")))
    print("// clang-format on\n\n}  // namespace fortet::test")


if __name__ == "__main__":
    main()
