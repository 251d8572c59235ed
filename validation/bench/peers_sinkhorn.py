"""Sinkhorn beside its peers: the same points, one run, one measure of the error.

    python peers_sinkhorn.py PATH/TO/fortet [sections] [options]

Sections (all, where none is named):
    iteration  seconds of a full iteration: normal points, n, d, float and double
    solution   seconds from scratch to the tolerance: five data sets, n, epsilon
    exact      seconds to a certified transport cost within 1 % of the exact one, beside exact network simplex
    scaling    seconds of a full iteration on one core and on two, and peak memory, at n = 4000

Needs numpy. Peers are timed where they are installed: POT (numpy, torch), OTT-JAX, GeomLoss, KeOps, RegOT. Each runs in
a process of its own, rounds are interleaved, figures are medians with the range over them; compilation and the first
call are left out, building cost matrices is counted. The error of what a contender returns is recomputed by one piece
of numpy in double; above ten times the tolerance it counts as wrong. Who runs over the limit is ended, and not asked
again about larger n or smaller epsilon of the same data.
"""

import argparse
import datetime
import os
import re
import signal
import statistics
import sys
import time

for trap in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "OMP_NUM_THREADS", "OMP_PROC_BIND", "XLA_FLAGS"):
    os.environ.pop(trap, None)
os.environ |= {"PYTHONWARNINGS": "ignore", "PYKEOPS_VERBOSE": "0"}

import numpy as np

from peers import report
from peers.contenders import FOR_ITERATIONS, FOR_SOLUTIONS
from peers.problems import DATA, make_problem, marginal_error
from peers.worker import Failed, OverLimit, Unavailable, Worker

EXACT_EPSILONS = (3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5)


class Field:
    """The contenders that take part; those whose package is missing leave when they are first asked."""

    def __init__(self, options):
        self.options, self.workers, self.missing = options, {}, {}

    def select(self, names):
        chosen = [name for name in names if re.search(self.options.only, name) and name not in self.missing]
        return ["fortet", *chosen]

    def ask(self, name, method, *arguments, cores=None, limit=None):
        """(value, note): one of them is None."""
        cores = cores or self.options.cores
        worker = self.workers.setdefault((name, cores), Worker(name, self.options.program, cores))
        try:
            return worker.ask(method, *arguments, limit=limit or self.options.limit), None
        except Unavailable as missing:
            self.missing[name] = str(missing)
            print(f"{name}: not installed ({missing})")
            return None, "not installed"
        except (OverLimit, Failed) as trouble:
            return None, str(trouble)

    def versions(self):
        return {name: worker.version for (name, _), worker in self.workers.items() if worker.version}

    def dismiss(self, name=None):
        for (who, _), worker in self.workers.items():
            if name in (None, who):
                worker.stop()


def spread(values):
    return {"seconds": statistics.median(values), "low": min(values), "high": max(values), "runs": len(values)}


def rounds(field, names, repeats, method, *arguments, **where):
    """Interleaved rounds: {name: (times, last answer, note)}. A run above a second is not repeated."""
    results = {name: ([], None, None) for name in names}
    for _ in range(repeats):
        for name, (times, _, note) in list(results.items()):
            if note or (times and times[-1] > 1):
                continue
            answer, note = field.ask(name, method, *arguments, **where)
            if note is None:
                times.append(answer[0] if isinstance(answer, tuple) else answer)
            results[name] = (times, answer, note)
    return results


def iteration(field, options):
    for d in options.dimensions:
        for real in ("float32", "float64"):
            names = field.select(FOR_ITERATIONS)
            if real == "float64":
                names.insert(1, "fortet, double entries")
            for n in options.iteration_n:
                problem = make_problem(f"normal-d{d}", n, 0.03).astype(real)
                for name in names:
                    field.ask(name, "warm_up", problem, 1e-3)
                for name, (times, _, note) in rounds(field, names, options.repeats, "iteration", problem).items():
                    yield {"section": "iteration", "d": d, "real": real, "n": n, "contender": name,
                           **(spread(times) if times else {"note": note})}
                    if note:
                        names.remove(name)


def solution(field, options):
    for data in options.data:
        beaten = {}  # the problems on which a contender ran over the limit
        for n in options.n:
            for relative in options.epsilon:
                problem = make_problem(data, n, relative)
                names = [name for name in field.select(FOR_SOLUTIONS)
                         if not any(n >= many and relative <= large for many, large in beaten.get(name, ()))]
                for name in names:
                    field.ask(name, "warm_up", problem, options.tolerance)
                for name, (times, answer, note) in rounds(field, names, options.repeats, "solve", problem,
                                                          options.tolerance).items():
                    row = {"section": "solution", "data": data, "n": n, "epsilon": relative, "contender": name}
                    if note and note.startswith("over"):
                        beaten.setdefault(name, []).append((n, relative))
                    if times and not note:
                        error = marginal_error(problem, *answer[1:])
                        right = error <= 10 * options.tolerance
                        row |= spread(times) | {"error": error, "note": "" if right else "wrong"}
                    yield row | ({"note": note} if note else {})


def exact(field, options):
    """Epsilon is the largest on a ladder that is accurate enough: found outside the timing."""
    for data in options.data:
        for n in options.exact_n:
            problem = make_problem(data, n, 1.0)
            (truth, note) = field.ask("exact emd", "transport", problem, None, limit=100)
            if note:
                print(f"exact emd: {note}")
                return
            for relative in EXACT_EPSILONS:
                regularised = problem.with_epsilon(relative * problem.epsilon)
                ours, note = field.ask("fortet", "transport", regularised, 1e-4, limit=100)
                if note or abs(ours[1] / truth[1] - 1) < 0.01:
                    break
            if note is None and abs(ours[1] / truth[1] - 1) >= 0.01:
                note = "not within 1 %"
            for name, given in (("fortet", regularised), ("exact emd", problem)):
                times, answer, trouble = rounds(field, [name], options.repeats, "transport", given, 1e-4,
                                                limit=100)[name]
                trouble = trouble or (note if name == "fortet" else None)
                yield {"section": "exact", "data": data, "n": n, "contender": name,
                       **({"note": trouble} if trouble else
                          spread(times) | {"error": abs(answer[1] / truth[1] - 1), "epsilon": relative})}


def scaling(field, options):
    field.dismiss()  # two processes an idle contender would blur the memory
    problem, small = make_problem("normal-d3", 4000, 0.03), make_problem("normal-d3", 10, 0.03)
    names = field.select(FOR_ITERATIONS)
    for cores in range(1, (os.cpu_count() or 1) + 1):
        if cores & (cores - 1):
            continue
        before = {}
        for name in list(names):
            field.ask(name, "warm_up", small, 1e-3, cores=cores)
            field.ask(name, "iteration", small, cores=cores)
            before[name], _ = field.ask(name, "peak_bytes", cores=cores)
            field.ask(name, "warm_up", problem, 1e-3, cores=cores)
        results = rounds(field, names, options.repeats, "iteration", problem, cores=cores)
        for name, (times, _, note) in results.items():
            peak, _ = field.ask(name, "peak_bytes", cores=cores)
            known = times and peak is not None and before[name] is not None
            yield {"section": "scaling", "cores": cores, "n": 4000, "d": 3, "real": "float64", "contender": name,
                   **(spread(times) | {"megabytes": (peak - before[name]) / 1e6} if known else {"note": note})}


def yardstick():
    """What numpy reaches here: matrix products in both precisions, a sum over memory beyond cache."""
    def best(call):
        def once():
            start = time.perf_counter()
            call()
            return time.perf_counter() - start
        return min(once() for _ in range(5))

    figures = {}
    for real in ("float32", "float64"):
        square = np.ones((2000, 2000), real)
        figures[f"{real} product, GFLOP/s"] = 2 * 2000**3 / best(lambda: square @ square) / 1e9
    large = np.ones(2**26)
    figures["memory read, one core, GB/s"] = large.nbytes / best(large.sum) / 1e9
    return figures


SECTIONS = {"iteration": iteration, "solution": solution, "exact": exact, "scaling": scaling}


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="the fortet program")
    parser.add_argument("sections", nargs="*", choices=[*SECTIONS, []], metavar="section")
    parser.add_argument("--only", default="", metavar="REGEX", help="peers whose names match")
    parser.add_argument("--tolerance", type=float, default=1e-6, help="L1 marginal error (1e-6)")
    parser.add_argument("--limit", type=float, default=10, metavar="S", help="seconds for one answer (10)")
    parser.add_argument("--repeats", type=int, default=3, help="interleaved rounds (3)")
    parser.add_argument("--cores", type=int, metavar="K", help="as many for each contender (all; scaling has its own)")
    parser.add_argument("--data", nargs="+", default=DATA, choices=DATA)
    parser.add_argument("--n", nargs="+", type=int, default=[1000], help="of solution (1000)")
    parser.add_argument("--epsilon", nargs="+", type=float, default=[1e-2, 1e-3, 1e-4],
                        help="relative to the mean cost")
    parser.add_argument("--iteration-n", nargs="+", type=int, default=[1000, 2000], help="of iteration (1000 2000)")
    parser.add_argument("--dimensions", nargs="+", type=int, default=[3, 64], help="of iteration (3 64)")
    parser.add_argument("--exact-n", nargs="+", type=int, default=[500, 1000, 2000], help="of exact (500 1000 2000)")
    parser.add_argument("--json", metavar="FILE", help="every figure")
    parser.add_argument("--html", metavar="FILE", help="one page with tables and plots (needs matplotlib)")
    return parser.parse_args()


def main():
    options = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the figures so far are kept
    field = Field(options)
    run = {"date": datetime.date.today().isoformat(), "cores": options.cores or os.cpu_count(), "processor": report.processor(),
           "yardstick": yardstick(), "tolerance": options.tolerance, "limit": options.limit, "rows": []}
    report.print_machine(run)
    try:
        for section in options.sections or SECTIONS:
            report.print_head(section)
            for row in SECTIONS[section](field, options):
                run["rows"].append(row)
                report.print_row(row, run["rows"])
    finally:
        run["versions"], run["missing"] = field.versions(), field.missing
        field.dismiss()
        if options.json:
            report.write_json(run, options.json)
        if options.html:
            report.write_page([run], options.html)
        report.print_versions(run)


if __name__ == "__main__":
    sys.exit(main())
