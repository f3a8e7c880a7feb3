"""Projections: connections between two groups of cells, held as flat arrays.

A connector hands over blocks of connections (`_append_columns`, `_append`, or PyNN's own
`_convergent_connect`); they are sorted once into `synapses.Columns`. A `Connection` object
exists only while a script looks at it.
"""

from dataclasses import replace

import numpy as np
from pyNN import common, errors
from pyNN.models import BaseSynapseType
from pyNN.parameters import LazyArray, ParameterSpace
from pyNN.random import RandomDistribution
from pyNN.recording import files
from pyNN.space import Space

from . import simulator
from .dynamics import Dynamics
from .gap_junctions import RECEPTOR_TYPE as GAP_JUNCTION
from .gap_junctions import JunctionArrays, check_ends
from .kernels.models import RECEPTORS
from .random import NativeRNG
from .recording import check_file, write_block
from .standardmodels.synapses import SYNAPSE_TYPES, StaticSynapse
from .synapse_recording import SynapseRecorder
from .synapses import Columns, Rows, simplified, taken

# Elements of a temporary when a whole matrix of random numbers must be drawn for some of them.
DRAWN_AT_ONCE = 1 << 20
# What PyNN and lazyarray raise where a value is not what they can use.
VALUE_ERRORS = (AssertionError, AttributeError, IndexError, NameError, NotImplementedError,
                SyntaxError, TypeError, ValueError)


class Connection(common.Connection):
    """One connection: every parameter and state of its projection's synapse type is an attribute
    that can be read and set; both sides are known by index.

    weight  uS, nA or mV, as the target's receptor takes it
    delay   ms, a whole number of time steps
    """

    def __init__(self, projection, position):
        # Past __setattr__, which would look for parameters of these names.
        self.__dict__.update(_projection=projection, _position=position)

    def __getattr__(self, name):
        if name.startswith("_") or name not in self._projection.attribute_names:
            raise AttributeError(f"{type(self).__name__} of {self._projection.label!r} has no "
                                 f"attribute {name!r}, it has "
                                 f"{', '.join(self._projection.attribute_names)}")
        return self._projection._value_at(name, self._position)

    def __setattr__(self, name, value):
        if name not in self._projection.attribute_names:
            raise AttributeError(f"{type(self).__name__} of {self._projection.label!r}: "
                                 f"{name!r} cannot be set, what can is "
                                 f"{', '.join(self._projection.attribute_names)}")
        self._projection._set_value_at(name, self._position, value)

    @property
    def presynaptic_index(self):
        """Index of the source in `projection.pre`."""
        return int(self._projection.columns_at_hand.pre[self._position])

    @property
    def postsynaptic_index(self):
        """Index of the target in `projection.post`."""
        start = self._projection.columns_at_hand.start
        return int(np.searchsorted(start, self._position, side="right") - 1)

    @property
    def presynaptic_cell(self):
        """ID of the source."""
        return self._projection.pre[self.presynaptic_index]

    @property
    def postsynaptic_cell(self):
        """ID of the target."""
        return self._projection.post[self.postsynaptic_index]

    def as_tuple(self, *attribute_names):
        """The named attributes."""
        return tuple(getattr(self, name) for name in attribute_names)


def _components(cells):
    """[(root population, its indices int64 [k], place of the first in `cells`)]."""
    if isinstance(cells, common.Assembly):
        return [(part.root, np.asarray(part.root_indices), offset)
                for part, offset in cells.components]
    return [(cells.root, np.asarray(cells.root_indices), 0)]


class Projection(common.Projection):
    __doc__ = common.Projection.__doc__
    _simulator = simulator
    _static_synapse_class = StaticSynapse

    def __init__(self, presynaptic_neurons, postsynaptic_neurons, connector,
                 synapse_type=None, source=None, receptor_type=None,
                 space=Space(), label=None):
        electrical = getattr(synapse_type, "electrical", False)
        for side, cells in (("presynaptic", presynaptic_neurons),
                            ("postsynaptic", postsynaptic_neurons)):
            self._check_side(side, cells, label, electrical)
        self._check_synapse_type(synapse_type, presynaptic_neurons, postsynaptic_neurons, label)
        if not electrical and receptor_type == GAP_JUNCTION:
            kind = StaticSynapse if synapse_type is None else type(synapse_type)
            raise errors.ConnectionError(
                f"Projection {label or ''}: receptor_type = {receptor_type!r} is that of an "
                f"ElectricalSynapse, not of a {kind.__name__}")
        begin = self._begin_electrical if electrical else super().__init__
        begin(presynaptic_neurons, postsynaptic_neurons, connector, synapse_type, source,
              receptor_type, space, label)
        self.network = simulator.state.network
        self._columns, self._rows, self._row_threads = None, None, None
        self.version = 0  # of weights and delays
        self._looked_at = None, None
        self._own, self._settled_at, self._places = {}, None, None
        self.dynamics = None
        if self.synapse_type.dynamics is not None:
            self.dynamics = Dynamics(self.synapse_type.dynamics, self.network.dt, self.label,
                                     self._takes_conductance())
        self._blocks = []
        connector.connect(self)
        self._columns = self._sorted_blocks()
        del self._blocks
        if isinstance(getattr(connector, "rng", None), NativeRNG):
            self._columns.order_twins()
        if self.dynamics is not None:
            self._start()
        self.recorder = SynapseRecorder(self)
        self.network.add_projection(self)

    def _begin_electrical(self, pre, post, connector, synapse_type, source, receptor_type, space,
                          label):
        """What PyNN's constructor does, for junctions: they need no receptor, nor one kind of them.

        So it is shown the first population of an assembly, in which types may differ.
        """
        if not all(isinstance(cells, (common.BasePopulation, common.Assembly))
                   for cells in (pre, post)):
            # Refused there.
            super().__init__(pre, post, connector, synapse_type, source, None, space, label)
        check_ends(*([root for root, _, _ in _components(cells)] for cells in (pre, post)),
                   source, receptor_type, label)
        if label is None and pre.label and post.label:
            label = f"{pre.label}→{post.label}"
        first = _components(post)[0][0]
        super().__init__(pre, first, connector, synapse_type, source, first.receptor_types[0],
                         space, label)
        self.post, self.receptor_type = post, GAP_JUNCTION

    def _start(self):
        """States before the first spike, and what reset() will restore."""
        values = self._columns.values
        initial = self.dynamics.initial_states(values)
        values.update(initial)
        if self.dynamics.plastic:
            initial["weight"] = values["weight"]
        self.dynamics.initial = {name: _copied(given) for name, given in initial.items()}
        if self.dynamics.model.random:
            twin = _twins(self._columns)
            if twin.any():
                if twin.max() >= 1 << 16:
                    raise errors.ConnectionError(
                        f"{self.label}: one pair has {int(twin.max()) + 1} connections, random "
                        f"synapses allow {1 << 16}")
                values["twin"] = twin

    @staticmethod
    def _check_side(side, cells, label, electrical):
        if not isinstance(cells, (common.BasePopulation, common.Assembly)):
            return  # pyNN.common refuses it with a message of its own
        parts = _components(cells)
        if any(root.network is not simulator.state.network for root, _, _ in parts):
            raise errors.ConnectionError(
                f"Projection {label or ''}: the {side} cells {cells.label!r} belong to a network "
                "from before the last setup()")
        if side == "postsynaptic" and not electrical and not cells.receptor_types:
            raise errors.ConnectionError(
                f"Projection {label or ''}: the postsynaptic cells {cells.label!r} are of a type "
                "without receptors, or share none")

    @staticmethod
    def _check_synapse_type(synapse_type, pre, post, label):
        if not isinstance(synapse_type, BaseSynapseType):
            return  # as above
        if not isinstance(synapse_type, SYNAPSE_TYPES):
            raise errors.InvalidModelError(
                f"Projection {label or ''}: {type(synapse_type).__name__} of "
                f"{type(synapse_type).__module__} is not a synapse type of "
                f"pyNN.{simulator.name}, which has "
                + ", ".join(model.__name__ for model in SYNAPSE_TYPES))
        if not all(isinstance(cells, (common.BasePopulation, common.Assembly))
                   for cells in (pre, post)):
            return  # as above
        for name, value in synapse_type.parameter_space.items():
            given = value.base_value
            if isinstance(given, np.ndarray) and given.shape != (pre.size, post.size):
                raise errors.InvalidDimensionsError(
                    f"Projection {label or ''}: {name} has shape {given.shape}, must be "
                    f"{(pre.size, post.size)}, (sources, targets)")

    # --- taking in what a connector makes ------------------------------------------------------

    def _append_columns(self, pre, counts, first_column, **parameters):
        """Take connections grouped by target.

        pre: int [m] sources; counts: int [k], how many belong to each of the targets
        first_column, first_column + 1, ...; parameters: weight, delay (ms) and whatever else
        the synapse type has, each a float or float64 [m].
        """
        self._blocks.append((np.asarray(pre, dtype=np.int32), np.asarray(counts, dtype=np.int64),
                             int(first_column), self._checked(parameters, len(pre))))

    def _append(self, pre, post, **parameters):
        """Take connections in any order; pre, post: int [m], parameters as above."""
        pre, post = np.asarray(pre, dtype=np.int64), np.asarray(post, dtype=np.int64)
        for side, index, size in (("source", pre, self.pre.size),
                                  ("target", post, self.post.size)):
            if index.size and (index.min() < 0 or index.max() >= size):
                bad = index[(index < 0) | (index >= size)][0]
                raise errors.ConnectionError(f"{self.label}: {side} index {bad} out of range, "
                                             f"there are {size} cells")
        self._blocks.append((pre.astype(np.int32), post.astype(np.int32), None,
                             self._checked(parameters, len(pre))))

    def _convergent_connect(self, presynaptic_indices, postsynaptic_index,
                            location_selector=None, **connection_parameters):
        """Connect several sources to one target; what user-written connectors call."""
        if location_selector not in (None, "soma"):
            raise errors.ConnectionError(f"{self.label}: point neurons have no location "
                                         f"{location_selector!r}")
        pre = np.atleast_1d(np.asarray(presynaptic_indices))
        self._append(pre, np.full(len(pre), postsynaptic_index), **{
            name: float(value) if np.ndim(value) == 0 else np.asarray(value, dtype=np.float64)
            for name, value in connection_parameters.items()})

    def _checked(self, parameters, n):
        """(delay in steps, values) of n connections, refused if they make no sense."""
        names = self._parameter_names
        unknown = set(parameters) - set(names)
        if unknown:
            raise errors.NonExistentParameterError(sorted(unknown)[0],
                                                   type(self.synapse_type).__name__, list(names))
        for name in names:
            if name not in parameters:
                raise errors.ConnectionError(f"{self.label}: the connector gives no {name}")
        for name, value in parameters.items():
            if np.ndim(value) and np.shape(value) != (n,):
                raise errors.InvalidDimensionsError(
                    f"{self.label}: {name} has shape {np.shape(value)} for {n} connections")
        values = {"weight": self._checked_weight(parameters["weight"])}
        if self.dynamics is not None:
            for name in self.dynamics.model.parameters:
                given = np.asarray(parameters[name], dtype=np.float64)
                values[name] = simplified(given) if given.ndim else float(given)
            if n:
                new = {**values, **self.dynamics.initial_states(values)}
                self.dynamics.check(new, new)
        delay = 0 if self.synapse_type.electrical else self._checked_delay(parameters["delay"])
        return delay, values

    @property
    def _parameter_names(self):
        if self.synapse_type.electrical:
            return ("weight",)
        return ("weight", "delay",
                *(() if self.dynamics is None else self.dynamics.model.parameters))

    def _takes_conductance(self):
        """Whether weights are conductances: of gap junctions, or at every target's receptor."""
        return self.synapse_type.electrical or all(
            root.celltype.takes_conductance(self.receptor_type)
            for root, _, _ in _components(self.post))

    def _checked_weight(self, weight):
        values = np.asarray(weight, dtype=np.float64)
        if not np.isfinite(values).all():
            raise errors.InvalidWeightError(f"{self.label}: weight = "
                                            f"{values[~np.isfinite(values)].flat[0]}, "
                                            "must be finite")
        if self._takes_conductance() and values.size and values.min() < 0:
            raise errors.ConnectionError(
                f"{self.label}: weight = {values.min():g} uS; conductances are positive, for "
                "inhibitory receptors too")
        return simplified(values) if values.ndim else float(values)

    def _checked_delay(self, delay):
        dt = self.network.dt if hasattr(self, "network") else simulator.state.dt
        values = np.asarray(delay, dtype=np.float64)
        network = simulator.state.network if not hasattr(self, "network") else self.network
        shortest = 0.0 if network.min_delay == "auto" else network.min_delay
        longest = 2.0 ** 30 * dt  # steps are int32
        if network.max_delay != "auto":
            longest = min(longest, network.max_delay)
        # Half a step of grace: what counts is the delay after rounding to the grid.
        bad = ~np.isfinite(values) | (values < 0) | (values < shortest - dt / 2) | (
            values > longest + dt / 2)
        if bad.any():
            raise errors.ConnectionError(
                f"{self.label}: delay = {values[bad].flat[0]} ms, must be from {shortest:g} to "
                f"{longest:g} ms (min_delay, max_delay of setup())")
        steps = np.maximum(np.rint(values / dt), 1).astype(np.int32)
        if steps.ndim and steps.size and (steps == steps[0]).all():
            return int(steps[0])
        return steps if steps.ndim else int(steps)

    def _sorted_blocks(self):
        blocks, n_post = self._blocks, self.post.size
        pre = np.concatenate([block[0] for block in blocks] or [np.empty(0, np.int32)])
        delay, values = self._joined_blocks([block[3] for block in blocks],
                                            [len(block[0]) for block in blocks])
        grouped = all(first is not None for _, _, first, _ in blocks)
        if grouped:
            ends = [first + len(counts) for _, counts, first, _ in blocks]
            starts = [first for _, _, first, _ in blocks]
            grouped = all(end <= start for end, start in zip(ends, starts[1:]))
        if grouped:
            counts = np.zeros(n_post + 1, np.int64)
            for _, block_counts, first, _ in blocks:
                counts[first + 1:first + 1 + len(block_counts)] = block_counts
            start = np.cumsum(counts)
            if _sorted_within(start, pre):
                return Columns(start, pre, delay, values)
            post = np.repeat(np.arange(n_post, dtype=np.int32), np.diff(start))
        else:
            post = np.concatenate([
                block if first is None else np.repeat(
                    np.arange(first, first + len(block), dtype=np.int32), block)
                for _, block, first, _ in blocks] or [np.empty(0, np.int32)])
        return Columns.of(pre, post, delay, values, self.pre.size, n_post)

    def _joined_blocks(self, blocks, sizes):
        """(delay, values) of blocks [(delay, values)] of `sizes` connections."""
        blocks = [block for block, size in zip(blocks, sizes) if size]
        sizes = [size for size in sizes if size]
        if not blocks:
            parameters = () if self.dynamics is None else self.dynamics.names
            return 1, {name: 0.0 for name in ("weight", *parameters)}
        return (_joined([delay for delay, _ in blocks], sizes, np.int32),
                {name: _joined([values[name] for _, values in blocks], sizes, np.float64)
                 for name in blocks[0][1]})

    # --- the two orders ------------------------------------------------------------------------

    @property
    def columns(self):
        """The connections as the script sees them; see `synapses.Columns`."""
        return self._columns if self._columns is not None else self._columns_from_rows()

    @property
    def columns_at_hand(self):
        """The same with the states as they are now, kept until the next step for the
        `Connection` objects that may follow."""
        if self._columns is not None and not self._lags_behind:
            return self._columns
        now = self.network.segment_counter, self.network.step
        if self._looked_at[0] != now:
            rows = self._rows_now() if self._lags_behind else self._rows
            self._looked_at = now, self._columns_from_rows(rows)
        return self._looked_at[1]

    @property
    def _lags_behind(self):
        """Whether states are those after the last spikes."""
        return bool(self.network.step and self.dynamics is not None and self.dynamics.model.states)

    def _rows_now(self):
        """Copies of the rows, their states brought to now."""
        self.tables(self.network.n_threads)
        copies = []
        for k, (pre, post, rows) in enumerate(self._rows):
            values = {**rows.values,
                      **{name: rows.values[name].copy() for name in self.dynamics.model.states}}
            copy = replace(rows, values=values, dynamics=replace(
                rows.dynamics, states=[values[name] for name in self.dynamics.model.states]))
            self.network.settle(pre, post, self.receptor_type, copy, self.first_stream + k,
                                looking=True)
            copies.append((pre, post, copy))
        return copies

    def places(self, positions):
        """(table, row, place in its Rows) of connections given in column order, int64 each."""
        if self._places is None:
            order = self._column_order()
            sizes = [len(rows.target) for *_, rows in self._rows]
            table = np.repeat(np.arange(len(sizes)), sizes)
            row = np.concatenate([rows.row() for *_, rows in self._rows])
            first = np.concatenate(([0], np.cumsum(sizes)))
            self._places = table[order], row[order], order - first[table[order]]
        return tuple(places[positions] for places in self._places)

    def tables(self, n_threads):
        """[(pre root, post root, receptor type, Rows)] for the engine. Sorts at most once."""
        if self.synapse_type.electrical:
            return []
        if self._rows is None:
            self._rows, self._row_threads = self._rows_from_columns(n_threads), n_threads
            if self.dynamics is None:
                for _, post, rows in self._rows:
                    rows.spread(post.size, n_threads)
            self._columns, self._own, self._looked_at = None, {}, (None, None)
            self._places = None
        if self.dynamics is not None:
            self._join(n_threads)
        return [(pre, post, self.receptor_type, rows) for pre, post, rows in self._rows]

    def junctions(self):
        """[JunctionArrays] for the engine, one for each pair of root populations."""
        if not self.synapse_type.electrical:
            return []
        columns, arrays = self.columns, []
        post = columns.post
        for pre_root, pre_index, pre_offset in _components(self.pre):
            for post_root, post_index, post_offset in _components(self.post):
                here = np.flatnonzero(
                    (columns.pre >= pre_offset) & (columns.pre < pre_offset + len(pre_index))
                    & (post >= post_offset) & (post < post_offset + len(post_index)))
                arrays.append(JunctionArrays.of(
                    pre_root, pre_index[columns.pre[here] - pre_offset],
                    post_root, post_index[post[here] - post_offset],
                    taken(columns.values["weight"], here), self.network.dt))
        return arrays

    @property
    def n_tables(self):
        """How many pairs of root populations there are; `tables` has so many entries."""
        if self.synapse_type.electrical:
            return 0
        return len(_components(self.pre)) * len(_components(self.post))

    def _join(self, n_threads):
        """What synapses that are not static need for the engine."""
        before = [rows.dynamics for *_, rows in self._rows]
        self.dynamics.join(self._rows, self.receptor_type, n_threads, self.network.step)
        for k, ((pre, post, rows), old) in enumerate(zip(self._rows, before)):
            new = rows.dynamics
            if old is not None and self.network.step and not self.dynamics.plastic and any(
                    not np.array_equal(a, b) for a, b in zip(old.constants, new.constants)):
                # A parameter of the receptor has changed: until now it was as it was.
                rows.dynamics = old
                self.network.settle(pre, post, self.receptor_type, rows, self.first_stream + k)
                rows.dynamics = new
            if self.dynamics.plastic and new.memory.new_traces:
                new.memory.start_traces(self.network.step)

    def _rows_from_columns(self, n_threads):
        columns, tables = self._columns, []
        fraction = None
        if self.dynamics is not None and self.dynamics.plastic:
            fraction = columns.values["dendritic_delay_fraction"]
        pre_parts, post_parts = _components(self.pre), _components(self.post)
        single = len(pre_parts) == len(post_parts) == 1
        post = columns.post if not single else None
        for pre_root, pre_index, pre_offset in pre_parts:
            for post_root, post_index, post_offset in post_parts:
                part, position = columns, None
                if single and _ascending(pre_index) and _ascending(post_index):
                    varied = isinstance(columns.delay, np.ndarray) or isinstance(
                        fraction, np.ndarray)
                    if varied and (not columns.twins_by_delay if fraction is None
                                   else columns.twins.size):
                        m = len(columns.pre)
                        position = np.arange(m, dtype=np.int32 if m < 2 ** 31 else np.int64)
                    counts = np.diff(columns.start)
                    root_pre = columns.pre
                else:
                    post = columns.post if post is None else post
                    position = np.nonzero(
                        (columns.pre >= pre_offset) & (columns.pre < pre_offset + len(pre_index))
                        & (post >= post_offset) & (post < post_offset + len(post_index)))[0]
                    # In the order of the root's indices, which a view need not follow.
                    targets = post_index[post[position] - post_offset]
                    position = position[np.argsort(targets, kind="stable")]
                    counts = np.bincount(post[position] - post_offset,
                                         minlength=len(post_index))
                    root_pre = columns.pre[position] - np.int32(pre_offset)
                    part = Columns(None, None, taken(columns.delay, position),
                                   {name: taken(given, position)
                                    for name, given in columns.values.items()})
                root_counts = np.zeros(post_root.size + 1, np.int64)
                root_counts[post_index + 1] = counts
                if pre_root.size != len(pre_index) or not _ascending(pre_index):
                    root_pre = pre_index.astype(np.int32)[root_pre]
                tables.append((pre_root, post_root, Rows.of(
                    np.cumsum(root_counts), root_pre, part.delay, part.values, pre_root.size,
                    n_threads, position,
                    None if fraction is None else part.values["dendritic_delay_fraction"])))
        return tables

    def _pieces(self, tables):
        """[(pre int32, post int32) in the projection's indices, delay, values] of each table."""
        pre_parts, post_parts = _components(self.pre), _components(self.post)
        pieces = []
        for k, (pre_root, post_root, rows) in enumerate(tables):
            pre_root, pre_index, pre_offset = pre_parts[k // len(post_parts)]
            post_root, post_index, post_offset = post_parts[k % len(post_parts)]
            pre, post, delay, values = rows.opened().unsorted(self._row_threads)
            pieces.append((_inverse(pre_index, pre_root.size, pre_offset)[pre],
                           _inverse(post_index, post_root.size, post_offset)[post],
                           delay, values))
        return pieces

    def _column_order(self):
        """int64 [m]: where each connection is, in the order of rows."""
        if self._rows[0][2].position is not None:
            return np.argsort(np.concatenate([rows.position for *_, rows in self._rows]))
        pieces = self._pieces(self._rows)
        pre, post = (np.concatenate([piece[k] for piece in pieces]) for k in (0, 1))
        return np.lexsort((pre, post))

    def _columns_from_rows(self, tables=None):
        tables = self._rows if tables is None else tables
        if any("transmitted" in rows.values for *_, rows in tables):
            for *_, rows in tables:
                rows.keep_transmitted()
        pieces = self._pieces(tables)
        if len(pieces) == 1:
            pre, post, delay, values = pieces[0]
        else:
            pre, post = (np.concatenate([piece[k] for piece in pieces]) for k in (0, 1))
            delay, values = self._joined_blocks([piece[2:] for piece in pieces],
                                                [len(piece[0]) for piece in pieces])
        if tables[0][2].position is None:
            return Columns.of(pre, post, delay, values, self.pre.size, self.post.size)
        order = np.argsort(np.concatenate([rows.position for *_, rows in tables]))
        start = np.concatenate(([0], np.cumsum(np.bincount(post, minlength=self.post.size))))
        return Columns(start, pre[order], taken(delay, order),
                       {name: taken(given, order) for name, given in values.items()})

    def _change(self, delay=None, **values):
        """Take over new values or delays (steps), [m] or one for all, in column order."""
        columns = self.columns
        kept = {**columns.values, **values}
        if "weight" in values:
            kept.pop("transmitted", None)
        self._columns, self._rows = Columns(
            columns.start, columns.pre, columns.delay if delay is None else delay, kept), None
        self._looked_at = None, None
        self.version += 1
        self.network.changed()

    def _settle(self, names):
        """Before the values `names` change: let what happened until now have its effect."""
        if self.dynamics is None or not self.network.step or (
                not self.dynamics.plastic and set(names) <= {"weight", "delay"}):
            return
        everything = self.dynamics.plastic and not {
            "delay", "dendritic_delay_fraction"}.isdisjoint(names)
        now = self.network.segment_counter, self.network.step, everything
        if self._settled_at == now:
            return
        self._settled_at = now
        for k, (pre, post, receptor_type, rows) in enumerate(
                self.tables(self.network.n_threads)):
            if self.dynamics.plastic and "weight" not in names:
                rows.keep_transmitted()
            self.network.settle(pre, post, receptor_type, rows, self.first_stream + k,
                                everything)

    def reset_state(self):
        """The weights of plastic synapses and the states that the script gave; no spikes."""
        self._settled_at = None
        if self.dynamics is not None:
            self.dynamics.clear()
            columns = self.columns
            for name in ("transmitted", "k_plus", "k_minus"):
                columns.values.pop(name, None)
            self._columns = columns
            self._change(**{name: _copied(given)
                            for name, given in self.dynamics.initial.items()})

    # --- PyNN's interface ----------------------------------------------------------------------

    def __len__(self):
        if self._columns is not None:
            return len(self._columns.pre)
        if self._rows is None:
            return sum(len(block[0]) for block in self._blocks)
        return sum(rows.size for _, _, rows in self._rows)

    def __getitem__(self, index):
        """One `Connection`, or a list of them for a slice; ordered by target, then source."""
        if isinstance(index, slice):
            return [Connection(self, k) for k in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(f"{self.label}: connection {index} of {len(self)}")
        return Connection(self, index % len(self))

    def __iter__(self):
        return (Connection(self, k) for k in range(len(self)))

    @property
    def connections(self):
        """An iterator over all connections."""
        return iter(self)

    @property
    def delay_bounds(self):
        """(shortest, longest) delay in ms; of electrical synapses, which have none, 0."""
        delay = np.asarray(self.columns.delay)
        return tuple(round(float(steps) * self.network.dt, 12)
                     for steps in (delay.min(), delay.max()))

    @property
    def attribute_names(self):
        """Names of what get() and a `Connection` know: parameters, then states."""
        return self._parameter_names if self.dynamics is None else (
            "weight", "delay", *self.dynamics.names)

    def _attribute(self, name, columns, position=slice(None)):
        if name == "presynaptic_index":
            return columns.pre
        if name == "postsynaptic_index":
            return columns.post
        if name == "delay":
            # Multiples of dt as one would write them: 0.3, not 0.30000000000000004.
            return np.round(taken(columns.delay, position) * self.network.dt, 12)
        if name == "weight" and "transmitted" in columns.values:
            name = "transmitted"
        return taken(columns.values[name], position)

    def _attribute_array(self, name, columns):
        return np.broadcast_to(self._attribute(name, columns), columns.pre.shape)

    def _value_at(self, name, position):
        values = self._attribute(name, self.columns_at_hand, position)
        return float(values)

    def _set_value_at(self, name, position, value):
        if name in ("weight", "delay"):
            checked = (self._checked_weight if name == "weight" else self._checked_delay)(value)
        else:
            try:
                checked = float(value)
            except (TypeError, ValueError) as err:
                raise errors.InvalidParameterValueError(
                    f"{self.label}: {name} = {value!r:.200}: {err}") from err
        if self.dynamics is not None and name != "delay":
            one = {other: self._attribute(other, self.columns_at_hand, position)
                   for other in self.attribute_names}
            self.dynamics.check({name: checked}, {**one, name: checked})
        self._settle([name])
        columns = self.columns
        changed = {name: checked}
        if name == "weight" and "transmitted" in columns.values:
            changed["transmitted"] = checked
        for key, new in changed.items():
            values = columns.delay if key == "delay" else columns.values[key]
            if values is not self._own.get(key):
                # The array may be the connector's or the user's; the copy serves until the next
                # run.
                values = np.array(np.broadcast_to(values, columns.pre.shape),
                                  dtype=np.int32 if key == "delay" else np.float64)
                self._own[key] = values
            values[position] = new
            changed[key] = values
        if self.dynamics is not None and name in self.dynamics.initial and name == "weight":
            initial = np.array(np.broadcast_to(self.dynamics.initial[name], columns.pre.shape))
            initial[position] = checked
            self.dynamics.initial[name] = initial
        self._change(**changed)

    def get(self, attribute_names, format, gather=True, with_address=True,
            multiple_synapses="sum"):
        single = isinstance(attribute_names, str)
        names = [attribute_names] if single else list(attribute_names)
        self._check_names(names, self.attribute_names)
        if format == "list":
            address = ["presynaptic_index", "postsynaptic_index"] if with_address else []
            values = self._get_attributes_as_list([*address, *names])
            return [value for value, in values] if single and not with_address else values
        if format != "array":
            raise ValueError(f"{self.label}: format = {format!r}, must be 'list' or 'array'")
        if multiple_synapses not in self.MULTI_SYNAPSE_OPERATIONS:
            raise ValueError(f"{self.label}: multiple_synapses = {multiple_synapses!r}, must be "
                             f"one of {', '.join(self.MULTI_SYNAPSE_OPERATIONS)}")
        matrices = self._get_attributes_as_arrays(names, multiple_synapses)
        return matrices[0] if single else matrices

    get.__doc__ = common.Projection.get.__doc__ + """
        Besides parameters, the states of a synapse type can be asked for, as they are now. The
        weight of a plastic synapse is the one that was transmitted last, as in PyNN's other back
        ends.
        """

    def _get_attributes_as_list(self, names):
        columns = self.columns_at_hand if self._lags_behind else self.columns
        return list(zip(*(self._attribute_array(name, columns).tolist() for name in names)))

    def _get_attributes_as_arrays(self, names, multiple_synapses="sum"):
        columns, matrices = self.columns_at_hand if self._lags_behind else self.columns, []
        address = (columns.pre, columns.post)
        for name in names:
            values = self._attribute_array(name, columns)
            matrix = np.full(self.shape, np.nan)
            if multiple_synapses in ("first", "last"):
                # Those of a pair are neighbours. NumPy keeps no order among equal addresses.
                same = (np.diff(columns.pre) == 0) & (np.diff(address[1]) == 0)
                chosen = ~(np.append(False, same) if multiple_synapses == "first"
                           else np.append(same, False))[:len(values)]
                matrix[columns.pre[chosen], address[1][chosen]] = values[chosen]
            else:
                matrix[address] = {"sum": 0.0, "min": np.inf, "max": -np.inf}[multiple_synapses]
                {"sum": np.add, "min": np.minimum, "max": np.maximum}[multiple_synapses].at(
                    matrix, address, values)
            matrices.append(matrix)
        return matrices

    def set(self, **attributes):
        """Set parameters or states of all connections; takes effect at the next step.

        Each value is a number; a 2D array (n_pre, n_post), of which the elements where there
        are connections count; a list or 1D array with one value per connection in the order
        of such an array's elements (by source, then target), as in PyNN's other back ends; a
        RandomDistribution; or a function (or string) of distance. Several connections of one
        pair get the same value from everything but a list.

        What spikes have brought about until now stays. Under changed time constants traces and
        states decay on from what they are. New delays of plastic synapses (or fractions of
        them) let the spikes in axons and dendrites reach the synapses at once; those in axons
        are transmitted when they would have been.

        Raises NonExistentParameterError, InvalidDimensionsError, InvalidWeightError,
        InvalidParameterValueError or ConnectionError before anything has changed.
        """
        self._check_names(attributes, self.attribute_names)
        delay, values = self._checked_attributes(attributes)
        self._settle(attributes)
        if self.dynamics is not None and "weight" in values and "weight" in self.dynamics.initial:
            self.dynamics.initial["weight"] = _copied(values["weight"])
        self._change(delay, **values)

    def initialize(self, **initial_values):
        """Set state variables, now and for every reset(), with the kinds of values of set().

        TsodyksMarkramSynapse has u, x and y; StochasticTsodyksMarkramSynapse u and R (1: the
        release site is ready, 0: empty); MultiQuantalSynapse u and a (how many sites are
        ready). They hold just after the last spike, or at t = 0.
        Raises NonExistentParameterError for anything else, and as set() does.
        """
        states = () if self.dynamics is None else tuple(self.dynamics.model.states)
        self._check_names(initial_values, states)
        _, values = self._checked_attributes(initial_values)
        self._settle(initial_values)
        for name, given in values.items():
            self.dynamics.initial[name] = _copied(given)
            self.initial_values[name] = LazyArray(given, shape=(self.size(),), dtype=float)
        self._change(**values)

    def _checked_attributes(self, attributes):
        """(delay in steps or None, values) in column order, from what set() takes."""
        columns, values = self.columns, {}
        for name, value in attributes.items():
            try:
                values[name] = simplified(self._of_connections(name, value, columns))
            except errors.InvalidDimensionsError:
                raise
            except VALUE_ERRORS as err:
                raise errors.InvalidParameterValueError(
                    f"{self.label}: {name} = {value!r:.200}: {err}") from err
        delay = values.pop("delay", None)
        if delay is not None:
            delay = self._checked_delay(delay)
        if "weight" in values:
            values["weight"] = self._checked_weight(values["weight"])
        if self.dynamics is not None and len(columns.pre):
            # A weight that is being replaced need not fit the new bounds.
            self.dynamics.check(values, {**columns.values, **values})
        return delay, values

    def _check_names(self, names, known):
        for name in names:
            if name not in known:
                raise errors.NonExistentParameterError(
                    name, f"{type(self.synapse_type).__name__} of {self.label}", list(known))

    def _of_connections(self, name, value, columns):
        """Anything that set() takes, as a float or float64 [m] in column order."""
        if isinstance(value, (list, tuple, np.ndarray)) and np.ndim(value) == 1:
            given = np.asarray(value, dtype=np.float64)
            if len(given) != len(columns.pre):
                raise errors.InvalidDimensionsError(
                    f"{self.label}: {name} has {len(given)} values for {len(columns.pre)} "
                    "connections")
            values = np.empty(len(given))
            values[np.lexsort((columns.post, columns.pre))] = given
            return values
        if np.ndim(value) == 2 and np.shape(value) != self.shape:
            raise errors.InvalidDimensionsError(
                f"{self.label}: {name} has shape {np.shape(value)}, must be {self.shape}, "
                "(sources, targets)")
        space = ParameterSpace({name: value}, {name: float}, self.shape)
        return self._evaluated(self._handle_distance_expressions(space)[name], columns)

    def _evaluated(self, value, columns):
        """A lazy (n_pre, n_post) array where there are connections: a float, or float64 [m]."""
        if value.is_homogeneous:
            return float(value.evaluate(simplify=True))
        post = columns.post
        if isinstance(value.base_value, RandomDistribution):
            # PyNN draws for every pair, row by row, and then uses those of connected pairs.
            drawn = self._drawn(value.base_value, columns.pre, post)
            return value._apply_operations(drawn, (columns.pre, post))
        if getattr(value.base_value, "__name__", None) == "distance_map":
            result = np.empty(len(columns.pre))
            for j in np.unique(post):
                one = slice(columns.start[j], columns.start[j + 1])
                result[one] = value[columns.pre[one], int(j)]
            return result
        return np.asarray(value[columns.pre, post], dtype=np.float64)

    def _drawn(self, distribution, pre, post):
        n_pre, n_post = self.shape
        # Clipped distributions draw again within a block, so that its size matters.
        rows = n_pre if "clipped" in distribution.name else max(1, DRAWN_AT_ONCE // n_post)
        order = np.argsort(pre, kind="stable")
        bounds = np.searchsorted(pre[order], np.arange(0, n_pre + rows, rows))
        result = np.empty(len(pre))
        for k, first in enumerate(range(0, n_pre, rows)):
            block = distribution.next(min(rows, n_pre - first) * n_post).reshape(-1, n_post)
            chosen = order[bounds[k]:bounds[k + 1]]
            result[chosen] = block[pre[chosen] - first, post[chosen]]
        return result

    # --- recording -----------------------------------------------------------------------------

    @property
    def recordable(self):
        """Names of what record() takes: the weight, and the states of the synapse type."""
        return ("weight", *(() if self.dynamics is None else self.dynamics.model.states))

    def units_of(self, name):
        """Of what record() takes, as Neo takes them."""
        if name != "weight":
            return "dimensionless"
        if self._takes_conductance():
            return "uS"
        root, *_ = _components(self.post)[0]
        port = root.model.ports[self.receptor_type]
        return "nA" if RECEPTORS[port.receptor].states else "mV"

    def record(self, variables, to_file=None, sampling_interval=None, connections=None):
        """Record weights or synaptic states, from now on; None: record nothing any more.

        variables: 'weight', a state of the synapse type (see `initialize`), or several names.
        to_file: a file name or a Neo IO, to which end() will write.
        sampling_interval: ms, a multiple of the time step; by default that of what is recorded
            already, else the time step.
        connections: indices of connections, as in `projection[i]`, or pairs (presynaptic index,
            postsynaptic index); by default all.

        A sample is what get() returns at that time: the weight that was transmitted last, states
        as they are (see synapse_recording.py).
        Raises RecordingError, ValueError, IndexError, ConnectionError.
        """
        if variables is None:
            self.recorder.stop()
            return
        check_file(to_file)
        self.recorder.record(variables, sampling_interval, connections)
        if to_file:
            simulator.state.write_on_end.append((self, variables, to_file))

    def get_data(self, variables="all", gather=True, clear=False, annotations=None):
        """What was recorded, as a Neo Block with a Segment for each reset().

        Each variable is an AnalogSignal with one channel per connection, and the
        array_annotations `channel_index` (the connection's index), `presynaptic_index` and
        `postsynaptic_index`. clear: forget all data, and go on recording.
        """
        return self.recorder.get(variables, clear, annotations)

    def write_data(self, io, variables="all", gather=True, clear=False, annotations=None):
        """Write what get_data() returns by a Neo IO, given as such or by the name of a file."""
        write_block(io, self.get_data(variables, gather, clear, annotations))

    def current(self, name):
        """float64 [m]: what get() returns now, in the order of connections."""
        return self._attribute_array(name, self.columns_at_hand)

    def save(self, attribute_names, file, format="list", gather=True, with_address=True):
        names = attribute_names
        if isinstance(names, str):
            names = (list(self.attribute_names) if names in ("all", "connections")
                     else [names])
        data = self.get(names, format, gather, with_address)
        columns = list(names)
        if format == "array":
            data = [np.where(np.isnan(values), 0.0, values) for values in data]
            # One matrix is what a text file can hold.
            data = data[0] if len(data) == 1 else data
        elif with_address:
            columns = ["i", "j", *columns]
        if isinstance(file, str):
            file = files.StandardTextFile(file, mode="w")
        file.write(data, {"columns": columns})
        file.close()

    save.__doc__ = common.Projection.save.__doc__


def _joined(parts, sizes, dtype):
    """One number where all parts are the same, else [sum of sizes]."""
    if not any(isinstance(part, np.ndarray) for part in parts) and len(set(parts)) == 1:
        return parts[0]
    return np.concatenate([part if isinstance(part, np.ndarray) else np.full(size, part, dtype)
                           for part, size in zip(parts, sizes)])


def _copied(values):
    return values.copy() if isinstance(values, np.ndarray) else values


def _twins(columns):
    """float64 [m]: how many connections of the same pair come before each one."""
    m = len(columns.pre)
    same = np.zeros(m, bool)
    same[1:] = (np.diff(columns.pre) == 0) & (np.diff(columns.post) == 0)
    place = np.arange(m)
    return (place - np.maximum.accumulate(np.where(same, 0, place))).astype(np.float64)


def _ascending(index):
    return bool((np.diff(index) > 0).all())


def _inverse(index, size, offset):
    """int32 [size]: root index -> place in the projection's cells."""
    inverse = np.empty(size, np.int32)
    inverse[index] = np.arange(offset, offset + len(index), dtype=np.int32)
    return inverse


def _sorted_within(start, pre):
    """Whether the sources of each target ascend."""
    falls = np.nonzero(pre[1:] < pre[:-1])[0] + 1
    return bool(np.isin(falls, start).all())
