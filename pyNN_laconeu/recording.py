"""Recorded data: arrays while the network runs, a Neo Block when somebody asks.

Spikes are kept as (index, step) arrays and signals as (sample, neuron) arrays, in the Recorder of
their Population: they outlive the network they were recorded in. The times of one segment count
from its reset, t = step * dt.
"""

import os
import weakref
from datetime import datetime

import neo
import numpy as np
import quantities as pq
from neo.core.dataobject import ArrayDict
from neo.core.spiketrainlist import SpikeTrainList
from pyNN import errors
from pyNN.recording import Variable, get_io

from . import simulator

UNRECORDED = -1
WRITABLE = (".nix", ".h5", ".nwb", ".pkl", ".pickle", ".mat")


def sampling_steps(sampling_interval, dt, label):
    """An interval (ms) between samples in time steps of `dt` ms; None stays None, the default.

    label: names what is recorded in errors. Raises ValueError.
    """
    if sampling_interval is None:
        return None
    ratio = np.float64(sampling_interval) / dt
    every = np.rint(ratio)
    # Steps are int64 in the engine, and it adds to them.
    if not (1 <= every <= 2 ** 62 and abs(ratio - every) < 1e-6):
        raise ValueError(f"{label}: sampling_interval is {sampling_interval} ms, but must be a "
                         f"positive multiple of the time step, {dt} ms")
    return int(every)


class RecordingError(errors.RecordingError):
    """A variable that the cells of a population do not have."""

    def __init__(self, variable, population):
        super().__init__(variable, population.celltype)
        self.label = population.label

    def __str__(self):
        return (f"Population '{self.label}': cannot record {self.variable!r} from "
                f"{type(self.cell_type).__name__}, which has "
                f"{', '.join(self.cell_type.recordable)}")


class Recorder:
    """What a root Population records, and what it has recorded.

    The engine calls `begin` before it advances and `commit` afterwards. `population` is the root
    Population; `network` the one it was made in, which keeps its last time after end().
    `exact_spikes` is None, or gives the spikes with times that need not lie on the grid, see
    `arrays.SpikeTimeArrays`.
    """

    def __init__(self, population, file=None):
        self._population = weakref.ref(population)  # no cycle: a dropped network frees its memory
        self.network = population.network
        self.size = population.size
        self.file = file
        self.signals = {}  # variable -> (every, root indices int32), what is being recorded
        self.cache = []  # the Records that a reset has closed
        self.exact_spikes = None
        self.current = Record(self.size, self.network.step)

    @property
    def population(self):
        return self._population()

    def record(self, variables, ids, sampling_interval=None, locations=None):
        """Record `variables` (a name or several) from the cells `ids`, from now on.

        sampling_interval: ms, a multiple of the time step; by default that of the cells that are
        recorded already, else the time step. It has no effect on spikes.
        Raises RecordingError for a variable that the cells lack, ValueError for an interval.
        """
        names, every = self.check(variables, sampling_interval, locations)
        indices = np.unique(self._indices(ids))
        for name in names:
            if name == "spikes":
                self.current.record_spikes(indices, self.network.step)
            else:
                self._record_signal(name, indices, every)

    def check(self, variables, sampling_interval=None, locations=None):
        """Raise what record() would; returns the names, and the interval in steps or None."""
        names = self._check_names(variables, locations)
        every = sampling_steps(sampling_interval, self.network.dt,
                               f"Population '{self.population.label}'")
        for name in names:
            recorded_every = self.signals.get(name, (every,))[0]
            if every is not None and recorded_every != every:
                raise ValueError(
                    f"Population '{self.population.label}': '{name}' is recorded every "
                    f"{recorded_every * self.network.dt:g} ms already; sampling_interval is "
                    f"{sampling_interval} ms, but all its cells must have the same")
        return names, every

    def reset(self):
        """Record nothing any more, and forget what was recorded since the last reset()."""
        self.signals = {}
        self.current = Record(self.size, self.network.step)

    def clear(self):
        """Forget all data; go on recording, from now on."""
        self.cache = []
        self.current = self._new_record()

    def store_to_cache(self, annotations=None):
        """Close the segment, before the network is reset to t = 0."""
        if self.network.step > self.current.start:
            self.current.stop = self.network.step
            self.current.number = self.network.segment_counter
            self.current.annotations = dict(annotations or {})
            self.current.rec_datetime = datetime.now()
            self.cache.append(self.current)
        self.current = self._new_record(start=0)

    def get(self, variables="all", gather=False, filter_ids=None, clear=False, annotations=None,
            locations=None):
        """The data as a Neo Block: a Segment for each reset() and one for what came after."""
        names = "all" if variables == "all" else self._check_names(variables, locations)
        population = self.population
        indices = None if filter_ids is None else self._indices(filter_ids)
        block = build_block([Part(self, names, indices)])
        block.name = population.label
        block.description = population.describe()
        block.annotate(**self.metadata)
        block.annotate(**(annotations or {}))
        if clear:
            self.clear()
        return block

    def write(self, variables, file=None, gather=False, filter_ids=None, clear=False,
              annotations=None, locations=None):
        """Write the data by a Neo IO, given as such or by the name of a file."""
        write_block(file or self.file,
                    self.get(variables, gather, filter_ids, False, annotations, locations))
        if clear:
            self.clear()

    def count(self, variable, gather=True, filter_ids=None):
        """Spikes of each recorded cell since the last reset or clear: {id: number}."""
        if variable != "spikes":
            raise errors.RecordingError(variable, self.population.celltype)
        indices = self.current.recorded_spikes()
        if filter_ids is not None:
            indices = np.intersect1d(indices, self._indices(filter_ids))
        counts = self.current.count_spikes()
        first_id = int(self.population.first_id)
        return dict(zip((indices + first_id).tolist(), counts[indices].tolist()))

    def begin(self, first_step, n_steps):
        """Where the engine is to put what happens in the steps after `first_step`.

        Returns (uint8 mask [size] of the cells whose spikes count, or None; Signals whose
        `samples` [n_samples, n_index] are to be filled at the steps first, first + every, ...).
        """
        self._asked = int(first_step)
        population = self.population
        for signal in self.current.signals:
            signal.begin(self._asked, int(n_steps), population.state[signal.variable])
        return self.current.spike_mask, list(self.current.signals)

    def commit(self, n_steps_done, spike_index, spike_step, spike_count=None):
        """Keep what was recorded in the `n_steps_done` steps since `begin`.

        spike_index int32, spike_step int64, ordered by (step, index); spike_count int32 or None:
        how many spikes of that neuron in that step.
        """
        if len(spike_index):
            time = None
            if self.exact_spikes is not None:
                # Those stamped 0, before the first step, belong to it.
                spike_index, spike_step, time = self.exact_spikes(
                    self._asked - (self._asked == 0), self._asked + int(n_steps_done))
                recorded = self.current.spike_mask[spike_index].astype(bool)
                spike_index, spike_step = spike_index[recorded], spike_step[recorded]
                spike_count = None  # one by one
                # One that is a grid point but for rounding must not lie beyond it.
                time = np.minimum(time[recorded], _time(spike_step, self.network.dt))
            self.current.spikes.append((
                np.asarray(spike_index, np.int32), np.asarray(spike_step, np.int64),
                None if spike_count is None else np.asarray(spike_count, np.int32), time))
        for signal in self.current.signals:
            signal.commit(self._asked + int(n_steps_done))

    @property
    def metadata(self):
        population = self.population
        return {
            "size": population.size, "first_index": 0, "last_index": len(population),
            "first_id": int(population.first_id), "last_id": int(population.last_id),
            "label": population.label, "simulator": simulator.name, **population.annotations,
            "dt": self.network.dt, "mpi_processes": simulator.state.num_processes,
        }

    def _indices(self, ids):
        return np.asarray(ids, np.int64) - int(self.population.first_id)

    def _check_names(self, variables, locations=None):
        if locations is not None:
            raise NotImplementedError(
                f"Population '{self.population.label}': point neurons have no locations "
                f"({locations!r}) to record from")
        names = [variables] if isinstance(variables, str) else list(variables)
        for name in names:
            if not self.population.can_record(name):
                raise RecordingError(name, self.population)
        return names

    def _record_signal(self, name, indices, every):
        recorded_every, recorded = self.signals.get(name, (every or 1, np.empty(0, np.int32)))
        new = np.setdiff1d(indices, recorded).astype(np.int32)
        if new.size:
            self.signals[name] = (recorded_every, np.union1d(recorded, new).astype(np.int32))
            self.current.signals.append(Signal(name, recorded_every, new, self.network.step))

    def _new_record(self, start=None):
        record = Record(self.size, self.network.step if start is None else start)
        record.record_spikes(self.current.recorded_spikes(), record.start)
        record.signals = [Signal(name, every, index, record.start)
                          for name, (every, index) in self.signals.items()]
        return record


class Record:
    """What was recorded since a reset, or since the data were last cleared.

    start, stop  steps; stop is None while the segment is open
    number       of the segment, once it is closed
    spikes       list of (index int32, step int64, count int32 or None, time in ms or None: the
                 step's)
    spikes_since int64 [size]: the step since which a neuron's spikes are recorded, or UNRECORDED
    spike_mask   uint8 [size], or None where no spikes are recorded
    signals      list of Signals; a variable has several if its cells joined at different times
    """

    def __init__(self, size, start):
        self.size, self.start = size, start
        self.stop = self.number = self.rec_datetime = None
        self.annotations = {}
        self.spikes = []
        self.spikes_since = self.spike_mask = None
        self.signals = []

    def record_spikes(self, indices, step):
        """Record the spikes of these neurons from `step` on."""
        if len(indices) == 0:
            return
        if self.spikes_since is None:
            self.spikes_since = np.full(self.size, UNRECORDED, np.int64)
        new = indices[self.spikes_since[indices] == UNRECORDED]
        self.spikes_since[new] = step
        self.spike_mask = (self.spikes_since != UNRECORDED).astype(np.uint8)

    def recorded_spikes(self):
        """The root indices of the neurons whose spikes are recorded, in order."""
        return np.empty(0, np.int64) if self.spike_mask is None else np.flatnonzero(self.spike_mask)

    def count_spikes(self):
        """int64 [size]: the spikes of each neuron."""
        counts = np.zeros(self.size, np.int64)
        for index, _, count, _ in self.spikes:
            counts += np.bincount(index, count, self.size).astype(np.int64)
        return counts

    def spike_arrays(self, dt):
        """(index, time in ms) of all spikes, several of one neuron in one step one by one."""
        indices = [np.empty(0, np.int32)]
        times = [np.empty(0)]
        for index, step, count, time in self.spikes:
            time = _time(step, dt) if time is None else time
            indices.append(index if count is None else np.repeat(index, count))
            times.append(time if count is None else np.repeat(time, count))
        return np.concatenate(indices), np.concatenate(times)


class Signal:
    """A state variable of some neurons, sampled since the step `start`.

    variable  key of population.state
    index     int32 [n_index], sorted root indices
    every     steps between two samples
    first     the next step at which a sample is due; the engine fills, for one interval,
    samples   float64 [n_samples, n_index] from
    state     float64 [size]
    """

    def __init__(self, variable, every, index, start):
        self.variable, self.every, self.index = variable, every, index
        self.start = self.first = start
        self.samples = self.state = None
        self._chunks = []

    def begin(self, first_step, n_steps, state):
        if self.first == first_step:  # the value at the start, which no step has led to
            self._chunks.append(state[self.index][np.newaxis])
            self.first += self.every
        n_samples = (first_step + n_steps - self.first) // self.every + 1
        self.state = state
        self.samples = np.empty((max(0, n_samples), self.index.size))

    def commit(self, last_step):
        n_samples = max(0, (last_step - self.first) // self.every + 1)
        if n_samples:
            self._chunks.append(self.samples[:n_samples])
            self.first += n_samples * self.every
        self.samples = self.state = None

    def data(self, columns=slice(None)):
        """All samples taken so far, float64 [n_samples, n_columns], a copy."""
        if len(self._chunks) > 1:
            self._chunks = [np.concatenate(self._chunks)]
        if not self._chunks:
            return np.empty((0, self.index[columns].size))
        return self._chunks[0][:, columns].copy()


class Part:
    """What a Block takes from one Recorder.

    names     of variables, or "all"
    indices   root indices of the wanted neurons, None for all
    channels  int64 [root size]: channel_index of each neuron, None for its root index
    """

    def __init__(self, recorder, names="all", indices=None, channels=None):
        self.recorder = recorder
        self.label = recorder.population.label
        self.names, self.channels = names, channels
        self.wanted = None
        if indices is not None:
            self.wanted = np.zeros(recorder.size, bool)
            self.wanted[indices] = True

    def wants(self, name):
        return self.names == "all" or name in self.names

    def columns(self, index):
        """Positions in `index` of the wanted neurons."""
        return slice(None) if self.wanted is None else np.flatnonzero(self.wanted[index])

    def channel_index(self, index):
        return np.array(index, np.int64) if self.channels is None else self.channels[index]

    def ids(self, index):
        return np.asarray(index, np.int64) + int(self.recorder.population.first_id)

    def records(self):
        """{number of the segment: Record}; the open one counts once something has been run."""
        records = {record.number: record for record in self.recorder.cache}
        if self.recorder.network.running:
            records[self.recorder.network.segment_counter] = self.recorder.current
        return records


def build_block(parts):
    """A Neo Block of what the Parts recorded, segment by segment."""
    block = neo.Block()
    records = [part.records() for part in parts]
    for number in sorted(set().union(*records)):
        present = [(part, own[number]) for part, own in zip(parts, records) if number in own]
        segment = _build_segment(number, present)
        segment.block = block
        block.segments.append(segment)
    block.rec_datetime = block.segments[0].rec_datetime if len(block.segments) else None
    return block


def _build_segment(number, present):
    part, record = present[0]
    segment = neo.Segment(name=f"segment{number:03d}",
                          description=part.recorder.population.describe(),
                          rec_datetime=record.rec_datetime or datetime.now())
    segment.annotate(**record.annotations)
    for signal in _build_signals(present):
        signal.segment = segment
        segment.analogsignals.append(signal)
    trains = _build_trains(present)
    if trains is not None:
        trains.segment = segment
        segment.spiketrains = trains
    return segment


def _build_signals(present):
    """One AnalogSignal for all signals that have name, unit and sample times in common."""
    alike = {}
    for place, (part, record) in enumerate(present):
        for signal in record.signals:
            if part.wants(signal.variable):
                columns = part.columns(signal.index)
                data = signal.data(columns)
                units = _units(part.recorder.population, signal.variable)
                key = (signal.variable, units, signal.start, signal.every, len(data))
                if data.size:
                    alike.setdefault(key, []).append((place, part, signal.index[columns], data))
    for (name, units, start, every, _), pieces in alike.items():
        parts = [part for _, part, _, _ in pieces]
        indices = [index for _, _, index, _ in pieces]
        data = pieces[0][3] if len(pieces) == 1 else np.hstack([data for *_, data in pieces])
        ids = np.concatenate([part.ids(index) for part, index in zip(parts, indices)])
        channels = np.concatenate([part.channel_index(i) for part, i in zip(parts, indices)])
        places = np.repeat([place for place, *_ in pieces], [index.size for index in indices])
        order = np.lexsort((ids, places))  # cells of one part may have joined in any order
        if (np.diff(order) != 1).any():
            data, ids, channels = data[:, order], ids[order], channels[order]
        dt = parts[0].recorder.network.dt
        yield neo.AnalogSignal(
            data, units=units, t_start=_time(start, dt) * pq.ms,
            sampling_period=_time(every, dt) * pq.ms, name=name, channel_ids=ids,
            source_population=";".join(dict.fromkeys(part.label for part in parts)),
            array_annotations={"channel_index": channels})


def _time(step, dt):
    """ms, without the rounding error that 3 * 0.1 has."""
    return np.round(step * dt, 12)


def _units(population, name):
    try:
        units = population.find_units(Variable(name, None, None))
    except KeyError:
        return "dimensionless"
    return "dimensionless" if units == "unknown" else units


def _build_trains(present):
    """The SpikeTrains of a segment, None where no spikes were recorded."""
    times, channels, ids, indices, starts, labels = [], [], [], [], [], []
    for part, record in present:
        index = record.recorded_spikes() if part.wants("spikes") else np.empty(0, np.int64)
        index = index[part.columns(index)]
        if index.size == 0:
            continue
        network = part.recorder.network
        spike_index, spike_time = record.spike_arrays(network.dt)
        if part.wanted is not None:
            chosen = part.wanted[spike_index]
            spike_index, spike_time = spike_index[chosen], spike_time[chosen]
        times.append(spike_time)
        channels.append(part.ids(spike_index))
        ids += part.ids(index).tolist()
        indices += index.tolist()
        starts.append(_time(record.spikes_since[index], network.dt))
        labels += [part.label] * index.size
        stop = _time(network.step if record.stop is None else record.stop, network.dt)
    if not ids:
        return None
    one_label = len(set(labels)) == 1
    return SpikeTrains.from_arrays(
        np.concatenate(times), np.concatenate(channels), ids, np.concatenate(starts), stop,
        source_population=labels[0] if one_label else labels, source_index=indices)


class SpikeTrains(SpikeTrainList):
    """Neo's SpikeTrainList; its SpikeTrains come into being, in one pass, when one is asked for.

    Neo's own builds each train by a search through all spikes, and loses the annotations in a
    sum. Pickles and copies are plain SpikeTrainLists, readable without this package.
    """

    @classmethod
    def from_arrays(cls, times, channel_ids, all_channel_ids, t_starts, t_stop, **annotations):
        """times, channel_ids: of each spike; all_channel_ids, t_starts: of each train; in ms."""
        first = t_starts.min() * pq.ms
        trains = cls.from_spike_time_array(times, channel_ids, all_channel_ids, units="ms",
                                           t_start=first, t_stop=t_stop * pq.ms, **annotations)
        trains._t_starts = t_starts
        return trains

    def _spiketrains_from_array(self):
        self._items = []
        if self._spike_time_array is None:
            return
        order = np.argsort(self._channel_id_array, kind="stable")
        in_order = self._channel_id_array[order]
        times = self._spike_time_array.magnitude[order]
        first = np.searchsorted(in_order, self._all_channel_ids, "left").tolist()
        last = np.searchsorted(in_order, self._all_channel_ids, "right").tolist()
        # SpikeTrain's constructor takes 60 microseconds; one that it made serves as the model.
        attributes = dict(neo.SpikeTrain([], units="ms", **self._spiketrain_metadata).__dict__)
        attributes["segment"] = self.segment
        starts = dict((start, start * pq.ms) for start in np.unique(self._t_starts).tolist())
        names = list(self._annotations)
        values = [value if isinstance(value, list) else [value] * len(first)
                  for value in self._annotations.values()]
        for k, channel_id in enumerate(self._all_channel_ids):
            train = times[first[k]:last[k]].copy().view(neo.SpikeTrain)
            train.__dict__.update(attributes)
            train.t_start = starts[float(self._t_starts[k])]
            train.annotations = {name: value[k] for name, value in zip(names, values)}
            train.annotations["channel_id"] = channel_id
            train.array_annotations = ArrayDict(len(train))
            self._items.append(train)

    def _add_spiketrainlists(self, other, in_place=False):
        items = list(self) + list(other)
        if not in_place:
            return SpikeTrainList(items)
        self._use_items()
        self._items = items
        return self

    def _use_items(self):
        """From now on the list of trains holds, not the arrays it was made from."""
        if self._items is None:
            self._spiketrains_from_array()
        self._spike_time_array = self._channel_id_array = self._all_channel_ids = None

    def __setitem__(self, i, value):
        self._use_items()
        super().__setitem__(i, value)

    def append(self, obj):
        self._use_items()
        super().append(obj)

    def extend(self, iterable):
        self._use_items()
        super().extend(iterable)

    def clear(self):
        self._use_items()
        super().clear()

    def __reduce__(self):
        if self._items is None and np.ptp(self._t_starts) > 0.0:
            self._spiketrains_from_array()
        state = {name: value for name, value in self.__dict__.items() if name != "_t_starts"}
        return SpikeTrainList, (), state


def check_file(file):
    """Refuse, before anything is recorded, the name of a file that Neo cannot write."""
    if isinstance(file, str) and os.path.splitext(file)[1] not in WRITABLE:
        get_io(file)  # raises PyNN's explanation


def write_block(file, block):
    """Write a Block by a Neo IO, given as such or by the name of a file."""
    io = get_io(file) if isinstance(file, str) else file
    if isinstance(io, neo.io.NWBIO) and "session_start_time" not in block.annotations:
        block.annotate(session_start_time=(block.rec_datetime or datetime.now()).astimezone())
    io.write_block(block)
    if isinstance(file, str) and hasattr(io, "close"):
        io.close()
