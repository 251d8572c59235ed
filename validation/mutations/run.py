"""Breaks a scratch copy of the project in one way after the other, and shows that `fortet validate` notices.

Each mutation is a replacement of one piece of text that must occur exactly once. The copy is built (the first time
whole, then what changed) and the quick suite must end with exit code 3. Prints which cases caught which mutation;
exit code 0 when every mutation was caught and the unbroken copy passes."""

import argparse
import json
import pathlib
import subprocess
import sys

PROJECT = pathlib.Path(__file__).resolve().parents[2]
BUILD = "build/release"  # here and in the copy: what ccache has for the one, it has for the other

# what is broken, file, from, to
MUTATIONS = [
    ("sign of the drift of a lifted coupling", "include/fortet/coupling/lift.hpp",
     "gain * (expected(i, k) - a * xi", "-gain * (expected(i, k) - a * xi"),
    ("sign of the drift of a Gaussian bridge", "src/gaussian/linear_bridge.cpp",
     "process.drift() - process.noise() * transposed(reach_t) * ahead(t)",
     "process.drift() + process.noise() * transposed(reach_t) * ahead(t)"),
    ("epsilon twice as large", "include/fortet/reference/brownian.hpp",
     "const double product = sigma * sigma * horizon;", "const double product = 2 * sigma * sigma * horizon;"),
    ("time labels of DSB one step late", "src/solver/dsb.cpp",
     "model.fit(round.direction == Direction::forward ? steps - 1 - s : s,",
     "model.fit(round.direction == Direction::forward ? (s + 1 < steps ? steps - 2 - s : 0) : s,"),
    ("covariance between the ends transposed", "src/gaussian/linear_bridge.cpp",
     "plan.cross_covariance = s.p * Diagonal{s.rho} * transposed(s.r);",
     "plan.cross_covariance = s.r * Diagonal{s.rho} * transposed(s.p);"),
    ("noise of the sampler 10 % too large", "include/fortet/reference/bridge_step.hpp",
     ".deviation = std::sqrt(v1 * v2 / total)};", ".deviation = 1.1 * std::sqrt(v1 * v2 / total)};"),
]


def run(*command, **how):
    return subprocess.run(command, capture_output=True, text=True, **how)


def copy_project(scratch):
    """Tracked files only; those that did not change keep their times, so that little is built again."""
    for name in run("git", "ls-files", cwd=PROJECT, check=True).stdout.splitlines():
        old, new = PROJECT / name, scratch / name
        if not new.exists() or new.read_bytes() != old.read_bytes():
            new.parent.mkdir(parents=True, exist_ok=True)
            new.write_bytes(old.read_bytes())


def build(scratch):
    if not (scratch / BUILD / "build.ninja").exists():
        run("cmake", "-S", scratch, "-B", scratch / BUILD, "-G", "Ninja", "-DFORTET_BUILD_TESTS=OFF",
            f"-DKokkos_ROOT={kokkos()}", check=True)
    done = run("cmake", "--build", scratch / BUILD, "--target", "fortet_program")
    if done.returncode:
        sys.exit(done.stdout[-4000:])


def kokkos():
    """The Kokkos of the project's own build."""
    cache = (PROJECT / BUILD / "CMakeCache.txt").read_text()
    return next(line.split("=", 1)[1] for line in cache.splitlines() if line.startswith("Kokkos_DIR:"))


def validate(scratch):
    """(exit code, names of the cases that failed or crashed)"""
    folder = scratch / "report"
    code = run(scratch / BUILD / "src/fortet", "validate", "--quiet", "--report", folder,
               env={"FORTET_PYTHON": "", "OMP_PROC_BIND": "false"}).returncode
    cases = json.loads((folder / "report.json").read_text())["cases"]
    return code, [c["name"] for c in cases if c["status"] in ("failed", "crashed")]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scratch", nargs="?", type=pathlib.Path, default=PROJECT / "build/mutations",
                        help="folder for the copy; can be used again (build/mutations)")
    scratch = parser.parse_args().scratch.resolve()
    missed = []
    for what, file, old, new in [("nothing", "README.md", "", ""), *MUTATIONS]:
        copy_project(scratch)
        path = scratch / file
        text = path.read_text()
        if old and text.count(old) != 1:
            sys.exit(f"{file} has {text.count(old)} times: {old}")
        if old:
            path.write_text(text.replace(old, new))
        build(scratch)
        code, caught = validate(scratch)
        if (code, bool(caught)) != ((3, True) if old else (0, False)):
            missed.append(what)
        print(f"{what}: exit code {code}, caught by {len(caught)} cases", *caught, sep="\n    ", flush=True)
    copy_project(scratch)
    print("not caught: " + ", ".join(missed) if missed else "every mutation was caught")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
