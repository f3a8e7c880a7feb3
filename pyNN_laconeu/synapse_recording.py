"""Recording of weights and synaptic states: what get() would return, at every sampling interval.

As in `recording.py`, signals are (sample, synapse) arrays that belong to the Projection and outlive
the network; a sample at t takes in all spikes that are processed up to t:

- the weight of a plastic synapse is the one that the last spike to have reached the synapse
  transmitted (without a dendritic delay: the last to reach it up to the next step, which comes
  before all else that happens in that step);
- a state is what spikes of the source up to t, and the time since, have made of it. Whether a
  release site has recovered is decided at the next spike; until then it counts as empty.
"""

import weakref
from datetime import datetime

import neo
import numpy as np
import quantities as pq
from pyNN import errors

from . import simulator
from .recording import Signal, sampling_steps


class RecordingError(errors.RecordingError):
    """A variable that the synapses of a projection do not have."""

    def __init__(self, variable, projection):
        super().__init__(variable, projection.synapse_type)
        self.label, self.recordable = projection.label, projection.recordable

    def __str__(self):
        return (f"{self.label}: cannot record {self.variable!r} from "
                f"{type(self.cell_type).__name__}, which has {', '.join(self.recordable)}")


class SynapseRecorder:
    """What a Projection records, and what it has recorded.

    The network calls `begin` before the engine advances and `commit` afterwards.
    """

    def __init__(self, projection):
        self._projection = weakref.ref(projection)
        self.network = projection.network
        self.recorded = {}  # variable -> (every, positions int64), what is being recorded
        self.cache = []  # (number, annotations, rec_datetime, signals) of each closed segment
        self.signals = []
        self._looked_up = weakref.WeakKeyDictionary()  # Signal -> (version, its weights)
        self.start = self.network.step

    def record(self, variables, sampling_interval=None, connections=None):
        """See `Projection.record`."""
        projection = self._projection()
        names = [variables] if isinstance(variables, str) else list(variables)
        for name in names:
            if name not in projection.recordable:
                raise RecordingError(name, projection)
        every = sampling_steps(sampling_interval, self.network.dt, projection.label)
        positions = self._positions(connections)
        for name in names:
            if name in self.recorded and every not in (None, self.recorded[name][0]):
                raise ValueError(
                    f"{projection.label}: {name!r} is recorded every "
                    f"{self.recorded[name][0] * self.network.dt:g} ms already; sampling_interval "
                    f"is {sampling_interval} ms, but all connections must have the same")
        for name in names:
            was_every, old = self.recorded.get(name, (every or 1, np.empty(0, np.int64)))
            new = np.setdiff1d(positions, old)
            if new.size:
                self.recorded[name] = (was_every, np.union1d(old, new))
                self.signals.append(Signal(name, was_every, new, self.network.step))

    def stop(self):
        """Record nothing any more, and forget what was recorded since the last reset()."""
        self.recorded, self.signals = {}, []

    def store_to_cache(self, annotations=None):
        """Close the segment, before the network is reset to t = 0."""
        if self.network.step > self.start:
            self.cache.append((self.network.segment_counter, dict(annotations or {}),
                               datetime.now(), self.signals))
        self._go_on(0)

    def _go_on(self, step):
        self.start = step
        self.signals = [Signal(name, every, positions, step)
                        for name, (every, positions) in self.recorded.items()]

    def get(self, variables="all", clear=False, annotations=None):
        """See `Projection.get_data`."""
        projection = self._projection()
        names = projection.recordable if variables == "all" else (
            [variables] if isinstance(variables, str) else list(variables))
        for name in names:
            if name not in projection.recordable:
                raise RecordingError(name, projection)
        block = neo.Block(name=projection.label, description=projection.describe(),
                          rec_datetime=datetime.now(), simulator=simulator.name,
                          dt=self.network.dt, label=projection.label)
        block.annotate(**projection.annotations)
        block.annotate(**(annotations or {}))
        segments = list(self.cache)
        if self.network.step > self.start:
            segments.append((self.network.segment_counter, {}, datetime.now(), self.signals))
        pre, post = projection.columns_at_hand.pre, projection.columns_at_hand.post
        for number, noted, moment, signals in segments:
            segment = neo.Segment(name=f"segment{number:03d}", rec_datetime=moment)
            segment.annotate(**noted)
            for signal in signals:
                data = signal.data()
                if signal.variable not in names or not data.size:
                    continue
                segment.analogsignals.append(neo.AnalogSignal(
                    data, units=projection.units_of(signal.variable),
                    t_start=np.round(signal.start * self.network.dt, 12) * pq.ms,
                    sampling_period=np.round(signal.every * self.network.dt, 12) * pq.ms,
                    name=signal.variable, source_projection=projection.label,
                    array_annotations={"channel_index": signal.index,
                                       "presynaptic_index": pre[signal.index],
                                       "postsynaptic_index": post[signal.index]}))
            block.segments.append(segment)
        if clear:
            self.cache = []
            self._go_on(self.network.step)
        return block

    def begin(self, first_step, n_steps):
        """What the engine is to sample in the steps after `first_step`.

        Returns [(table of the projection, Signal, which: a state's place in the model or -1 for
        the weight; places in the table's rows, their rows, channels; int64)].
        """
        projection, asked = self._projection(), []
        self._asked = int(first_step)
        for signal in self.signals:
            now = None
            if signal.first == self._asked:
                now = np.array(projection.current(signal.variable))
            signal.begin(self._asked, int(n_steps), now)
        for signal in self.signals:
            if projection.dynamics is None:
                # Weights change between two runs only, and may lie where no table is.
                signal.samples[:] = self._weights(signal)
                continue
            table, row, place = projection.places(signal.index)
            which = projection.recordable.index(signal.variable) - 1
            for k in np.unique(table):
                channel = np.flatnonzero(table == k)
                asked.append((int(k), signal, which, place[channel], row[channel], channel))
        return asked

    def _weights(self, signal):
        """float64 [n] of synapses without dynamics: looked up once until they change."""
        projection = self._projection()
        version = projection.version
        if self._looked_up.get(signal, (None, None))[0] != version:
            self._looked_up[signal] = version, projection.current("weight")[signal.index]
        return self._looked_up[signal][1]

    def commit(self, n_steps_done):
        """Keep what was sampled in the steps since `begin`."""
        for signal in self.signals:
            signal.commit(self._asked + int(n_steps_done))

    def _positions(self, connections):
        """Places among the projection's connections, int64, ascending."""
        projection = self._projection()
        if connections is None:
            return np.arange(len(projection))
        given = np.asarray(connections)
        if given.size == 0:
            return np.empty(0, np.int64)
        if not np.issubdtype(given.dtype, np.integer) or given.ndim > 2 or (
                given.ndim == 2 and given.shape[1] != 2):
            raise errors.InvalidDimensionsError(
                f"{projection.label}: connections = {connections!r:.200}, must be indices of "
                "connections or pairs (presynaptic index, postsynaptic index)")
        if given.ndim < 2:
            given = np.atleast_1d(given)
            wrong = (given < 0) | (given >= len(projection))
            if wrong.any():
                raise IndexError(f"{projection.label}: connection {given[wrong][0]} of "
                                 f"{len(projection)}")
            return np.unique(given)
        columns = projection.columns_at_hand
        pairs = columns.pre.astype(np.int64) + columns.post.astype(np.int64) * projection.pre.size
        inside = ((given >= 0) & (given < projection.shape)).all(axis=1)
        wanted = given[:, 0] + given[:, 1].astype(np.int64) * projection.pre.size
        missing = ~(inside & np.isin(wanted, pairs))
        if missing.any():
            raise errors.ConnectionError(
                f"{projection.label}: there is no connection {tuple(given[missing][0].tolist())}")
        return np.flatnonzero(np.isin(pairs, wanted))
