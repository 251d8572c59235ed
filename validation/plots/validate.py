"""Draws the curves of a `fortet validate` report. Usage: validate.py <report folder>

Reads report.json there; writes plots/*.svg and plots.json, which lists them with their captions. Text and axes are
drawn in `currentColor`, so that the page decides on light or dark."""

import json
import pathlib
import sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

INK = "#010203"  # becomes currentColor in the files
COLOURS = ["#2f81c7", "#e07b2a", "#4ca66b", "#b05cc6"]
GUIDE = "#8a8f98"
plt.rcParams.update({
    "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 10, "axes.titlesize": 10,
    "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
    "figure.facecolor": "none", "axes.facecolor": "none", "savefig.facecolor": "none",
    **{key: INK for key in ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")},
})


def looks(style, colour):
    return {"measured": dict(fmt="o-", color=colour, linewidth=1.2, markersize=4),
            "points": dict(fmt="o", color=colour, markersize=3.5),
            "truth": dict(fmt="--", color=GUIDE, linewidth=1.2, zorder=1.9),
            "path": dict(fmt="-", color=colour, linewidth=0.6, alpha=0.6)}[style]


def draw(curve, path):
    """Series of one label have one colour and one line in the legend."""
    figure, axis = plt.subplots(figsize=(6.2, 3.6), layout="constrained")
    colours = {}
    for series in curve["series"]:
        known = series["label"] in colours
        if not known:
            colours[series["label"]] = COLOURS[sum(c != GUIDE for c in colours.values()) % len(COLOURS)]
        if series["style"] == "truth":
            colours[series["label"]] = GUIDE
        look = looks(series["style"], colours[series["label"]])
        axis.plot(series["x"], series["y"], look.pop("fmt"), label=None if known else series["label"], **look)
    axis.set(xlabel=curve["x_label"], ylabel=curve["y_label"], xscale="log" if curve["log_x"] else "linear",
             yscale="log" if curve["log_y"] else "linear")
    if len(colours) > 1:
        axis.legend(fontsize=9)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
    path.write_text(path.read_text().replace(INK, "currentColor"))


def main():
    folder = pathlib.Path(sys.argv[1])
    (folder / "plots").mkdir(exist_ok=True)
    plots = []
    for case in json.loads((folder / "report.json").read_text())["cases"]:
        for number, curve in enumerate(case["curves"]):
            file = f"plots/{case['name'].replace('/', '.')}.{number}.svg"
            draw(curve, folder / file)
            plots.append({"family": case["family"], "file": file, "title": curve["title"],
                          "caption": curve["caption"]})
    (folder / "plots.json").write_text(json.dumps(plots, indent=1))


if __name__ == "__main__":
    main()
