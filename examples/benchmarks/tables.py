"""
From the records of a benchmark to its table, its files and its plot.

A row is one participant (who, threads) in one case: of several rounds the least of every number,
since what other processes add to a time is never negative. Ratios are the peer's number over ours
with the same number of threads.
"""

import json
import os
import platform
import time
from pathlib import Path

from side_by_side import LABELS, US

HEADINGS = {
    "build": ("build (s)", ".3f"), "build ratio": ("x", ".1f"), "run": ("run (s)", ".3f"),
    "realtime": ("real time", ".3f"), "ns_event": ("ns/event", ".1f"),
    "ns_update": ("ns/update", ".2f"), "ratio": ("x", ".1f"), "speed-up": ("x 1 thread", ".2f"),
    "memory": ("peak MB", ".0f")}
# What can be plotted over the size, with the label of its axis.
PANELS = {"build": "build (s)", "run": "run (s)", "ns_event": "ns per synaptic event",
          "ns_update": "ns per update", "memory": "peak memory (MB)"}
COLOURS = {US: "tab:red", "nest": "tab:blue", "NEST": "tab:cyan", "neuron": "tab:green",
           "brian2": "tab:purple"}
MARKERS = "os^D"


def rows_of(benchmark, records):
    """The rows: dicts with `name`, `n`, `who`, `threads` and numbers, or `note` (why none)."""
    merged = {}
    for record in records:
        participant = record["who"], record["threads"], record["case"]["n"]
        at = merged.setdefault(participant, {})
        for name, result in record.get("rows", {}).items():
            row = at.setdefault(name, dict(result))
            for key, value in result.items():
                if isinstance(value, (int, float)) and isinstance(row.get(key), (int, float)):
                    row[key] = min(row[key], value)
        reason = record.get("absent") or record.get("failed")
        if reason:
            at.setdefault(record["case"]["name"], {"note": reason})
    if benchmark.derive:
        for (who, _threads, _n), at in merged.items():
            benchmark.derive(who, at)
    rows = []
    order = [*dict.fromkeys((n, name) for (who, _, n), at in merged.items() if who == US
                            for name in at)]
    order += [each for each in dict.fromkeys((n, name) for (_, _, n), at in merged.items()
                                             for name in at) if each not in order]
    for n, name in order:
        for (who, threads, at_n), at in merged.items():
            if at_n == n and name in at:
                rows.append({"name": name, "n": n, "who": who, "threads": threads, **at[name]})
    for row in rows:
        add_derived(benchmark, row)
    ours = {(row["name"], row["n"], row["threads"]): row for row in rows if row["who"] == US}
    for row in rows:
        mine = ours.get((row["name"], row["n"], row["threads"]),
                        ours.get((row["name"], row["n"], 1), {}))
        one = next((each for each in rows if each["threads"] == 1 and all(
            each[key] == row[key] for key in ("name", "n", "who"))), {})
        if row["who"] != US:
            row["ratio"] = over(row.get(benchmark.ratio), mine.get(benchmark.ratio))
            if benchmark.ratio != "build":
                row["build ratio"] = over(row.get("build"), mine.get("build"))
        if row["threads"] > 1:
            row["speed-up"] = over(one.get(benchmark.ratio), row.get(benchmark.ratio))
    return [{key: value for key, value in row.items() if value is not None} for row in rows]


def over(a, b):
    return None if a is None or not b else a / b


def add_derived(benchmark, row):
    """Real-time factor and times per event and per update, of the whole run."""
    run = row.get("run")
    if run is None:
        return
    if row.get("simtime"):
        row.setdefault("realtime", 1000.0 * run / row["simtime"])
    for key, number in (("ns_event", "events"), ("ns_update", "updates")):
        if row.get(number):
            row.setdefault(key, 1e9 * run / row[number])


def cells_of(benchmark, rows):
    """(headings, [texts of each row]) of the columns that have something in them."""
    columns = {**HEADINGS, **benchmark.columns}
    if "build" in (benchmark.ratio,):
        columns = {key: columns[key] for key in
                   ["build", "ratio", *[k for k in columns if k not in ("build", "ratio")]]}
    used = [key for key in columns if any(key in row for row in rows)]
    table, before = [], None
    for row in rows:
        name = row["name"] if (row["name"], row["n"]) != before else ""
        before = row["name"], row["n"]
        texts = [name, f"{row['n']:g}" if name else "",
                 LABELS[row["who"]], str(row["threads"])]
        for key in used:
            value = row.get(key)
            texts.append("" if value is None else format(value, columns[key][1]))
        table.append((texts, row.get("note", "")))
    return ["", benchmark.x, "simulator", "threads", *(columns[key][0] for key in used)], table


def text(benchmark, rows):
    """The table as it is printed."""
    headings, table = cells_of(benchmark, rows)
    widths = [max(len(texts[k]) for texts in [headings, *(each for each, _ in table)])
              for k in range(len(headings))]
    lines = [f"--- {benchmark.name}: {benchmark.question}"]
    for texts, note in [(headings, ""), *table]:
        left = "  ".join(t.ljust(w) if k in (0, 2) else t.rjust(w)
                         for k, (t, w) in enumerate(zip(texts, widths)))
        lines.append(left.rstrip() if not note else "  ".join(
            t.ljust(w) if k in (0, 2) else t.rjust(w)
            for k, (t, w) in enumerate(zip(texts[:4], widths))) + "  " + note)
    lines += quoted(benchmark)
    return "\n".join(lines)


def quoted(benchmark):
    return [f"Quoted: {sentence}" for sentence in benchmark.quoted]


def markdown(benchmark, rows, wrong):
    """The table with its question, for a file."""
    headings, table = cells_of(benchmark, rows)
    lines = [f"# {benchmark.name}", "", benchmark.question, "",
             "| " + " | ".join(headings) + " |",
             "|" + "|".join("---" if k in (0, 2) else "--:" for k in range(len(headings))) + "|"]
    lines += ["| " + " | ".join(texts if not note else [*texts[:4], note,
                                                        *texts[5:]]) + " |"
              for texts, note in table]
    for sentence in (*quoted(benchmark), *(f"DISAGREEMENT: {each}" for each in wrong)):
        lines += ["", sentence]
    return "\n".join(lines) + "\n"


def machine():
    """What it ran on; no name of a host."""
    found = {"system": platform.system(), "release": platform.release(),
             "architecture": platform.machine(), "cores": len(os.sched_getaffinity(0))
             if hasattr(os, "sched_getaffinity") else os.cpu_count(),
             "load": round(os.getloadavg()[0], 2)}
    try:
        with open("/proc/cpuinfo") as cpuinfo:
            found["processor"] = next((line.split(":", 1)[1].strip() for line in cpuinfo
                                       if line.startswith("model name")), "")
        found["memory GB"] = round(
            os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1)
    except OSError:
        found["processor"] = platform.processor()
    return found


def save(benchmark, rows, records, wrong, options):
    """Write <name>.md, <name>.json and <name>.png into the folder `options.output`."""
    folder = Path(options.output)
    folder.mkdir(parents=True, exist_ok=True)
    plot(benchmark, rows, folder / f"{benchmark.name}.png")
    (folder / f"{benchmark.name}.md").write_text(
        markdown(benchmark, rows, wrong) + f"\n![{benchmark.name}]({benchmark.name}.png)\n",
        encoding="utf-8")
    saved = {
        "benchmark": benchmark.name, "question": benchmark.question, "size": options.size,
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()), "machine": machine(),
        "processes at a time": options.jobs,
        "versions": {LABELS[record["who"]]: record["versions"] for record in records
                     if "versions" in record},
        "instruction set": next((record["instruction set"] for record in records
                                 if "instruction set" in record), None),
        "rows": rows, "disagreements": wrong,
        "measured": [{key: record.get(key) for key in (
            "who", "threads", "round", "case", "rows", "absent", "failed") if key in record}
            for record in records]}
    (folder / f"{benchmark.name}.json").write_text(
        json.dumps(saved, indent=1) + "\n", encoding="utf-8")


def save_index(benchmarks, options):
    """README.md of the folder: the machine, and every table one after the other."""
    folder, lines, versions = Path(options.output), [], {}
    for benchmark in benchmarks:
        stem = folder / benchmark.name
        versions.update(json.loads(stem.with_suffix(".json").read_text("utf-8"))["versions"])
        lines.append("#" + stem.with_suffix(".md").read_text("utf-8"))
    packages = {package: version for found in versions.values()
                for package, version in found.items()}
    lines[:0] = [f"# Benchmarks, {options.size}, {time.strftime('%Y-%m-%d', time.gmtime())}", "",
                 ", ".join(f"{key} {value}" for key, value in machine().items()), "",
                 ", ".join(f"{key} {value}" for key, value in packages.items()), ""]
    if options.jobs > 1:
        lines.append(f"{options.jobs} processes at a time: the times mean little.\n")
    (folder / "README.md").write_text("\n".join(lines), encoding="utf-8")


# ---- plots ------------------------------------------------------------------------------------

def plot(benchmark, rows, path):
    """Save the plot; rows without numbers are left out."""
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    rows = [row for row in rows if "note" not in row]
    figure = (plot_bars if benchmark.plot == "bars" else plot_sizes)(benchmark, rows, plt)
    figure.suptitle(benchmark.question, fontsize=10, wrap=True)
    figure.savefig(path, dpi=90)
    plt.close(figure)


def participants(rows):
    """{(who, threads): (label, style)} in the order of the table."""
    found = {}
    for who in LABELS:
        for threads in sorted({row["threads"] for row in rows if row["who"] == who}):
            several = len({row["threads"] for row in rows}) > 1
            label = LABELS[who] + (f", {threads} thread{'s' * (threads > 1)}" if several else "")
            found[who, threads] = label, dict(color=COLOURS[who],
                                              ls="-" if threads == 1 else "--")
    return found


def plot_sizes(benchmark, rows, plt):
    """One row of panels for each series, one column for each quantity; both axes logarithmic."""
    series = [*dict.fromkeys(row["name"] for row in rows)]
    keys = [key for key in PANELS if any(key in row for row in rows)]
    figure, axes = plt.subplots(
        len(series), len(keys), squeeze=False, layout="constrained",
        figsize=(3.1 * max(len(keys), 2), 0.9 + 2.7 * len(series)))
    for of_series, name in zip(axes, series):
        for panel, key in zip(of_series, keys):
            for k, ((who, threads), (label, style)) in enumerate(participants(rows).items()):
                points = sorted((row["n"], row[key]) for row in rows
                                if (row["name"], row["who"], row["threads"]) == (name, who, threads)
                                and row.get(key, 0) > 0)
                if points:
                    panel.plot(*zip(*points), marker=MARKERS[k % 4], ms=5, lw=1.2, label=label,
                               mfc="none" if threads > 1 else None, **style)
            panel.set(xscale="log", yscale="log", xlabel=benchmark.x, ylabel=PANELS[key])
            if len(series) > 1:
                panel.set_title(name, fontsize=10)
            sizes = sorted({row["n"] for row in rows if row["name"] == name})
            tidy_axes(panel, sizes)
    add_legend(figure, axes.flat)
    return figure


def tidy_axes(panel, sizes):
    """Ticks at the sizes measured, and enough labels on a short logarithmic axis."""
    from matplotlib.ticker import NullLocator
    panel.set_xticks(sizes, [f"{size:g}" if size < 1e4 else f"{size / 1000:g}k" for size in sizes])
    panel.xaxis.set_minor_locator(NullLocator())
    if len(sizes) == 1:
        panel.set_xlim(sizes[0] / 2, sizes[0] * 2)
    low, high = panel.get_ylim()
    if high / low < 8.0:  # less than a decade has hardly a tick
        middle = (low * high) ** 0.5
        low, high = min(low, middle / 3.0), max(high, middle * 3.0)
        panel.set_ylim(low, high)
    number_axis(panel.yaxis, high / low)
    panel.grid(alpha=0.25)


def number_axis(axis, span):
    """Plain numbers on a logarithmic axis, three for each decade where there are few decades."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if span < 100.0 else (1,)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def plot_bars(benchmark, rows, plt):
    """One panel for each of `bars`, or for what the ratio is of: a group of horizontal bars for
    each row name, a bar for each participant, at the largest size."""
    largest = {}
    for row in rows:
        largest[row["name"]] = max(largest.get(row["name"], 0), row["n"])
    keys = benchmark.bars or (benchmark.ratio,)
    rows = [row for row in rows if row["n"] == largest[row["name"]]
            and any(key in row for key in keys)]
    names = [*dict.fromkeys(row["name"] for row in rows)]
    shown = participants(rows)
    thickness = 0.8 / max(len(shown), 1)
    figure, axes = plt.subplots(
        1, len(keys), figsize=(4 + 4 * len(keys), 1.6 + len(names) * max(0.3, 0.17 * len(shown))),
        sharey=True, squeeze=False, layout="constrained")
    heading = {**PANELS, **{key: h for key, (h, _) in benchmark.columns.items()}}
    for panel, key in zip(axes.flat, keys):
        values = [row[key] for row in rows if row.get(key, 0) > 0]
        for k, ((who, threads), (label, style)) in enumerate(shown.items()):
            found = [(names.index(row["name"]), row[key]) for row in rows
                     if (row["who"], row["threads"]) == (who, threads) and key in row]
            if found:
                at, lengths = zip(*found)
                panel.barh([y + (k - (len(shown) - 1) / 2) * thickness for y in at], lengths,
                           thickness, color=style["color"], alpha=1.0 if threads == 1 else 0.5,
                           label=label)
        panel.set_xlabel(heading.get(key, key))
        if values and max(values) > 20.0 * min(values):
            panel.set_xscale("log")
            number_axis(panel.xaxis, max(values) / min(values))
        panel.grid(axis="x", alpha=0.25)
    axes[0, 0].set_yticks(range(len(names)), names)
    axes[0, 0].set_ylim(len(names) - 0.5, -0.5)
    add_legend(figure, axes.flat)
    return figure


def add_legend(figure, panels):
    """One for the figure, below it."""
    entries = {}
    for panel in panels:
        for handle, label in zip(*panel.get_legend_handles_labels()):
            entries.setdefault(label, handle)
    figure.legend(entries.values(), entries.keys(), loc="outside lower center",
                  ncols=min(len(entries), 4), fontsize=9)
