"""What was measured, as aligned text, as JSON and as one page with plots.

    python -m peers.report FIRST.json [MORE.json ...] --html PAGE     one page from several runs
"""

import argparse
import base64
import html
import io
import json
import pathlib
import statistics

KEYS = {"iteration": ("d", "real", "n"), "solution": ("data", "n", "epsilon"), "exact": ("data", "n"),
        "scaling": ("cores", "real", "n", "d")}
TITLES = {"iteration": "Seconds of a full iteration", "solution": "Seconds from scratch to the tolerance",
          "exact": "Within 1 % of the exact transport cost, and exact", "scaling": "One core and more; peak memory"}


def processor():
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return "unknown"


def key(row):
    return tuple(row[name] for name in KEYS[row["section"]])


def ratio(row, rows):
    """How many times as long as Fortet on the same problem, or None."""
    for other in rows:
        if other["section"] == row["section"] and other["contender"] == "fortet" and key(other) == key(row):
            return row["seconds"] / other["seconds"] if "seconds" in row and "seconds" in other else None
    return None


def cells(row, rows):
    times = ratio(row, rows)
    values = [str(v) for v in key(row)]
    values += [row["contender"], f"{row['seconds']:.6f}" if "seconds" in row else "",
               f"{row['low']:.6f}" if "seconds" in row else "", f"{row['high']:.6f}" if "seconds" in row else "",
               f"{times:.1f}x" if times else ""]
    if row["section"] in ("solution", "exact"):
        values.append(f"{row['error']:.1e}" if "error" in row else "")
    if row["section"] == "exact":
        values.append(f"{row['epsilon']:g}" if "epsilon" in row and row["contender"] == "fortet" else "")
    if row["section"] == "scaling":
        values.append(f"{row['megabytes']:.0f}" if "megabytes" in row else "")
    return values + [row.get("note") or ""]


def heads(section):
    extra = {"solution": ["error"], "exact": ["off by", "epsilon"], "scaling": ["MB"]}.get(section, [])
    return [*KEYS[section], "contender", "median", "least", "most", "/ fortet", *extra, "note"]


def widths(section):
    return [*(12 if name == "data" else 8 for name in KEYS[section]), 18, 11, 11, 11, 9, 9, 9]


def aligned(section, values):
    return "  ".join(f"{v:<{w}}" for v, w in zip(values, widths(section))) + "  " + "  ".join(
        values[len(widths(section)):])


def print_machine(run):
    print(f"{run['date']}, {run['processor']}, {run['cores']} cores, tolerance {run['tolerance']:g}, "
          f"limit {run['limit']:g} s")
    print("; ".join(f"{name} {value:.0f}" for name, value in run["yardstick"].items()))


def print_head(section):
    print(f"\n{TITLES[section]}\n{aligned(section, heads(section)).rstrip()}")


def print_row(row, rows):
    print(aligned(row["section"], cells(row, rows)).rstrip(), flush=True)


def print_versions(run):
    print("\n" + "; ".join(f"{name}: {version}" for name, version in run["versions"].items()))
    for name, why in run["missing"].items():
        print(f"not installed: {name} ({why})")


def write_json(run, path):
    pathlib.Path(path).write_text(json.dumps(run, indent=1))


def curves(section, rows):
    """(title, axis, {contender: [(x, seconds), ...]}) of each plot of a section."""
    panels = {}
    for row in rows:
        if row["section"] != section or "seconds" not in row or row.get("note"):
            continue
        if section == "iteration":
            panel, x = (f"d = {row['d']}, {row['real']}", "n"), row["n"]
        elif section == "solution":
            panel, x = (f"{row['data']}, n = {row['n']}", "epsilon / mean cost"), row["epsilon"]
        elif section == "exact":
            panel, x = (row["data"], "n"), row["n"]
        else:
            panel, x = (f"n = {row['n']}, d = {row['d']}", "cores"), row["cores"]
        panels.setdefault(panel, {}).setdefault(row["contender"], []).append((x, row["seconds"]))
    return [(title, axis, lines) for (title, axis), lines in panels.items()]


def picture(section, rows):
    """Log-log plots of a section as an <img> that needs no other file."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    panels = curves(section, rows)
    if not panels:
        return ""
    across = min(3, len(panels))
    down = -(-len(panels) // across)
    names = sorted({name for _, _, lines in panels for name in lines}, key=lambda name: (name != "fortet", name))
    styles = {name: dict(color="black" if name == "fortet" else plt.cm.tab10((k - 1) % 10), marker="os^vDP"[k % 6],
                         linestyle="-" if k <= 10 else "--", linewidth=2.4 if name == "fortet" else 1, markersize=4)
              for k, name in enumerate(names)}
    figure, axes = plt.subplots(down, across, figsize=(4.4 * across, 3.4 * down + 0.8), squeeze=False,
                                layout="constrained")
    for axis, (title, label, lines) in zip(axes.flat, panels):
        for name, points in lines.items():
            axis.loglog(*zip(*sorted(points)), **styles[name])
        axis.set(title=title, xlabel=label, ylabel="seconds")
        axis.grid(alpha=0.3)
        if label.startswith("epsilon"):
            axis.invert_xaxis()
    for axis in axes.flat[len(panels):]:
        axis.axis("off")
    figure.legend([plt.Line2D([], [], **styles[name]) for name in names], names, loc="outside lower center", ncols=5,
                  frameon=False)
    stream = io.BytesIO()
    figure.savefig(stream, metadata={"Date": None})
    plt.close(figure)
    source = "data:image/svg+xml;base64," + base64.b64encode(stream.getvalue()).decode()
    return f'<img alt="{TITLES[section]}" src="{source}">'


def table(section, rows):
    lines = [heads(section)] + [cells(row, rows) for row in rows if row["section"] == section]
    cell = [["th" if k == 0 else "td"] * len(line) for k, line in enumerate(lines)]
    return "<table>" + "".join(
        "<tr>" + "".join(f"<{tag}>{html.escape(value)}</{tag}>" for tag, value in zip(tags, line)) + "</tr>"
        for tags, line in zip(cell, lines)) + "</table>"


STYLE = """body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 72em; padding: 0 1em; }
img { max-width: 100%; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 13px; }
th, td { padding: 1px 10px; text-align: left; } tr:nth-child(even) { background: #f3f3f3; }"""


def write_page(runs, path):
    rows = [row for run in runs for row in run["rows"]]
    body = ["<h1>Sinkhorn beside its peers</h1>"]
    for run in runs:
        figures = "; ".join(f"{name} {value:.0f}" for name, value in run["yardstick"].items())
        body.append(f"<p>{html.escape(run['date'])}, {html.escape(run['processor'])}, {run['cores']} cores; {figures}; "
                    f"tolerance {run['tolerance']:g}, limit {run['limit']:g} s.</p>")
    versions = {name: version for run in runs for name, version in run["versions"].items()}
    body.append("<p>" + "; ".join(html.escape(f"{name} {version}") for name, version in versions.items()) + "</p>")
    for section, title in TITLES.items():
        if any(row["section"] == section for row in rows):
            body += [f"<h2>{title}</h2>", picture(section, rows),
                     f"<details><summary>Figures</summary>{table(section, rows)}</details>"]
    head = f'<meta charset="utf-8"><title>Sinkhorn beside its peers</title><style>{STYLE}</style>'
    pathlib.Path(path).write_text(f'<!doctype html><html lang="en">{head}<body>{"".join(body)}</body></html>\n')


def print_summary(rows):
    """Problem by problem of solution, the fastest right peer relative to Fortet, by medians; and over all of them, also
    by the least times, which other work on the machine disturbs less."""
    groups = {}
    for row in rows:
        if row["section"] == "solution" and "seconds" in row and not row.get("note"):
            groups.setdefault(key(row), {})[row["contender"]] = row
    ratios = {"seconds": [], "low": []}
    for problem, answers in groups.items():
        ours = answers.pop("fortet", None)
        if not ours or not answers:
            continue
        name = min(answers, key=lambda who: answers[who]["seconds"])
        for figure, values in ratios.items():
            values.append(min(row[figure] for row in answers.values()) / ours[figure])
        print("  ".join(f"{v!s:<12}" for v in problem), *(f"{values[-1]:8.1f}x" for values in ratios.values()), name)
    for figure, values in ratios.items():
        if values:
            print(f"fastest right peer / fortet by {'medians' if figure == 'seconds' else 'least'}: median "
                  f"{statistics.median(values):.1f}x, from {min(values):.1f}x to {max(values):.1f}x, "
                  f"{len(values)} problems")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--html", metavar="PAGE")
    options = parser.parse_args()
    runs = [json.loads(pathlib.Path(name).read_text()) for name in options.runs]
    print_summary([row for run in runs for row in run["rows"]])
    if options.html:
        write_page(runs, options.html)


if __name__ == "__main__":
    main()
