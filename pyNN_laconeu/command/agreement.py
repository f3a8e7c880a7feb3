"""
Whether a peer agrees with laconeu on a script, population by population.

A population that records the same whatever the seed is judged by equality: every spike of every
cell within a fraction of a time step, every sample of every signal within a tolerance. One that
depends on the seed is judged by the spread between seeds, unless it is equal anyway: the means over
the seeds may differ by what a t-test allows two samples of one distribution (pooled variance, both
sides), at a level shared by all tests, so that two simulators that agree are called different in
one comparison of 1 / FALSE_ALARMS at most. Numbers of connections must be equal, except where the
connector drew them from the back end's own generator.
"""

from dataclasses import dataclass

import numpy as np

from .statistics import kolmogorov_smirnov

FALSE_ALARMS = 0.01
# Smallest differences that count, whatever the spread: rounding, far below any spread worth a test
RESOLUTION = 1e-9


@dataclass
class Tolerances:
    """steps: of spike times, in time steps. mv: of signals in mV. relative: of other signals, as a
    fraction of the largest magnitude."""

    steps: float = 0.5
    mv: float = 1e-6
    relative: float = 1e-6


def compare_peer(ours, theirs, tolerances):
    """Judge one peer.

    Arguments:
        ours, theirs: lists of Runs, described, of the same seeds as far as the shorter one goes.

    Returns a dict: agrees, reasons (sentences), populations, projections (lists of dicts).
    """
    reasons = []
    pairs = match_populations(ours[0], theirs[0], reasons)
    populations = [_begin(ours, theirs, pair, tolerances) for pair in pairs]
    projections = _match_projections(ours, theirs, reasons)
    level = FALSE_ALARMS / max(1, sum(len(p["statistics"]) for p in populations if p["by_spread"])
                               + sum(p["by_spread"] for p in projections))
    for population in populations:
        _judge_population(population, level, reasons)
    for projection in projections:
        _judge_projection(projection, level, reasons)
    return dict(agrees=not reasons, reasons=reasons, populations=populations,
                projections=projections)


def depends_on_seed(runs):
    """{(network, population): whether what it recorded differs between these Runs}."""
    first, *others = runs
    result = {}
    for network in first.networks:
        for population in network.populations:
            key = network.number, population.number
            result[key] = any(_identity(population) != _identity(_find(other, key))
                              for other in others)
    return result


def _identity(population):
    """Bytes that two populations share if they recorded the same."""
    if population is None:
        return None
    arrays = [array for trains in population.trains for array in
              (trains.cells, trains.cell, trains.time)]
    arrays += [array for signal in population.signals for array in (signal.cells, signal.values)]
    return [array.tobytes() for array in arrays]


def _find(run, key):
    network, population = key
    if network < len(run.networks) and population < len(run.networks[network].populations):
        return run.networks[network].populations[population]
    return None


# --- what belongs together --------------------------------------------------------------------


def match_populations(ours, theirs, reasons):
    """Keys ((network, population) here, the same there) of what belongs together.

    By order; where label, size or cell type differ, by label. What is left over is a reason.
    """
    pairs = []
    if len(ours.networks) != len(theirs.networks):
        reasons.append(f"{_count(len(ours.networks), 'network')} here, "
                       f"{len(theirs.networks)} there")
    for here, there in zip(ours.networks, theirs.networks):
        where = _where(here.number, len(ours.networks))
        if abs(here.dt - there.dt) > 1e-9:
            reasons.append(f"{where}time step {here.dt:g} ms here, {there.dt:g} ms there")
        left = list(there.populations)
        for population in here.populations:
            partner = next((other for other in left if other.number == population.number
                            and _alike(population, other)), None)
            partner = partner or next((other for other in left if other.label == population.label),
                                      None)
            if partner is None:
                reasons.append(f"{where}population {population.label} is not there")
                continue
            left.remove(partner)
            if not _alike(population, partner, label=False):
                reasons.append(f"{where}{population.label} has {_kind(population)} here, "
                               f"{_kind(partner)} there")
                continue
            pairs.append(((here.number, population.number), (there.number, partner.number)))
        for other in left:
            reasons.append(f"{where}population {other.label} is there only")
    return pairs


def _alike(ours, theirs, label=True):
    return (ours.size == theirs.size and ours.celltype == theirs.celltype
            and (not label or ours.label == theirs.label))


def _kind(population):
    return f"{population.size} {population.celltype}"


def _count(number, noun):
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _where(number, networks):
    return f"network {number + 1}, " if networks > 1 else ""


# --- populations ------------------------------------------------------------------------------


def _begin(ours, theirs, pair, tolerances):
    """What there is to say about one population before anything is judged."""
    here, there = _find(ours[0], pair[0]), _find(theirs[0], pair[1])
    equal = [compare_exactly(_find(one, pair[0]), _find(other, pair[1]), tolerances)
             for one, other in zip(ours, theirs)
             if _find(one, pair[0]) is not None and _find(other, pair[1]) is not None]
    random = depends_on_seed(ours)
    depends = random[pair[0]]
    if not depends and any(random.values()) and not here.signals and not _spikes(here):
        depends = True  # silent in a random network: no certainty that it always is
    identical = all(one["equal"] for one in equal)
    statistics = _statistics([run.described.get(pair[0]) for run in ours],
                             [run.described.get(pair[1]) for run in theirs])
    return dict(key=pair[0], label=here.label, network=here.network, size=here.size,
                networks=len(ours[0].networks), celltype=here.celltype, recorded=here.recorded,
                missing=sorted(set(here.recorded) ^ set(there.recorded)),
                errors=dict(ours=here.errors, theirs=there.errors),
                by_spread=depends and not identical, depends_on_seed=depends,
                identical=identical, exact=equal[0] if equal else None, every_seed=equal,
                statistics=statistics)


def _spikes(population):
    return sum(trains.time.size for trains in population.trains)


def compare_exactly(ours, theirs, tolerances):
    """Spike by spike and sample by sample: a dict of equal, spikes (or None), signals."""
    spikes = None
    if "spikes" in ours.recorded and "spikes" in theirs.recorded:
        spikes = _compare_spikes(ours, theirs, tolerances.steps)
    signals = _compare_signals(ours, theirs, tolerances)
    equal = (set(ours.recorded) == set(theirs.recorded) and (spikes is None or spikes["equal"])
             and all(signal["equal"] for signal in signals))
    return dict(equal=equal, spikes=spikes, signals=signals)


def _compare_spikes(ours, theirs, tolerance):
    """dict of equal, numbers here and there, cells that differ, first difference, shift.

    first: dict of segment, cell, number (from 1), here, there (ms or None), steps (or None).
    shift: (least, most) steps by which spikes are later there, where their numbers agree.
    """
    dt = ours.dt or 1.0
    first, differing, shifts, note = None, 0, [], None
    if [t.segment for t in ours.trains] != [t.segment for t in theirs.trains]:
        note = f"{len(ours.trains)} segments here, {len(theirs.trains)} there"
    for here, there in zip(ours.trains, theirs.trains):
        if not np.array_equal(here.cells, there.cells):
            note = f"{len(here.cells)} cells recorded here, {len(there.cells)} there, or others"
            continue
        for cell, a, b in zip(here.cells.tolist(), here.split(), there.split()):
            shared = min(a.size, b.size)
            steps = (b[:shared] - a[:shared]) / dt
            apart = np.flatnonzero(np.abs(steps) > tolerance + 1e-6)
            if a.size == b.size and not apart.size:
                continue
            differing += 1
            if a.size == b.size:
                shifts.append((steps.min(), steps.max()))
            place = int(apart[0]) if apart.size else shared
            times = [float(x[place]) if place < x.size else None for x in (a, b)]
            when = min(time for time in times if time is not None)
            if first is None or (here.segment, when) < (first["segment"], first["when"]):
                first = dict(segment=here.segment, cell=cell, number=place + 1, when=when,
                             here=times[0], there=times[1],
                             steps=None if None in times else (times[1] - times[0]) / dt)
    shift = None
    if shifts and len(shifts) == differing:
        shift = float(min(least for least, _ in shifts)), float(max(most for _, most in shifts))
    return dict(equal=first is None and note is None, here=_spikes(ours), there=_spikes(theirs),
                cells=len(ours.trains[0].cells) if ours.trains else 0, differing=differing,
                first=first, shift=shift, note=note)


def _compare_signals(ours, theirs, tolerances):
    """One dict for each signal and segment: largest |difference|, where, tolerance, equal."""
    results = []
    others = {(s.name, s.segment, s.piece): s for s in theirs.signals}
    for here in ours.signals:
        there = others.get((here.name, here.segment, here.piece))
        result = dict(name=here.name, units=here.units, segment=here.segment,
                      piece=here.piece, t_start=here.t_start, largest=None,
                      cell=None, time=None, tolerance=None, equal=False, note=None)
        results.append(result)
        if there is None:
            result["note"] = "not recorded there"
            continue
        apart = _sampled_differently(here, there)
        if apart:
            result["note"] = apart
            continue
        scale = max(np.abs(here.values).max(initial=0), np.abs(there.values).max(initial=0))
        tolerance = tolerances.mv if here.units == "mV" else tolerances.relative * float(scale)
        difference = np.abs(here.values - there.values)
        if difference.size:
            sample, column = np.unravel_index(np.argmax(difference), difference.shape)
            result.update(largest=float(difference[sample, column]),
                          cell=int(here.cells[column]),
                          time=float(here.t_start + sample * here.interval))
        else:
            result["largest"] = 0.0
        result.update(tolerance=tolerance, equal=bool(result["largest"] <= tolerance))
    return results


def _sampled_differently(here, there):
    """Why two signals cannot be compared sample by sample; None if they can."""
    if here.units != there.units:
        return f"in {here.units} here, in {there.units} there"
    if not np.array_equal(here.cells, there.cells):
        return f"{len(here.cells)} cells recorded here, {len(there.cells)} there, or others"
    if abs(here.interval - there.interval) > 1e-9 or abs(here.t_start - there.t_start) > 1e-6:
        return (f"sampled from {here.t_start:g} ms every {here.interval:g} ms here, from "
                f"{there.t_start:g} ms every {there.interval:g} ms there")
    if len(here.values) != len(there.values):
        return f"{len(here.values)} samples here, {len(there.values)} there"
    return None


def _statistics(ours, theirs):
    """The statistics of a population, seed by seed: a list of dicts, not judged yet."""
    ours, theirs = [d for d in ours if d], [d for d in theirs if d]
    if not ours or not theirs:
        return []
    rows = []
    if ours[0]["spikes"] is not None:
        for name, title, unit in (("rate", "mean rate", "Hz"), ("cv", "CV of intervals", ""),
                                  ("correlation", "pairwise correlation", "")):
            rows.append(dict(name=name, title=title, unit=unit, ours=[d[name] for d in ours],
                             theirs=[d[name] for d in theirs]))
        rows.append(_rate_distances(ours, theirs))
    for name, signal in ours[0]["signals"].items():
        for what, title in (("mean", "mean"), ("sd", "standard deviation")):
            rows.append(dict(name=f"{name} {what}", title=f"{title} of {name}",
                             unit=signal["units"], ours=_of_signals(ours, name, what),
                             theirs=_of_signals(theirs, name, what)))
    return rows


def _of_signals(described, name, what):
    return [d["signals"].get(name, {}).get(what) for d in described]


def _rate_distances(ours, theirs):
    """KS distances of the distributions of rates: between seeds on each side, and across."""

    def within(side):
        return [kolmogorov_smirnov(a["rates"], b["rates"])
                for place, a in enumerate(side) for b in side[place + 1:]]

    across = [kolmogorov_smirnov(a["rates"], b["rates"]) for a in ours for b in theirs]
    return dict(name="ks", title="KS distance of rates", unit="", across=across,
                ours=within(ours), theirs=within(theirs),
                cells=(len(ours[0]["rates"]), len(theirs[0]["rates"])),
                runs=(len(ours), len(theirs)))


def _judge_population(population, level, reasons):
    """Fill in agrees, and add to reasons where it does not."""
    name = _where(population["network"], population["networks"]) + population["label"]
    found = []
    if population["missing"]:
        found.append(f"{name}: {', '.join(population['missing'])} recorded on one side only")
        found += [f"{name}: {error}" for side in population["errors"].values() for error in side]
    for row in population["statistics"]:
        (_judge_distance if row["name"] == "ks" else _judge_means)(row, level)
    if population["by_spread"]:
        for row in population["statistics"]:
            if row["agrees"] is False:
                found.append(f"{name}: {row['title']} differs by {short(row['difference'])}"
                             f"{row['unit'] and ' ' + row['unit']}, the spread between seeds "
                             f"allows {short(row['allowed'])}")
    elif not population["identical"]:
        unequal = next(exact for exact in population["every_seed"] if not exact["equal"])
        found += [f"{name}: {sentence}" for sentence in explain(unequal)]
    population["agrees"] = not found
    reasons += found


def _judge_means(row, level):
    ours = np.array([value for value in row["ours"] if value is not None])
    theirs = np.array([value for value in row["theirs"] if value is not None])
    row.update(difference=None, allowed=None, agrees=None)
    if not ours.size or not theirs.size:
        return
    row["difference"] = float(theirs.mean() - ours.mean())
    row["allowed"] = _allowed(ours, theirs, level)
    if row["allowed"] is not None:
        row["agrees"] = bool(abs(row["difference"]) <= row["allowed"])


def _allowed(ours, theirs, level):
    """Largest difference of two means that the spread explains; None with too few values."""
    from scipy.stats import t

    freedom = ours.size + theirs.size - 2
    if freedom < 1:
        return None
    squares = ((ours - ours.mean()) ** 2).sum() + ((theirs - theirs.mean()) ** 2).sum()
    error = np.sqrt(squares / freedom * (1 / ours.size + 1 / theirs.size))
    size = max(np.abs(ours).max(), np.abs(theirs).max())
    return float(t.ppf(1 - level / 2, freedom) * error + RESOLUTION * size)


def _judge_distance(row, level):
    """The mean distance across may exceed the mean one between seeds as little as means may, and
    that which independent cells allow (the critical value of the two-sample test)."""
    from scipy.stats import t

    across = [value for value in row["across"] if value is not None]
    within = [value for value in row["ours"] + row["theirs"] if value is not None]
    row.update(difference=None, allowed=None, agrees=None)
    if not across:
        return
    row["difference"] = float(np.mean(across))
    n_ours, n_theirs = row["runs"]
    freedom = n_ours + n_theirs - 2
    if not within or freedom < 1:
        return
    cells = np.sqrt(-np.log(level / 2) / 2 * sum(1 / n for n in row["cells"] if n))
    factor = 1 + t.ppf(1 - level / 2, freedom) * np.sqrt(1 / n_ours + 1 / n_theirs) / 2
    row["allowed"] = float(min(1.0, max(cells, np.mean(within) * factor)))
    row["agrees"] = bool(row["difference"] <= row["allowed"])


def explain(exact):
    """Sentences on what differs where everything should be equal."""
    sentences = []
    spikes = exact["spikes"]
    if spikes and spikes["note"]:
        sentences.append("spikes: " + spikes["note"])
    if spikes and spikes["first"]:
        first = spikes["first"]
        segment = f" of segment {first['segment'] + 1}" if first["segment"] else ""
        if first["steps"] is None:
            side, time = (("here", first["here"]) if first["there"] is None
                          else ("there", first["there"]))
            what = f"at {time:.10g} ms {side} only"
        else:
            what = (f"at {first['here']:.10g} ms here, at {first['there']:.10g} ms there "
                    f"({in_steps(first['steps'])} there)")
        text = (f"first differing spike{segment}: cell {first['cell']}, spike {first['number']}, "
                f"{what}; {spikes['differing']} of {_count(spikes['cells'], 'cell')} differ, "
                f"{spikes['here']} spikes here, {spikes['there']} there")
        if spikes["shift"] is not None:
            least, most = spikes["shift"]
            text += (f"; all their spikes are {in_steps(least)} there"
                     if round(most - least, 3) == 0
                     else f"; from {in_steps(least)} to {in_steps(most)} there")
        sentences.append(text)
    for signal in exact["signals"]:
        if signal["equal"]:
            continue
        name = signal_name(signal)
        if signal["note"]:
            sentences.append(f"{name}: {signal['note']}")
        else:
            sentences.append(
                f"{name} differs by up to {short(signal['largest'])} {signal['units']} (cell "
                f"{signal['cell']} at {signal['time']:.10g} ms), allowed "
                f"{short(signal['tolerance'])}")
    return sentences


def in_steps(steps):
    """A shift as words: '2 steps later', '1 step earlier'."""
    size = f"{abs(steps):.3g}"
    return f"{size} step{'' if size == '1' else 's'} {'earlier' if steps < 0 else 'later'}"


def short(value, digits=3, sign=""):
    """A number as text, 1e-06 as 1e-6."""
    return f"{value:{sign}.{digits}g}".replace("e-0", "e-").replace("e+0", "e+")


def signal_name(signal):
    """The variable, and which piece of the recording where there are several."""
    name = signal["name"]
    if signal["segment"]:
        name += f", segment {signal['segment'] + 1}"
    if signal["piece"]:
        name += f", from {signal['t_start']:g} ms"
    return name


# --- connections ------------------------------------------------------------------------------


def _match_projections(ours, theirs, reasons):
    """The numbers of connections of each projection, seed by seed, matched by order."""
    rows = []
    for here, there in zip(ours[0].networks, theirs[0].networks):
        where = _where(here.number, len(ours[0].networks))
        if len(here.projections) != len(there.projections):
            reasons.append(f"{where}{_count(len(here.projections), 'projection')} here, "
                           f"{len(there.projections)} there")
        for place, (one, _) in enumerate(zip(here.projections, there.projections)):
            counts = [_counts(side, here.number, place) for side in (ours, theirs)]
            rows.append(dict(network=here.number, networks=len(ours[0].networks),
                             label=one["label"], connector=one["connector"], ours=counts[0],
                             theirs=counts[1], by_spread=bool(one["native_rng"])
                             and len(set(counts[0])) > 1,
                             errors=[side[0].networks[here.number].projections[place]["error"]
                                     for side in (ours, theirs)]))
    return rows


def _counts(runs, network, place):
    return [run.networks[network].projections[place]["connections"] for run in runs
            if network < len(run.networks) and place < len(run.networks[network].projections)]


def _judge_projection(row, level, reasons):
    pairs = [pair for pair in zip(row["ours"], row["theirs"]) if None not in pair]
    row["agrees"] = None
    if not pairs:
        return
    if row["by_spread"]:
        known = [np.array([n for n in row[side] if n is not None], float)
                 for side in ("ours", "theirs")]
        allowed = _allowed(*known, level)
        row["agrees"] = (allowed is None
                         or bool(abs(known[0].mean() - known[1].mean()) <= allowed))
    else:
        row["agrees"] = all(one == other for one, other in pairs)
    if not row["agrees"]:
        one, other = next(pair for pair in pairs if pair[0] != pair[1])
        reasons.append(f"{_where(row['network'], row['networks'])}{row['label']}: {one} "
                       f"connections here, {other} there")
