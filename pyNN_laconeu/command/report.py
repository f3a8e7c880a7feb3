"""
How the result of a comparison is shown: a table in the terminal, and an HTML page with figures.

Both show the same rows, made by `population_rows` and `run_rows`. The page holds its figures as
PNG inside; rasters and traces are cut to what can be seen. Needs rich, and matplotlib for the page.
"""

import base64
import html
import io
from pathlib import Path

import numpy as np

from .agreement import in_steps, short, signal_name

RASTER_CELLS = 100
RASTER_SPIKES = 20000  # in one panel; with more, the time shown is shortened
TRACE_CELLS = 3
TRACE_SAMPLES = 20000
FIGURES = 24  # populations with figures of their own
LISTED_PROJECTIONS = 12
COLOURS = ("#1f6fb4", "#d9730d", "#3a923a", "#a0389b", "#7d5b4f", "#555555")
OWN = "laconeu"


# --- rows that both reports share -------------------------------------------------------------


def run_rows(result):
    """(back end, versions, runs, build, run, data, memory) as texts, one row for each back end."""
    rows = []
    for name, backend in result["backends"].items():
        versions = dict(backend["versions"])
        own = versions.pop(name.split()[0], None)
        times = [seconds(backend["times"].get(phase)) for phase in ("build", "run", "data")]
        memory = backend["memory"]
        rows.append((f"{name} {own}" if own else name,
                     ", ".join(f"{key} {versions[key]}" for key in ("PyNN", "python", "numpy")
                               if key in versions),
                     str(backend["runs"]), *times,
                     "" if memory is None else f"{memory / 2**20:.0f} MiB"))
    return rows


def population_rows(population, name):
    """(quantity, ours, theirs, difference, allowed, agrees) as texts; agrees: True, False, None.

    Rows with None inform; they do not count.
    """
    rows = []
    exact = population["exact"]
    spikes = exact["spikes"] if exact else None
    by_spread = population["by_spread"]
    if spikes:
        same = by_spread or population["depends_on_seed"]
        rows.append(("spikes" + (", seed +0" if same else ""), str(spikes["here"]),
                     str(spikes["there"]), difference_of(spikes["here"], spikes["there"]), "",
                     None))
        if not by_spread:
            rows.append(first_spike_row(spikes))
    for row in population["statistics"]:
        counts = by_spread and row["agrees"] is not None
        if row["name"] == "ks":
            shown = ("", "", number(row["difference"]))
        else:
            shown = (spread(row["ours"]), spread(row["theirs"]),
                     number(row["difference"], sign="+"))
        unit = f" ({row['unit']})" if row["unit"] else ""
        rows.append((row["title"] + unit, *shown,
                     number(row["allowed"]) if by_spread else "",
                     row["agrees"] if counts else None))
    for signal in exact["signals"] if exact else ():
        title = f"largest |difference| of {signal_name(signal)} ({signal['units']})"
        if signal["note"]:
            rows.append((title, "", "", signal["note"], "", None if by_spread else False))
        else:
            rows.append((title, "", "", number(signal["largest"]),
                         "" if by_spread else number(signal["tolerance"]),
                         None if by_spread else signal["equal"]))
    for side, where in (("ours", OWN), ("theirs", name)):
        rows += [(f"{where}: {error}", "", "", "", "", None)
                 for error in population["errors"][side]]
    return rows


def first_spike_row(spikes):
    title = "first differing spike"
    if spikes["note"]:
        return title, "", "", spikes["note"], "", False
    first = spikes["first"]
    if first is None:
        return title, "", "", "none: all spikes are equal", "", True
    place = f"{title} (cell {first['cell']}, spike {first['number']})"
    times = ["no spike" if first[side] is None else f"{first[side]:.10g} ms"
             for side in ("here", "there")]
    apart = "" if first["steps"] is None else in_steps(first["steps"])
    return place, *times, apart, "", False


def projection_rows(projections):
    """The same six columns for numbers of connections: those that differ, and the first others."""
    rows = []
    for row in sorted(projections, key=lambda row: row["agrees"] is True):
        shown = [extent(row[side]) for side in ("ours", "theirs")]
        remark = next((error for error in row["errors"] if error), "")
        if row["agrees"] and len(set(row["ours"])) > 1:
            remark = "by the spread" if row["by_spread"] else "equal for every seed"
        rows.append((prefix(row) + row["label"], *shown, remark, "", row["agrees"]))
    hidden = len(rows) - LISTED_PROJECTIONS
    if hidden > 0 and all(row[-1] is True for row in rows[LISTED_PROJECTIONS:]):
        rows = rows[:LISTED_PROJECTIONS]
        rows.append((f"{hidden} more projections", "", "", "equal", "", True))
    return rows


def verdict(name, peer):
    """(word, sentence) on one peer."""
    if peer["agrees"] is None:
        word = {"not importable": "could not be started", "stopped": "was stopped"}.get(
            peer["status"], "failed")
        known = ""
        if peer["populations"]:
            known = (" What it recorded until then agrees." if not peer["reasons"] else
                     " What it recorded until then differs (here: on laconeu, there: on "
                     f"{name}).")
        return "FAILED", f"{name} {word}, so nothing can be said about agreement.{known}"
    if not peer["agrees"]:
        return "DIFFERS", (f"{name} and laconeu do not agree on this script (here: on laconeu, "
                           f"there: on {name}).")
    recorded = [p for p in peer["populations"] if p["recorded"]]
    if all(p["identical"] for p in recorded):
        return "AGREES", (f"{name} and laconeu agree: all spikes and signals recorded are equal, "
                          "within the tolerances.")
    if any(p["identical"] for p in recorded):
        return "AGREES", (f"{name} and laconeu agree: what does not depend on seeds is equal, and "
                          "elsewhere the two simulators differ no more than seeds do.")
    return "AGREES", (f"{name} and laconeu agree: the two simulators differ no more than runs with "
                      "different seeds do.")


def method(result):
    """Sentences on how the verdict came about."""
    tolerances = result["tolerances"]
    exact = (f"spikes within {tolerances['steps']:g} time steps, signals within "
             f"{short(tolerances['mv'])} mV, or {short(tolerances['relative'])} of the largest "
             "value in other units")
    if result["deterministic"]:
        return (f"Two runs of laconeu with different seeds are equal, so everything must be equal: "
                f"{exact}.")
    return (f"The script depends on seeds: laconeu ran {result['seeds']} times, run k with k added "
            "to every seed. Populations that depend on them may differ between simulators as they "
            "do between seeds (t-tests that together raise a false alarm in one of 100 "
            f"comparisons); others must be equal: {exact}."
            + (f" Statistics leave out the first {result['skip']:g} ms." if result["skip"] else ""))


def prefix(row):
    return f"network {row['network'] + 1}: " if row["networks"] > 1 else ""


def kind(population):
    """What stands beside the label of a population."""
    if not population["recorded"]:
        how = "nothing recorded"
    elif population["identical"]:
        how = "equal"
    else:
        how = "by the spread" if population["by_spread"] else "by equality"
    return f"{population['size']} {population['celltype']}, {how}"


def seconds(value):
    return "" if value is None else f"{value:.3f} s" if value < 10 else f"{value:.1f} s"


def number(value, sign=""):
    return "" if value is None else short(value, 4, sign)


def difference_of(ours, theirs):
    return f"{theirs - ours:+d}" if theirs != ours else "0"


def spread(values):
    """Mean and standard deviation between seeds as text."""
    values = np.array([value for value in values if value is not None], float)
    if not values.size:
        return "undefined"
    if np.ptp(values) <= 1e-9 * np.abs(values).max():
        return short(values[0], 4)
    return f"{short(values.mean(), 4)} ± {short(values.std(ddof=1), 2)}"


def extent(counts):
    """A count, or the least and the most."""
    known = sorted({count for count in counts if count is not None})
    return " to ".join(str(count) for count in (known[:1] + known[1:][-1:])) or "unknown"


def sharpness(result):
    """How large a difference would have gone unnoticed where seeds decide; None elsewhere."""
    widest = {}
    for name, peer in result["peers"].items():
        for population in peer["populations"]:
            for row in population["statistics"] if population["by_spread"] else ():
                mean = np.mean([value for value in row["ours"] if value is not None] or [0.0])
                if row["name"] == "rate" and row["allowed"] is not None and mean > 0:
                    share = row["allowed"] / mean
                    if share > widest.get(name, (0.0,))[0]:
                        widest[name] = share, prefix(population) + population["label"]
    if not widest:
        return None
    return ("How sharp this is: a difference in mean rate would have been seen from "
            + "; ".join(f"{100 * share:.0f} % on, with {name}, in {label} (the least certain "
                        "population)" for name, (share, label) in widest.items())
            + ". More seeds (--seeds) or a longer simulation tell smaller ones.")


# --- terminal ---------------------------------------------------------------------------------

MARKS = {True: "[green]✓[/]", False: "[bold red]✗[/]", None: ""}
STYLES = {"AGREES": "bold green", "DIFFERS": "bold red", "FAILED": "bold yellow"}


def show(result):
    """Print everything to standard output."""
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    if not console.is_terminal:
        console = Console(width=120)
    table = Table("back end", "with", "runs", "build", "run", "data", "memory", box=box.SIMPLE,
                  title=escape(" ".join([result["script"], *result["arguments"]])),
                  title_justify="left", pad_edge=False)
    for row in run_rows(result):
        table.add_row(*(escape(cell) for cell in row))
    console.print(table)
    for name, backend in result["backends"].items():
        for note in backend["notes"]:
            console.print(f"{escape(name)}: {escape(note)}")
    if "problem" in result:
        console.print(f"[bold red]{escape(result['problem'])}[/]")
        show_failure(console, result["backends"][OWN])
        return
    for name, peer in result["peers"].items():
        show_peer(console, name, peer)
    console.print(method(result), style="dim")
    if sharpness(result):
        console.print(sharpness(result), style="dim")
    for name, peer in result["peers"].items():
        word, sentence = verdict(name, peer)
        console.print(f"[{STYLES[word]}]{word}[/]  {escape(sentence)}")
        for reason in peer["reasons"]:
            console.print(f"  - {escape(reason)}")


def show_peer(console, name, peer):
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    if peer["agrees"] is None:
        console.print(f"[bold]{escape(name)}[/]")
        show_failure(console, peer)
    if not peer["populations"]:
        return
    table = Table("", "laconeu", escape(name), "difference", "allowed", "", box=box.SIMPLE,
                  pad_edge=False)
    for column in (1, 2, 3, 4):
        table.columns[column].justify = "right"
    for population in peer["populations"]:
        table.add_row(f"[bold]{escape(prefix(population) + population['label'])}[/] "
                      f"[dim]{escape(kind(population))}[/]")
        for row in population_rows(population, name):
            table.add_row("  " + escape(row[0]), *(escape(cell) for cell in row[1:5]),
                          MARKS[row[5]])
    if peer["projections"]:
        table.add_row("[bold]connections[/]")
    for row in projection_rows(peer["projections"]):
        table.add_row("  " + escape(row[0]), *(escape(cell) for cell in row[1:5]), MARKS[row[5]])
    console.print(table)


def show_failure(console, failed):
    from rich.markup import escape

    console.print(f"[yellow]{escape((failed['error'] or '').rstrip())}[/]")
    if failed.get("log") and failed["status"] != "not importable":
        console.print("[dim]last lines printed by the script:[/]")
        console.print(escape(failed["log"]), style="dim")


def show_files(options):
    print(f"Figures and everything else: {options.html}; as data: {options.json}")


# --- page -------------------------------------------------------------------------------------

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; background: #fff; margin: 2em auto;
       max-width: 1080px; padding: 0 1em; }
h1 { font-size: 1.5em; margin-bottom: .2em; } h2 { font-size: 1.2em; margin-top: 2em; }
h3 { font-size: 1em; margin: 1.6em 0 .3em; } h3 small { font-weight: normal; color: #666; }
code, pre { font: 13px/1.4 ui-monospace, monospace; background: #f4f4f4; }
pre { padding: .8em; overflow: auto; max-height: 24em; }
.verdict { border-left: 6px solid; padding: .6em 1em; margin: .8em 0; }
.verdict b { margin-right: .6em; } .verdict ul { margin: .4em 0 0; padding-left: 1.2em; }
.AGREES { border-color: #2a8a2a; background: #eef8ee; } .AGREES b { color: #1e6e1e; }
.DIFFERS { border-color: #c22; background: #fdf0f0; } .DIFFERS b { color: #b01515; }
.FAILED { border-color: #d9a400; background: #fdf8e8; } .FAILED b { color: #8a6800; }
table { border-collapse: collapse; margin: .4em 0; } .wide { overflow-x: auto; }
th, td { text-align: left; padding: .15em .9em .15em 0; border-bottom: 1px solid #e6e6e6; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
tr.head td { border-bottom: 1px solid #999; padding-top: 1em; }
.yes { color: #1e6e1e; } .no { color: #b01515; font-weight: bold; }
img { max-width: 100%; display: block; margin: .4em 0; } .quiet { color: #666; }
"""
NOTES = """
<p class="quiet">CV of intervals: standard deviation of a cell's intervals over their mean,
averaged over cells (1 for a Poisson process). Pairwise correlation: of spike counts in bins of
5 ms, averaged over pairs. KS distance of rates: largest distance between the cumulative
distributions of the cells' rates, averaged over pairs of runs. Distributions drawn are of all runs
together, with the outermost hundredth in the outer bins. ± is the standard deviation between
seeds. Statistics by elephant. Build: from setup() to the last run(); run: the calls of run(); data:
get_data() and the like, as the script calls them; medians over the runs. Memory: peak of the
process. Times are those of this machine as the script runs here, with as many threads as each
simulator takes. Where back ends are known to differ, and why: see pyNN_laconeu/README.md.</p>
"""


def write_html(result, runs, file):
    """Write the page; runs: {back end: [Run]}, whose first complete runs are drawn."""
    parts = [f"<h1>{escape(Path(result['script']).name)}</h1>",
             f"<p class=quiet><code>{escape(' '.join([result['script'], *result['arguments']]))}"
             "</code></p>"]
    if "problem" in result:
        parts.append(verdict_box("FAILED", result["problem"], []))
        parts.append(failure_box(result["backends"][OWN]))
    for name, peer in result["peers"].items():
        word, sentence = verdict(name, peer)
        parts.append(verdict_box(word, sentence, peer["reasons"]))
        if peer["agrees"] is None:
            parts.append(failure_box(peer))
    if "deterministic" in result:
        parts.append(f"<p>{escape(method(result))}</p>")
        if sharpness(result):
            parts.append(f"<p>{escape(sharpness(result))}</p>")
    parts.append(table(("back end", "with", "runs", "build", "run", "data", "memory"),
                       run_rows(result), numbers=range(2, 7)))
    for name, backend in result["backends"].items():
        parts += [f"<p class=quiet>{escape(name)}: {escape(note)}</p>" for note in backend["notes"]]
    if result["peers"]:
        parts += figures(result, runs)
        parts += [section for name, peer in result["peers"].items()
                  for section in peer_section(name, peer)]
        parts.append(NOTES)
    title = escape(f"laconeu compare {Path(result['script']).name}")
    Path(file).write_text(
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>\n'
        + "\n".join(parts) + "\n</body></html>\n", encoding="utf-8")


def escape(text):
    return html.escape(str(text))


def verdict_box(word, sentence, reasons):
    listed = "".join(f"<li>{escape(reason)}</li>" for reason in reasons)
    return (f'<div class="verdict {word}"><b>{word}</b>{escape(sentence)}'
            f"{f'<ul>{listed}</ul>' if listed else ''}</div>")


def failure_box(failed):
    log = ""
    if failed.get("log"):
        log = f"<p>Last lines printed by the script:</p><pre>{escape(failed['log'])}</pre>"
    return f"<pre>{escape(failed['error'] or '')}</pre>{log}"


def table(headings, rows, numbers=()):
    """An HTML table of texts; `numbers`: columns that are set flush right."""
    classes = ["class=n" if column in numbers else "" for column in range(len(headings))]
    head = "".join(f"<th {c}>{escape(h)}</th>" for c, h in zip(classes, headings))
    body = "".join("<tr>" + "".join(f"<td {c}>{escape(cell)}</td>" for c, cell in zip(classes, row))
                   + "</tr>" for row in rows)
    return f"<div class=wide><table><tr>{head}</tr>{body}</table></div>"


def peer_section(name, peer):
    if not peer["populations"]:
        return []
    marks = {True: "<span class=yes>✓</span>", False: "<span class=no>✗</span>", None: ""}
    rows = []

    def add(row):
        cells = "".join(f"<td class=n>{escape(cell)}</td>" for cell in row[1:5])
        rows.append(f"<tr><td>{escape(row[0])}</td>{cells}<td>{marks[row[5]]}</td></tr>")

    for population in peer["populations"]:
        rows.append(f"<tr class=head><td colspan=6><b>"
                    f"{escape(prefix(population) + population['label'])}</b> "
                    f"<span class=quiet>{escape(kind(population))}</span></td></tr>")
        for row in population_rows(population, name):
            add(row)
    if peer["projections"]:
        rows.append("<tr class=head><td colspan=6><b>connections</b></td></tr>")
    for row in projection_rows(peer["projections"]):
        add(row)
    head = "".join(f"<th class=n>{escape(text)}</th>"
                   for text in ("laconeu", name, "difference", "allowed"))
    return [f"<h2>laconeu and {escape(name)} in numbers</h2>",
            f"<div class=wide><table><tr><th></th>{head}<th></th></tr>",
            *rows, "</table></div>"]


# --- figures ----------------------------------------------------------------------------------


def figures(result, runs):
    """HTML of one section for each population that recorded anything."""
    drawn = {name: side[0] for name, side in runs.items() if side[0].networks}
    colours = dict(zip(drawn, COLOURS * len(drawn)))
    populations = [population for network in drawn[OWN].networks
                   for population in network.populations if population.recorded]
    parts = ["<h2>What was recorded</h2>"]
    for ours in populations[:FIGURES]:
        sides = {name: partner for name, run in drawn.items()
                 if (partner := partner_of(result, name, run, ours)) is not None}
        where = f"network {ours.network + 1}: " if len(drawn[OWN].networks) > 1 else ""
        parts.append(f"<h3>{escape(where + ours.label)} <small>{ours.size} "
                     f"{escape(ours.celltype)}</small></h3>")
        if any(side.trains for side in sides.values()):
            parts.append(image(raster_figure(sides, colours, first_differences(result, ours)),
                               f"rasters of {ours.label}"))
            described = {name: [run.described[partner.network, partner.number]
                                for run in runs[name]
                                if (partner := partner_of(result, name, run, ours)) is not None]
                         for name in sides}
            parts.append(image(distribution_figure(described, colours),
                               f"distributions of {ours.label}"))
        for name in dict.fromkeys(signal.name for signal in ours.signals):
            parts.append(image(trace_figure(sides, colours, name), f"{name} of {ours.label}"))
    if len(populations) > FIGURES:
        parts.append(f"<p class=quiet>{len(populations) - FIGURES} more populations without "
                     "figures.</p>")
    return parts


def partner_of(result, name, run, ours):
    """The population of another back end's run that belongs to `ours`; None if there is none."""
    if name != OWN and not any(list(p["key"]) == [ours.network, ours.number]
                               for p in result["peers"][name]["populations"]):
        return None
    if ours.network >= len(run.networks):
        return None
    populations = run.networks[ours.network].populations
    if ours.number < len(populations) and populations[ours.number].label == ours.label:
        return populations[ours.number]
    return next((p for p in populations if p.label == ours.label), None)


def first_differences(result, ours):
    """{peer: first differing spike} where spikes should be equal."""
    found = {}
    for name, peer in result["peers"].items():
        for population in peer["populations"]:
            if list(population["key"]) == [ours.network, ours.number]:
                spikes = population["exact"] and population["exact"]["spikes"]
                if spikes and spikes["first"] and not population["by_spread"]:
                    found[name] = spikes["first"]
    return found


def new_figure(width, height, rows, columns, **keywords):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **keywords)
    for one in axes.flat:
        one.spines[["top", "right"]].set_visible(False)
    return figure, axes


def image(figure, alternative):
    """An <img> with the figure inside, sharp on screens of two pixels per pixel too."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150)
    data = base64.b64encode(buffer.getvalue()).decode()
    width = round(100 * figure.get_figwidth())
    return f'<img width={width} alt="{escape(alternative)}" src="data:image/png;base64,{data}">'


def shown_cells(sides):
    """At most RASTER_CELLS of the cells recorded, evenly spread over them."""
    cells = np.unique(np.concatenate([side.trains[0].cells for side in sides.values()
                                      if side.trains]))
    if len(cells) <= RASTER_CELLS:
        return cells
    return cells[np.linspace(0, len(cells) - 1, RASTER_CELLS).astype(int)]


def raster_figure(sides, colours, differences):
    """Spikes of each back end side by side, above the rate of all recorded cells."""
    from matplotlib.ticker import MaxNLocator

    cells = shown_cells(sides)
    first = next(side.trains[0] for side in sides.values() if side.trains)
    start, stop = first.t_start, first.t_stop
    most = max(np.isin(side.trains[0].cell, cells).sum() for side in sides.values() if side.trains)
    if most > RASTER_SPIKES:
        start = stop - (stop - start) * RASTER_SPIKES / most
    figure, axes = new_figure(10.4, 4.2, 2, len(sides), sharex=True, sharey="row",
                              height_ratios=(2.2, 1))
    bins = np.linspace(start, stop, 1 + int(np.clip((stop - start) / 5.0, 1, 200)))
    for column, (name, side) in enumerate(sides.items()):
        top, bottom = axes[:, column]
        top.set_title(name, color=colours[name], fontsize=11, fontweight="bold")
        bottom.set_xlabel("time (ms)")
        if not side.trains:
            top.text(0.5, 0.5, "no spikes recorded", ha="center", transform=top.transAxes)
            continue
        trains = side.trains[0]
        seen = np.isin(trains.cell, cells) & (trains.time >= start)
        size = np.clip(1200 / max(1, seen.sum()), 0.4, 6)
        top.plot(trains.time[seen], np.searchsorted(cells, trains.cell[seen]), "|", ms=2 + size / 2,
                 mew=0.5 + size / 8, color=colours[name], rasterized=True)
        width = np.diff(bins)[0]
        counts = np.histogram(trains.time, bins)[0]
        bottom.stairs(counts / len(trains.cells) / width * 1e3, bins, fill=True,
                      color=colours[name], alpha=0.7)
        if name in differences:
            difference = differences[name]
            time = difference["there"] if difference["there"] is not None else difference["here"]
            top.plot(time, np.searchsorted(cells, difference["cell"]), "o", ms=11, mfc="none",
                     mec="#b01515", mew=1.5, label="first differing spike")
            top.legend(fontsize=8, loc="upper right")
    axes[0, 0].set(ylabel=cell_label(cells, len(first.cells)), xlim=(start, stop),
                   ylim=(-0.7, len(cells) - 0.3))
    if np.array_equal(cells, np.arange(len(cells))):
        axes[0, 0].yaxis.set_major_locator(MaxNLocator(5, integer=True))
    else:
        ticks = np.unique(np.linspace(0, len(cells) - 1, min(5, len(cells))).astype(int))
        axes[0, 0].set_yticks(ticks, [str(cells[tick]) for tick in ticks])
    axes[1, 0].set_ylabel("rate (Hz)")
    axes[1, 0].set_ylim(bottom=0)
    return figure


def cell_label(cells, recorded):
    return "cell" if len(cells) == recorded else f"cell\n({len(cells)} of {recorded} recorded)"


def distribution_figure(described, colours):
    """Rates, CVs and correlations of all runs, back ends over one another."""
    figure, axes = new_figure(10.4, 2.5, 1, 3)
    for axis, (key, title) in zip(axes[0], (
            ("rates", "rate of a cell (Hz)"), ("cvs", "CV of a cell's intervals"),
            ("correlations", "correlation of a pair of cells"))):
        values = {name: np.concatenate([one[key] for one in side] or [np.empty(0)])
                  for name, side in described.items()}
        everything = np.concatenate(list(values.values()))
        axis.set(xlabel=title, yticks=[])
        if not everything.size:
            axis.text(0.5, 0.5, "not enough spikes", ha="center", color="#666",
                      transform=axis.transAxes)
            continue
        low, high = np.percentile(everything, (0.5, 99.5))
        if high - low < 1e-9 * max(1.0, abs(high)):
            low, high = low - 0.5, high + 0.5
        bins = np.linspace(low, high, 31)
        for name, some in values.items():
            if some.size:
                axis.hist(np.clip(some, low, high), bins, weights=np.full(some.size, 1 / some.size),
                          histtype="step", lw=1.8 if name == OWN else 1.3, color=colours[name],
                          label=name, ls="-" if name == OWN else "--")
        axis.set_ylim(bottom=0)
    axes[0, 0].set_ylabel("share of cells")
    axes[0, 2].set_ylabel("share of pairs")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    if handles:
        axes[0, 0].legend(handles, labels, fontsize=8, frameon=False)
    return figure


def trace_figure(sides, colours, name):
    """One signal of a few cells, back ends over one another, and how far they are apart."""
    signals = {backend: signal for backend, side in sides.items()
               if (signal := next((s for s in side.signals if s.name == name), None)) is not None}
    ours = signals[OWN]
    rows = min(TRACE_CELLS, len(ours.cells))
    figure, axes = new_figure(10.4, 1.5 * rows + 1.3, rows + 1, 1, sharex=True,
                              height_ratios=[1] * rows + [0.7])
    last = min(len(ours.values), TRACE_SAMPLES)
    for row in range(rows):
        axis = axes[row, 0]
        for backend, signal in signals.items():
            column = np.flatnonzero(signal.cells == ours.cells[row])
            if column.size:
                values = signal.values[:last, column[0]]
                axis.plot(signal.t_start + np.arange(len(values)) * signal.interval, values,
                          color=colours[backend], lw=2.4 if backend == OWN else 1.1, label=backend,
                          ls="-" if backend == OWN else "--", alpha=0.6 if backend == OWN else 1)
        axis.set_ylabel(f"{name} ({ours.units})\ncell {ours.cells[row]}")
    axes[0, 0].legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=len(signals), fontsize=8,
                      frameon=False)
    bottom = axes[rows, 0]
    for backend, signal in signals.items():
        if backend == OWN or signal.values[:last].shape != ours.values[:last].shape:
            continue
        apart = np.abs(signal.values[:last] - ours.values[:last]).max(axis=1)
        bottom.plot(signal.t_start + np.arange(last) * signal.interval, apart,
                    color=colours[backend], lw=1)
    bottom.set_ylabel(f"largest\n|difference|\n({ours.units})")
    bottom.set_xlabel("time (ms)" if last == len(ours.values)
                      else f"time (ms), the first {last} of {len(ours.values)} samples")
    return figure
