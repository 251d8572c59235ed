"""Training steps and sampling of Fortet's networks beside PyTorch and JAX.

    python peers_neural.py PATH/TO/bench_neural [--libraries torch jax] [--rounds N]

Network 18 -> W -> W -> 2 with SiLU, float32, mean squared error, Adam (for JAX written out: no optax); a batch that is
there already. JAX scans 50 steps inside one jitted function, PyTorch runs 50 steps eagerly and with torch.compile. Each
library has a process of its own; in each round they and bench_neural run one after the other, every row a few times.
Figures are medians over all runs: microseconds a training step, or for 10,000 chains of 20 steps.
"""

import argparse
import collections
import multiprocessing
import os
import re
import statistics
import subprocess
import sys
import time

for trap in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OMP_PROC_BIND", "OMP_WAIT_POLICY", "XLA_FLAGS"):
    os.environ.pop(trap, None)

STEPS, CHAIN, ROWS = 50, 20, 10000
RUNS = 3  # of each row in a round, as bench_neural --quick
CONFIGURATIONS = [(width, batch) for width in (128, 256) for batch in (128, 512, 4096)]


def torch_cases():
    import torch

    def network(width):
        torch.manual_seed(1)
        return torch.nn.Sequential(torch.nn.Linear(18, width), torch.nn.SiLU(), torch.nn.Linear(width, width),
                                   torch.nn.SiLU(), torch.nn.Linear(width, 2))

    for compiled in (False, True):
        kind = "PyTorch compiled" if compiled else "PyTorch eager"
        for width, batch in CONFIGURATIONS:
            net = network(width)
            adam = torch.optim.Adam(net.parameters(), lr=1e-4, fused=True)
            x, target = torch.randn(batch, 18), torch.randn(batch, 2)

            def step(net=net, adam=adam, x=x, target=target):
                adam.zero_grad(set_to_none=True)
                ((net(x) - target) ** 2).sum(1).mean().backward()
                adam.step()

            # the network compiled, the fused optimiser as it is: what was fastest
            if compiled:
                fast = torch.compile(net)

                def step(net=fast, adam=adam, x=x, target=target):
                    adam.zero_grad(set_to_none=True)
                    ((net(x) - target) ** 2).sum(1).mean().backward()
                    adam.step()

            def run(step=step):
                for _ in range(STEPS):
                    step()

            yield kind, f"train W={width} B={batch}", STEPS, run
        for width in (128, 256):
            net = network(width)
            times = torch.randn(CHAIN, 16)

            def walk(x, net=net, times=times):
                for k in range(CHAIN):
                    drift = net(torch.cat([x, times[k].expand(len(x), 16)], 1))
                    x = x + 0.05 * drift + 0.2236 * torch.randn_like(x)
                return x

            walk = torch.compile(walk) if compiled else walk

            def run(walk=walk):
                with torch.no_grad():
                    walk(torch.zeros(ROWS, 2))

            yield kind, f"sample W={width} 10000x20", 1, run


def jax_cases():
    import jax
    import jax.numpy as np

    def parameters(width):
        keys = jax.random.split(jax.random.PRNGKey(1), 3)
        shapes = [(18, width), (width, width), (width, 2)]
        return [(jax.random.uniform(k, s, minval=-1, maxval=1) / s[0] ** 0.5, np.zeros(s[1])) for k, s in zip(keys, shapes)]

    def network(p, x):
        for w, b in p[:-1]:
            x = jax.nn.silu(x @ w + b)
        return x @ p[-1][0] + p[-1][1]

    def loss(p, x, target):
        return ((network(p, x) - target) ** 2).sum(1).mean()

    @jax.jit
    def train(state, x, target):
        def step(state, _):
            p, m, v, average, t = state
            g = jax.grad(loss)(p, x, target)
            t = t + 1
            tree = jax.tree_util.tree_map
            m = tree(lambda m, g: 0.9 * m + 0.1 * g, m, g)
            v = tree(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
            p = tree(lambda p, m, v: p - 1e-4 * (m / (1 - 0.9 ** t)) / (np.sqrt(v / (1 - 0.999 ** t)) + 1e-8), p, m, v)
            average = tree(lambda a, p: 0.999 * a + 0.001 * p, average, p)
            return (p, m, v, average, t), None

        return jax.lax.scan(step, state, None, length=STEPS)[0]

    for width, batch in CONFIGURATIONS:
        p = parameters(width)
        zero = jax.tree_util.tree_map(np.zeros_like, p)
        state = (p, zero, zero, p, np.float32(0))
        x = jax.random.normal(jax.random.PRNGKey(2), (batch, 18))
        target = jax.random.normal(jax.random.PRNGKey(3), (batch, 2))

        def run(state=state, x=x, target=target):
            jax.block_until_ready(train(state, x, target))

        yield "JAX scanned", f"train W={width} B={batch}", STEPS, run

    @jax.jit
    def walk(p, x, times, key):
        def step(carry, time_features):
            x, key = carry
            key, own = jax.random.split(key)
            features = np.concatenate([x, np.broadcast_to(time_features, (ROWS, 16))], 1)
            return (x + 0.05 * network(p, features) + 0.2236 * jax.random.normal(own, x.shape), key), None

        return jax.lax.scan(step, (x, key), times)[0][0]

    for width in (128, 256):
        p, times = parameters(width), jax.random.normal(jax.random.PRNGKey(4), (CHAIN, 16))

        def run(p=p, times=times):
            jax.block_until_ready(walk(p, np.zeros((ROWS, 2)), times, jax.random.PRNGKey(5)))

        yield "JAX scanned", f"sample W={width} 10000x20", 1, run


LIBRARIES = {"torch": torch_cases, "jax": jax_cases}


def serve(connection, library):
    """Compiles, then answers every request with the seconds of a round: [(contender, row, seconds a step)]."""
    try:
        cases = list(LIBRARIES[library]())
    except ImportError as missing:
        connection.send(f"{library}: {missing}")
        return
    for *_, run in cases:
        run()
        run()
    connection.send(None)
    while connection.recv():
        times = []
        for _ in range(RUNS):
            for contender, row, steps, run in cases:
                begin = time.perf_counter()
                run()
                times.append((contender, row, (time.perf_counter() - begin) / steps))
        connection.send(times)


def start(library):
    """The connection to a process of its own, or None where the library is missing."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    context.Process(target=serve, args=(theirs, library), daemon=True).start()
    trouble = ours.recv()
    if trouble:
        print(trouble)
    return None if trouble else ours


def fortet_round(program):
    """Medians and shares of the peak that bench_neural prints."""
    text = subprocess.run([program, "--quick"], capture_output=True, text=True, check=True).stdout
    rows = re.findall(r"^((?:train|sample) .*?) {2,}([\d.]+) +[\d.]+ +([\d.]+)", text, re.MULTILINE)
    return [(row, float(median) / 1e6, float(at_peak) / 1e6) for row, median, at_peak in rows]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="bench_neural")
    parser.add_argument("--libraries", nargs="+", choices=LIBRARIES, default=LIBRARIES, help="both")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved (5)")
    options = parser.parse_args()
    workers = [worker for worker in map(start, options.libraries) if worker]
    seconds, peak = collections.defaultdict(list), {}
    for _ in range(options.rounds):
        for row, median, at_peak in fortet_round(options.program):
            seconds["Fortet", row].append(median)
            peak.setdefault(row, []).append(at_peak)
        for worker in workers:
            worker.send(True)
            for contender, row, took in worker.recv():
                seconds[contender, row].append(took)
    for worker in workers:
        worker.send(False)

    typical = {key: statistics.median(values) for key, values in seconds.items()}
    contenders = list(dict.fromkeys(contender for contender, _ in typical))
    print(f"{'microseconds (times Fortet)':28}" + "".join(f"{name:>24}" for name in contenders) + f"{'at peak':>12}")
    for row, at_peak in peak.items():
        ours = typical["Fortet", row]
        cells = "".join(f"{1e6 * typical[name, row]:14.1f} ({typical[name, row] / ours:5.2f}x) "
                        for name in contenders)
        print(f"{row:28}{cells}{1e6 * statistics.median(at_peak):12.1f}")


if __name__ == "__main__":
    sys.exit(main())
