"""What PyTorch and JAX take for the training steps and sampling that bench_neural times.

    python peers_neural.py [--quick] [torch] [jax]

Needs torch and jax (optax is not needed: Adam is written out). Network 18 -> W -> W -> 2 with SiLU, float32, mean
squared error, Adam; a batch that is there already. JAX scans 50 steps inside one jitted function, PyTorch runs 50
steps eagerly and with torch.compile. Medians (minima) in microseconds a step, configurations interleaved.
"""

import os
import statistics
import sys
import time

for trap in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OMP_PROC_BIND", "OMP_WAIT_POLICY", "XLA_FLAGS"):
    os.environ.pop(trap, None)

STEPS, CHAIN, ROWS = 50, 20, 10000
QUICK = "--quick" in sys.argv
REPEATS = 3 if QUICK else 9
CONFIGURATIONS = [(width, batch) for width in (128, 256) for batch in (128, 512, 4096)]


def torch_cases():
    import torch

    def network(width):
        torch.manual_seed(1)
        return torch.nn.Sequential(torch.nn.Linear(18, width), torch.nn.SiLU(), torch.nn.Linear(width, width),
                                   torch.nn.SiLU(), torch.nn.Linear(width, 2))

    print("torch", torch.__version__, torch.get_num_threads(), "threads")
    for compiled in (False, True):
        kind = "torch compiled" if compiled else "torch eager"
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

            yield f"{kind} train W={width} B={batch}", STEPS, run
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

            yield f"{kind} sample W={width} 10000x20", 1, run


def jax_cases():
    import jax
    import jax.numpy as np

    print("jax", jax.__version__)

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

        yield f"jax scan train W={width} B={batch}", STEPS, run

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

        yield f"jax scan sample W={width} 10000x20", 1, run


def main():
    wanted = [a for a in sys.argv[1:] if not a.startswith("--")] or ["torch", "jax"]
    for name in wanted:  # one library at a time: their thread pools would meet
        cases = list({"torch": torch_cases, "jax": jax_cases}[name]())
        for _, _, run in cases:
            run()
            run()
        seconds = {case: [] for case, _, _ in cases}
        for _ in range(REPEATS):
            for case, _, run in cases:
                begin = time.perf_counter()
                run()
                seconds[case].append(time.perf_counter() - begin)
        for case, steps, _ in cases:
            median, least = statistics.median(seconds[case]), min(seconds[case])
            print(f"{case:42} {1e6 * median / steps:12.1f} {1e6 * least / steps:12.1f}")


if __name__ == "__main__":
    main()
