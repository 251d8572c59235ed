"""Draws the plots of a `fortet compare` report. Usage: compare.py <report folder>

Reads report.json and data/*.npy there; writes plots/*.svg and plots.json, which lists them with their captions.
Text and axes are drawn in `currentColor`, so that the page decides on light or dark."""

import json
import pathlib
import sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
import numpy as np

INK = "#010203"  # becomes currentColor in the files
SOURCE, TARGET, TRUTH, MODEL = "#2f81c7", "#e07b2a", "#8a8f98", "#2f81c7"
plt.rcParams.update({
    "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 10, "axes.titlesize": 10,
    "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
    "figure.facecolor": "none", "axes.facecolor": "none", "savefig.facecolor": "none",
    **{key: INK for key in ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")},
})


class Problem:
    """One problem of the report and the samples that belong to it."""

    def __init__(self, folder, record):
        self.folder, self.record = folder, record
        self.solvers = [solver["name"] for solver in record.get("solvers", [])]
        self.truth = self.solvers[-1]

    def load(self, solver, what):
        file = self.folder / "data" / f"{self.record['name']}.{solver}.{what}.npy"
        return np.load(file) if file.exists() else None

    def panels(self, width=3.1, height=3.1, solvers=None):
        solvers = solvers or self.solvers
        figure, axes = plt.subplots(1, len(solvers), figsize=(width * len(solvers), height), sharex=True,
                                    sharey=True, squeeze=False, layout="constrained")
        return figure, list(zip(solvers, axes[0]))

    def label(self, solver):
        return f"{solver} (truth)" if solver == self.truth else solver


def plot_pairs(problem):
    figure, panels = problem.panels(*(3.1, 3.1) if len(problem.solvers) < 5 else (2.3, 2.6))
    d = problem.record["dimension"]
    for solver, axis in panels:
        pairs = problem.load(solver, "pairs")
        x0, x1 = pairs[:, :d], pairs[:, d:]
        if d == 1:  # the pair itself is the point
            axis.scatter(x0, x1, s=5, color=TARGET, linewidths=0)
            axis.set(xlabel="start", ylabel="end")
        else:
            for a, b in zip(x0[:80], x1[:80]):
                axis.plot([a[0], b[0]], [a[1], b[1]], color=TRUTH, linewidth=0.5, alpha=0.7)
            axis.scatter(x0[:, 0], x0[:, 1], s=5, color=SOURCE, linewidths=0, label="start", zorder=3)
            axis.scatter(x1[:, 0], x1[:, 1], s=5, color=TARGET, linewidths=0, label="end", zorder=3)
            axis.set_aspect("equal")
        axis.set_title(problem.label(solver))
    if d > 1:
        panels[0][1].legend(loc="best", fontsize=8, markerscale=2)
    return figure, "Matched pairs", (
        "300 starts and ends drawn from each solver, lines for 80 of the pairs"
        + (" (first two coordinates)" if d > 2 else "") + ". A good solver's panel looks like the truth's: the same "
        "two clouds, and lines that lean the same way. Crossing lines in all directions mean that ends do not "
        "know their starts.")


def plot_paths(problem):
    solvers = [s for s in problem.solvers if problem.load(s, "paths") is not None]
    if not solvers:
        return None
    figure, panels = problem.panels(3.1 if len(solvers) < 5 else 2.3, 2.8, solvers)
    times, truth = problem.record["marginal_times"], problem.load(problem.truth, "marginals")
    for solver, axis in panels:
        if truth is not None:
            low, middle, high = np.quantile(truth[:, :, 0], [0.05, 0.5, 0.95], axis=1)
            axis.fill_between(times, low, high, color=TRUTH, alpha=0.25, linewidth=0)
            axis.plot(times, middle, color=TRUTH, linewidth=1)
        axis.plot(problem.record["path_times"], problem.load(solver, "paths")[:, :, 0].T, color=MODEL,
                  linewidth=0.6, alpha=0.8)
        axis.set(title=problem.label(solver), xlabel="time")
    panels[0][1].set_ylabel("first coordinate")
    return figure, "Trajectories", (
        "25 sample paths of each bridge; the grey band holds 90 % of the truth at each time, the grey line is its "
        "median. Good paths start and end spread like the truth's, stay in the band nine times in ten, and are "
        "equally rough from beginning to end.")


def plot_marginals(problem):
    solvers = [s for s in problem.solvers[:-1] if problem.load(s, "marginals") is not None]
    truth = problem.load(problem.truth, "marginals")
    if not solvers or truth is None:
        return None
    times = problem.record["marginal_times"]
    figure, axes = plt.subplots(len(solvers), len(times), figsize=(9.3, 0.5 + 2 * len(solvers)), sharex=True,
                                squeeze=False, layout="constrained")
    edges = np.linspace(*np.quantile(truth[:, :, 0], [0.0005, 0.9995]), 41)
    centres = (edges[1:] + edges[:-1]) / 2
    for row, solver in zip(axes, solvers):
        model = problem.load(solver, "marginals")
        for k, axis in enumerate(row):
            counts = np.histogram(truth[k, :, 0], edges, density=True)[0]
            axis.fill_between(centres, counts, step="mid", color=TRUTH, alpha=0.35, linewidth=0,
                              label=problem.label(problem.truth))
            axis.step(centres, np.histogram(model[k, :, 0], edges, density=True)[0], where="mid", color=MODEL,
                      linewidth=1, label="solver of the row")
            axis.set_title(f"t = {times[k]:.3g}")
            axis.set_yticks([])
    for row, solver in zip(axes, solvers):
        row[0].set_ylabel(solver)
    figure.legend(*axes[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=8)
    for axis in axes[-1]:
        axis.set_xlabel("first coordinate")
    return figure, "Marginals over time", (
        f"Histograms of 4000 draws at five times: {', '.join(solvers)} (line) over {problem.truth} (filled). Good: "
        "the line follows the filled shape at every time up to the jitter of a histogram, at the inner times as "
        "well as at the ends.")


def figure_of(comparison, metric):
    return next((row for row in comparison["rows"] if row["metric"] == metric), None)


def plot_sizes(problem):
    sizes = problem.record.get("sizes", [])
    if len(sizes) < 2:
        return None
    figure, axes = plt.subplots(1, 2, figsize=(7.4, 3), sharey=True, layout="constrained")
    for x, axis, label in (([s["atoms"] for s in sizes], axes[0], "atoms a side"),
                           ([s["seconds"] for s in sizes], axes[1], "seconds to solve")):
        for metric, colour, marker in (("map L2-UVP", SOURCE, "o"), ("cBW2-UVP", TARGET, "s")):
            rows = [figure_of(s["comparison"], metric) for s in sizes]
            if any(row is None for row in rows):
                continue
            axis.errorbar(x, [r["value"] for r in rows], [r["standard_error"] for r in rows], color=colour,
                          marker=marker, markersize=4, linewidth=1, label=metric)
        axis.set(xscale="log", yscale="log", xlabel=label)
    axes[0].set_xticks([s["atoms"] for s in sizes], [str(s["atoms"]) for s in sizes])
    axes[0].minorticks_off()
    atoms = np.array([s["atoms"] for s in sizes], float)
    first = figure_of(sizes[0]["comparison"], "map L2-UVP")
    axes[0].plot(atoms, first["value"] * atoms[0] / atoms, color=TRUTH, linewidth=1, linestyle=":", label="1 / atoms")
    axes[0].set_ylabel("error, %")
    axes[0].legend(fontsize=8)
    return figure, "Error against the number of atoms and against time", (
        "Sinkhorn's conditional mean (map L2-UVP) and conditional law (cBW2-UVP) against the closed form, with "
        "standard errors. Good: both fall along the dotted 1 / atoms, the rate of sampling itself, give or take "
        "a factor of two (every point is one draw of the atoms); a curve that flattens has met something other than "
        "sampling.")


def plot_time(problem):
    """Every solver's error against what it took; Sinkhorn's also at other numbers of atoms."""
    spent = {s["name"]: s["report"]["seconds"] for s in problem.record.get("solvers", []) if s.get("report")}
    comparisons = [c for c in problem.record.get("comparisons", []) if c["first"] in spent]
    panels = [("cBW2-UVP", "X1|X0", "cBW2-UVP, %"), ("energy distance", "target", "energy distance of the ends")]
    if len(comparisons) < 2:
        return None
    figure, axes = plt.subplots(1, 2, figsize=(9.3, 3.2), layout="constrained")
    for axis, (metric, law, label) in zip(axes, panels):
        rows = {c["first"]: next((r for r in c["rows"] if r["metric"] == metric and r["law"] == law), None)
                for c in comparisons}
        rows = {name: row for name, row in rows.items() if row}
        sizes = [(s["seconds"], figure_of(s["comparison"], metric)) for s in problem.record.get("sizes", [])]
        if metric == "cBW2-UVP" and sizes and all(row for _, row in sizes):
            axis.plot([t for t, _ in sizes], [row["value"] for _, row in sizes], color=TRUTH, linewidth=1, marker=".",
                      label="sinkhorn, fewer atoms")
            axis.legend(fontsize=8)
        for name, row in rows.items():
            axis.errorbar(spent[name], row["value"], yerr=row.get("standard_error") or 0, fmt="o", markersize=5,
                          color=MODEL)
            axis.annotate(name, (spent[name], row["value"]), xytext=(5, 4), textcoords="offset points", fontsize=8)
        floors = [row["floor"] for row in rows.values() if row.get("floor")]
        if floors:
            axis.axhline(floors[0], color=TRUTH, linewidth=1, linestyle=":")
        axis.set(xscale="log", yscale="log", xlabel="seconds to solve", ylabel=label)
    return figure, "Error against time spent", (
        "Each solver's error and the seconds its solution took. Left: the law of the end given the start (cBW2-UVP); "
        "right: the law of the ends. The dotted line is the floor, what two fresh draws of the truth score. Good: "
        "low and to the left; a solver on the dotted line cannot be told from the truth.")


def main(folder):
    report = json.loads((folder / "report.json").read_text())
    (folder / "plots").mkdir(exist_ok=True)
    listed = []
    for record in report["problems"]:
        problem = Problem(folder, record)
        for plot in (plot_pairs, plot_paths, plot_marginals, plot_sizes, plot_time):
            drawn = plot(problem)
            if drawn is None:
                continue
            figure, title, caption = drawn
            name = f"plots/{record['name']}.{plot.__name__.removeprefix('plot_')}.svg"
            # ids must differ between the pictures of one page
            plt.rcParams["svg.hashsalt"] = name
            figure.savefig(folder / name, metadata={"Date": None, "Creator": None})
            plt.close(figure)
            text = (folder / name).read_text().replace(INK, "currentColor")
            (folder / name).write_text(text)
            listed.append({"problem": record["name"], "file": name, "title": title, "caption": caption})
    (folder / "plots.json").write_text(json.dumps(listed, indent=1))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
