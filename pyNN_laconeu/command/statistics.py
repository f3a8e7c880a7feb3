"""
What one run of a script recorded, and the statistics of its activity, which are elephant's.

`load` reads what capture.py has written; `describe` computes the statistics of a population.
Needs numpy; `describe` also elephant, neo and quantities.
"""

import json
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

BIN = 5.0  # ms, of the counts that are correlated
CORRELATED_CELLS = 100  # cells that are paired with one another: 4950 pairs
INTERVAL_CELLS = 500  # cells whose intervals are looked at
FEWEST_INTERVALS = 3  # of a cell whose CV counts


@dataclass
class Run:
    """One run of the script on one back end.

    status: 'complete', 'failed', 'not importable', 'died', 'stopped'. error: text, else None.
    about: what capture.py wrote. networks: the Networks. log: what the script printed.
    seconds: how long the process took. described: {(network, population): describe(...)}.
    """

    backend: str
    seed: int
    status: str = "complete"
    error: str | None = None
    about: dict = field(default_factory=dict)
    networks: list = field(default_factory=list)
    log: str = ""
    seconds: float = 0.0
    described: dict = field(default_factory=dict)

    def describe(self, skip=0.0):
        """Fill in `described`; skip: ms at the beginning of each segment that do not count."""
        self.described = {(population.network, population.number): describe(population, skip)
                          for network in self.networks for population in network.populations}


@dataclass
class Network:
    """What one setup() began. projections: dicts of label, connections, error, native_rng."""

    number: int
    dt: float  # ms
    populations: list
    projections: list


@dataclass
class Population:
    """What one population recorded.

    trains: one Trains for each reset() and clearing. signals: all Signals. errors: sentences.
    """

    network: int
    number: int
    label: str
    size: int
    celltype: str
    dt: float  # ms
    recorded: list
    errors: list
    trains: list
    signals: list


@dataclass
class Trains:
    """Spikes of one segment, ordered by cell, then time."""

    segment: int
    t_start: float  # ms
    t_stop: float  # ms
    cells: np.ndarray  # int64 [recorded cells], ascending
    cell: np.ndarray  # int64 [spikes]
    time: np.ndarray  # ms, float64 [spikes]

    def since(self, start):
        """These from `start` (ms) on."""
        late = self.time >= start
        return Trains(self.segment, max(self.t_start, start), self.t_stop, self.cells,
                      self.cell[late], self.time[late])

    def split(self):
        """The spike times (ms) of each recorded cell, as a list of arrays."""
        edges = np.searchsorted(self.cell, self.cells, "right")
        return np.split(self.time, edges)[:-1] if len(self.cells) else []


@dataclass
class Signal:
    """One recorded variable in one segment. piece: how manieth since reset() or clearing."""

    name: str
    units: str
    segment: int
    piece: int
    t_start: float  # ms
    interval: float  # ms
    cells: np.ndarray  # int64 [recorded cells]
    values: np.ndarray  # float64 [samples, recorded cells]


def load(folder, backend, seed):
    """The Run that capture.py has left in `folder`; its status is 'died' if there is none."""
    folder = Path(folder)
    try:
        about = json.loads((folder / "about.json").read_text())
    except (OSError, ValueError):
        return Run(backend, seed, status="died")
    arrays = {}
    if (folder / "arrays.npz").exists():
        with np.load(folder / "arrays.npz") as stored:
            arrays = {name: stored[name] for name in stored.files}
    networks = [
        Network(number, network.get("dt", 0.0),
                [_population(entry, number, place, network.get("dt", 0.0), arrays)
                 for place, entry in enumerate(network["populations"])],
                network["projections"])
        for number, network in enumerate(about["networks"])
    ]
    return Run(backend, seed, about["status"], about["error"], about, networks)


def _population(entry, network, number, dt, arrays):
    trains, signals = [], []
    for key in sorted(entry["segments"], key=lambda key: [int(part) for part in key.split("/")]):
        segment, piece = (int(part) for part in key.split("/"))
        kept = entry["segments"][key]
        place = f"{network}/{number}/{key}/"
        if place + "cells" in arrays:
            trains.append(Trains(segment, kept["t_start"], kept["t_stop"], arrays[place + "cells"],
                                 arrays[place + "spike_cell"], arrays[place + "spike_time"]))
        for signal in kept["signals"]:
            values = arrays[place + signal["array"]]
            cells = arrays[place + signal["array"] + "/cells"]
            order = np.argsort(cells, kind="stable")
            signals.append(Signal(signal["name"], signal["units"], segment, piece,
                                  signal["t_start"], signal["interval"], cells[order],
                                  values[:, order]))
    return Population(network, number, entry["label"], entry["size"], entry["celltype"], dt,
                      entry["recorded"], entry["errors"], _joined(trains), signals)


def _joined(trains):
    """One Trains per segment: those between two clearings joined."""
    joined = []
    for piece in trains:
        last = joined[-1] if joined else None
        if last is None or last.segment != piece.segment:
            joined.append(piece)
            continue
        cell, time = np.append(last.cell, piece.cell), np.append(last.time, piece.time)
        order = np.lexsort((time, cell))
        joined[-1] = Trains(last.segment, min(last.t_start, piece.t_start),
                            max(last.t_stop, piece.t_stop), np.union1d(last.cells, piece.cells),
                            cell[order], time[order])
    return joined


def describe(population, skip=0.0):
    """The statistics of one population in one run, without the first `skip` ms of each segment.

    Returns a dict with `spikes` (number), `rate` (Hz, mean over cells), `cv` (mean over cells of
    the CV of intervals), `correlation` (mean over pairs of the correlation coefficient of counts
    in bins of BIN ms), each None where it is not defined; their distributions `rates`, `cvs`,
    `correlations` (arrays); and `signals`, {name: dict of units, mean and sd}.
    """
    result = dict(spikes=None, rate=None, cv=None, correlation=None, rates=np.empty(0),
                  cvs=np.empty(0), correlations=np.empty(0),
                  signals=_signal_statistics(population.signals, skip))
    if "spikes" not in population.recorded:
        return result
    segments = [trains.since(skip) for trains in population.trains if trains.t_stop > skip]
    result["spikes"] = int(sum(trains.time.size for trains in segments))
    result["rates"] = _rates(segments)
    result["cvs"] = _variations(segments)
    result["correlations"] = _correlations(segments)
    for name, values in (("rate", "rates"), ("cv", "cvs"), ("correlation", "correlations")):
        if result[values].size:
            result[name] = float(result[values].mean())
    return result


def _signal_statistics(signals, skip):
    gathered = {}
    for signal in signals:
        first = max(0, int(np.ceil((skip - signal.t_start) / signal.interval - 1e-6)))
        gathered.setdefault((signal.name, signal.units), []).append(signal.values[first:].ravel())
    gathered = {key: np.concatenate(values) for key, values in gathered.items()}
    return {name: dict(units=units, mean=float(values.mean()), sd=float(values.std()))
            for (name, units), values in gathered.items() if values.size}


def _rates(segments):
    """Hz, of each recorded cell over all segments."""
    import elephant.statistics

    counted, lasted = {}, {}
    for trains in segments:
        length = trains.t_stop - trains.t_start
        if length <= 0:
            continue
        for cell, times in zip(trains.cells.tolist(), trains.split()):
            rate = 0.0  # elephant refuses empty trains
            if times.size:
                rate = elephant.statistics.mean_firing_rate(times, trains.t_start, trains.t_stop)
            counted[cell] = counted.get(cell, 0.0) + rate * length
            lasted[cell] = lasted.get(cell, 0.0) + length
    # Rounded: a back end whose clock says 100.00000000000425 ms must not have other rates.
    return np.array([round(1e3 * counted[cell] / lasted[cell], 6) for cell in counted])


def _variations(segments):
    """CV of the intervals of each cell that has enough of them."""
    import elephant.statistics

    values = []
    for trains in segments:
        split = trains.split()
        for place in _sample(len(split), INTERVAL_CELLS):
            if split[place].size > FEWEST_INTERVALS:
                intervals = elephant.statistics.isi(split[place])
                values.append(elephant.statistics.cv(intervals))
    values = np.array(values, float)
    return values[np.isfinite(values)]


def _correlations(segments):
    """Correlation coefficients of pairs of cells, over the longest segment."""
    import neo
    import quantities as pq
    from elephant.conversion import BinnedSpikeTrain
    from elephant.spike_train_correlation import correlation_coefficient

    if not segments:
        return np.empty(0)
    trains = max(segments, key=lambda trains: trains.t_stop - trains.t_start)
    bins = int((trains.t_stop - trains.t_start) / BIN + 1e-9)
    stop = trains.t_start + bins * BIN
    split = trains.split()
    chosen = [split[place] for place in _sample(len(split), CORRELATED_CELLS)]
    chosen = [times[times < stop] for times in chosen]
    chosen = [times for times in chosen if times.size]
    if bins < 2 or len(chosen) < 2:
        return np.empty(0)
    neo_trains = [neo.SpikeTrain(times, units=pq.ms, t_start=trains.t_start, t_stop=stop)
                  for times in chosen]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a cell with the same count in every bin
        binned = BinnedSpikeTrain(neo_trains, bin_size=BIN * pq.ms, n_bins=bins,
                                  t_start=trains.t_start * pq.ms)
        matrix = correlation_coefficient(binned)
    values = matrix[np.triu_indices(len(chosen), 1)]
    return values[np.isfinite(values)]


def _sample(size, most):
    """At most so many places out of `size`, the same ones on every call."""
    if size <= most:
        return range(size)
    return np.sort(np.random.default_rng(0).choice(size, most, replace=False))


def kolmogorov_smirnov(ours, theirs):
    """Largest distance between two cumulative distributions; None if one is empty."""
    from scipy.stats import ks_2samp

    if not len(ours) or not len(theirs):
        return None
    return float(ks_2samp(ours, theirs, method="asymp").statistic)
