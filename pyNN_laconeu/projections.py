"""Projections: connections between two groups of cells, held as flat arrays.

A connector hands over blocks of connections (`_append_columns`, `_append`, or PyNN's own
`_convergent_connect`); they are sorted once into `synapses.Columns`. A `Connection` object
exists only while a script looks at it.
"""

import numpy as np
from pyNN import common, errors
from pyNN.models import BaseSynapseType
from pyNN.parameters import ParameterSpace
from pyNN.random import RandomDistribution
from pyNN.recording import files
from pyNN.space import Space

from . import simulator
from .plasticity import Plasticity
from .standardmodels.synapses import StaticSynapse, STDPMechanism
from .synapses import Columns, Rows, simplified

# Elements of a temporary when a whole matrix of random numbers must be drawn for some of them.
DRAWN_AT_ONCE = 1 << 20
# What PyNN and lazyarray raise where a value is not what they can use.
VALUE_ERRORS = (AssertionError, AttributeError, IndexError, NameError, NotImplementedError,
                SyntaxError, TypeError, ValueError)


class Connection(common.Connection):
    """One connection: weight and delay can be read and set; both sides are known by index."""

    def __init__(self, projection, position):
        self._projection, self._position = projection, position

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

    @property
    def weight(self):
        """uS, nA or mV, as the target's receptor takes it."""
        return self._projection._value_at("weight", self._position)

    @weight.setter
    def weight(self, value):
        self._projection._set_value_at("weight", self._position, value)

    @property
    def delay(self):
        """ms, a whole number of time steps."""
        return self._projection._value_at("delay", self._position)

    @delay.setter
    def delay(self, value):
        self._projection._set_value_at("delay", self._position, value)

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
        for side, cells in (("presynaptic", presynaptic_neurons),
                            ("postsynaptic", postsynaptic_neurons)):
            self._check_side(side, cells, label)
        self._check_synapse_type(synapse_type, presynaptic_neurons, postsynaptic_neurons, label)
        super().__init__(presynaptic_neurons, postsynaptic_neurons, connector, synapse_type,
                         source, receptor_type, space, label)
        self.network = simulator.state.network
        self._columns, self._rows, self._row_threads = None, None, None
        self._looked_at = None, None
        self._own = {}
        self.plasticity = None
        if isinstance(self.synapse_type, STDPMechanism):
            self.plasticity = Plasticity(self.synapse_type, self.network.dt, self.label,
                                         self._takes_conductance())
        self._blocks = []
        connector.connect(self)
        self._columns = self._sorted_blocks()
        del self._blocks
        if self.plasticity is not None:
            self.plasticity.keep_initial(self._columns.weight, len(self))
        self.network.add_projection(self)

    @staticmethod
    def _check_side(side, cells, label):
        if not isinstance(cells, (common.BasePopulation, common.Assembly)):
            return  # pyNN.common refuses it with a message of its own
        parts = _components(cells)
        if any(root.network is not simulator.state.network for root, _, _ in parts):
            raise errors.ConnectionError(
                f"Projection {label or ''}: the {side} cells {cells.label!r} belong to a network "
                "from before the last setup()")
        if side == "postsynaptic" and not cells.receptor_types:
            raise errors.ConnectionError(
                f"Projection {label or ''}: the postsynaptic cells {cells.label!r} are of a type "
                "without receptors, or share none")

    @staticmethod
    def _check_synapse_type(synapse_type, pre, post, label):
        if not isinstance(synapse_type, BaseSynapseType):
            return  # as above
        if not isinstance(synapse_type, (StaticSynapse, STDPMechanism)):
            raise errors.InvalidModelError(
                f"Projection {label or ''}: {type(synapse_type).__name__} of "
                f"{type(synapse_type).__module__} is not a synapse type of "
                f"pyNN.{simulator.name}, which has StaticSynapse and STDPMechanism")
        for name, value in synapse_type.parameter_space.items():
            given = value.base_value
            if name not in ("weight", "delay") and not value.is_homogeneous:
                raise errors.InvalidParameterValueError(
                    f"Projection {label or ''}: {name} = {given!r:.80}, must be one number for "
                    "all connections")
            if isinstance(given, np.ndarray) and given.shape != (pre.size, post.size):
                raise errors.InvalidDimensionsError(
                    f"Projection {label or ''}: {name} has shape {given.shape}, must be "
                    f"{(pre.size, post.size)}, (sources, targets)")

    # --- taking in what a connector makes ------------------------------------------------------

    def _append_columns(self, pre, counts, first_column, **parameters):
        """Take connections grouped by target.

        pre: int [m] sources; counts: int [k], how many belong to each of the targets
        first_column, first_column + 1, ...; parameters: weight and delay (ms), each a float
        or float64 [m].
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
        """(weight, delay in steps) of n connections, refused if they make no sense."""
        if self.plasticity is not None:
            parameters = self.plasticity.without_rule(parameters)
        unknown = set(parameters) - {"weight", "delay"}
        if unknown:
            raise errors.NonExistentParameterError(sorted(unknown)[0],
                                                   type(self.synapse_type).__name__,
                                                   ["weight", "delay"])
        for name in ("weight", "delay"):
            if name not in parameters:
                raise errors.ConnectionError(f"{self.label}: the connector gives no {name}")
        for name, value in parameters.items():
            if np.ndim(value) and np.shape(value) != (n,):
                raise errors.InvalidDimensionsError(
                    f"{self.label}: {name} has shape {np.shape(value)} for {n} connections")
        return (self._checked_weight(parameters["weight"]),
                self._checked_delay(parameters["delay"]))

    def _takes_conductance(self):
        """Whether weights are conductances, at every target's receptor."""
        return all(root.celltype.takes_conductance(self.receptor_type)
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
        longest = 2.0 ** 30 * dt if network.max_delay == "auto" else network.max_delay
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
        weight, delay = (self._joined(blocks, k) for k in (0, 1))
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
                return Columns(start, pre, weight, delay)
            post = np.repeat(np.arange(n_post, dtype=np.int32), np.diff(start))
        else:
            post = np.concatenate([
                block if first is None else np.repeat(
                    np.arange(first, first + len(block), dtype=np.int32), block)
                for _, block, first, _ in blocks] or [np.empty(0, np.int32)])
        return Columns.of(pre, post, weight, delay, self.pre.size, n_post)

    @staticmethod
    def _joined(blocks, k):
        """The blocks' weights (k = 0) or delays (k = 1), one number where all are the same."""
        parts = [block[3][k] for block in blocks if len(block[0])]
        if not parts:
            return (0.0, 1)[k]
        if not any(isinstance(part, np.ndarray) for part in parts) and len(set(parts)) == 1:
            return parts[0]
        sizes = [len(block[0]) for block in blocks if len(block[0])]
        return np.concatenate([
            part if isinstance(part, np.ndarray)
            else np.full(size, part, (np.float64, np.int32)[k])
            for part, size in zip(parts, sizes)])

    # --- the two orders ------------------------------------------------------------------------

    @property
    def columns(self):
        """The connections as the script sees them; see `synapses.Columns`."""
        return self._columns if self._columns is not None else self._columns_from_rows()

    @property
    def columns_at_hand(self):
        """The same, kept until the next step for the `Connection` objects that may follow."""
        if self._columns is not None:
            return self._columns
        now = self.network.segment_counter, self.network.step
        if self._looked_at[0] != now:
            self._looked_at = now, self._columns_from_rows()
        return self._looked_at[1]

    def tables(self, n_threads):
        """[(pre root, post root, receptor type, Rows)] for the engine. Sorts at most once."""
        if self._rows is None:
            self._rows, self._row_threads = self._rows_from_columns(n_threads), n_threads
            self._columns, self._own, self._looked_at = None, {}, (None, None)
            if self.plasticity is not None:
                self.plasticity.join(self._rows, n_threads)
        return [(pre, post, self.receptor_type, rows) for pre, post, rows in self._rows]

    def _rows_from_columns(self, n_threads):
        columns, tables = self._columns, []
        pre_parts, post_parts = _components(self.pre), _components(self.post)
        single = len(pre_parts) == len(post_parts) == 1
        post = columns.post if not single else None
        for pre_root, pre_index, pre_offset in pre_parts:
            for post_root, post_index, post_offset in post_parts:
                part, position = columns, None
                if single and _ascending(pre_index) and _ascending(post_index):
                    if isinstance(columns.delay, np.ndarray) and _has_duplicates(columns):
                        position = np.arange(len(columns.pre))
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
                    part = Columns(None, None, *(
                        values[position] if isinstance(values, np.ndarray) else values
                        for values in (columns.weight, columns.delay)))
                root_counts = np.zeros(post_root.size + 1, np.int64)
                root_counts[post_index + 1] = counts
                if pre_root.size != len(pre_index) or not _ascending(pre_index):
                    root_pre = pre_index.astype(np.int32)[root_pre]
                tables.append((pre_root, post_root, Rows.of(
                    np.cumsum(root_counts), root_pre, part.weight, part.delay, pre_root.size,
                    n_threads, position)))
        return tables

    def _columns_from_rows(self):
        pre_parts, post_parts = _components(self.pre), _components(self.post)
        pieces, positions = [], []
        for k, (pre_root, post_root, rows) in enumerate(self._rows):
            pre_root, pre_index, pre_offset = pre_parts[k // len(post_parts)]
            post_root, post_index, post_offset = post_parts[k % len(post_parts)]
            pre, post, weight, delay = rows.unsorted(self._row_threads)
            pieces.append((_inverse(pre_index, pre_root.size, pre_offset)[pre],
                           _inverse(post_index, post_root.size, post_offset)[post],
                           weight, delay))
            positions.append(rows.position)
        if len(pieces) == 1:
            pre, post, weight, delay = pieces[0]
        else:
            pre, post = (np.concatenate([piece[k] for piece in pieces]) for k in (0, 1))
            blocks = [(piece[0], None, None, piece[2:]) for piece in pieces]
            weight, delay = self._joined(blocks, 0), self._joined(blocks, 1)
        if positions[0] is None:
            return Columns.of(pre, post, weight, delay, self.pre.size, self.post.size)
        order = np.argsort(np.concatenate(positions))
        start = np.concatenate(([0], np.cumsum(np.bincount(post, minlength=self.post.size))))
        return Columns(start, pre[order], *(
            values[order] if isinstance(values, np.ndarray) else values
            for values in (weight, delay)))

    def _change(self, weight=None, delay=None):
        """Take over new weights or delays (steps), [m] or one for all, in column order."""
        columns = self.columns
        if self.plasticity is not None and delay is not None:
            self.plasticity.forget(self.network.step)
        self._columns, self._rows = Columns(
            columns.start, columns.pre,
            columns.weight if weight is None else weight,
            columns.delay if delay is None else delay), None
        self._looked_at = None, None
        self.network.changed()

    def reset_state(self):
        """Plastic synapses: the weights that the script gave, and no memory of spikes."""
        if self.plasticity is not None:
            self.plasticity.clear()
            self._change(weight=self.plasticity.initial_weight.copy())

    # --- PyNN's interface ----------------------------------------------------------------------

    def __len__(self):
        if self._columns is not None:
            return len(self._columns.pre)
        if self._rows is None:
            return sum(len(block[0]) for block in self._blocks)
        return sum(len(rows.target) for _, _, rows in self._rows)

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
        """(shortest, longest) delay in ms."""
        delay = np.asarray(self.columns.delay)
        return tuple(round(float(steps) * self.network.dt, 12)
                     for steps in (delay.min(), delay.max()))

    def _attribute(self, name, columns, position=slice(None)):
        if name == "presynaptic_index":
            return columns.pre
        if name == "postsynaptic_index":
            return columns.post
        if self.plasticity is not None and name in self.plasticity.given:
            return self.plasticity.given[name]
        values = columns.weight if name == "weight" else columns.delay
        if isinstance(values, np.ndarray):
            values = values[position]
        # Multiples of dt as one would write them: 0.3, not 0.30000000000000004.
        return values if name == "weight" else np.round(values * self.network.dt, 12)

    def _attribute_array(self, name, columns):
        return np.broadcast_to(self._attribute(name, columns), columns.pre.shape)

    def _value_at(self, name, position):
        values = self._attribute(name, self.columns_at_hand, position)
        return float(values)

    def _set_value_at(self, name, position, value):
        checked = self._checked_weight(value) if name == "weight" else self._checked_delay(value)
        columns = self.columns
        values = getattr(columns, name)
        if values is not self._own.get(name):
            # The array may be the connector's or the user's; the copy serves until the next run.
            values = np.array(np.broadcast_to(values, columns.pre.shape),
                              dtype=np.float64 if name == "weight" else np.int32)
            self._own[name] = values
        values[position] = checked
        if self.plasticity is not None and name == "weight":
            self.plasticity.initial_weight[position] = checked
        self._change(**{name: values})

    def get(self, attribute_names, format, gather=True, with_address=True,
            multiple_synapses="sum"):
        self._check_names([attribute_names] if isinstance(attribute_names, str)
                          else attribute_names)
        if format not in ("list", "array"):
            raise ValueError(f"{self.label}: format = {format!r}, must be 'list' or 'array'")
        return super().get(attribute_names, format, gather, with_address, multiple_synapses)

    get.__doc__ = common.Projection.get.__doc__

    def _get_attributes_as_list(self, names):
        columns = self.columns
        return list(zip(*(self._attribute_array(name, columns).tolist() for name in names)))

    def _get_attributes_as_arrays(self, names, multiple_synapses="sum"):
        columns, matrices = self.columns, []
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
        """Set weight, delay or a plasticity rule's parameters; takes effect at the next step.

        Each value is a number; a 2D array (n_pre, n_post), of which the elements where there
        are connections count; a list or 1D array with one value per connection in the order
        of such an array's elements (by source, then target), as in PyNN's other back ends; a
        RandomDistribution; or a function (or string) of distance. Several connections of one
        pair get the same value from everything but a list. A rule's parameters are numbers.

        Raises NonExistentParameterError, InvalidDimensionsError, InvalidWeightError or
        ConnectionError before anything has changed.
        """
        self._check_names(attributes)
        columns, values, rule = self.columns, {}, None
        if self.plasticity is not None:
            rule = self.plasticity.checked({name: attributes.pop(name) for name in
                                            self.plasticity.given if name in attributes})
        for name, value in attributes.items():
            try:
                values[name] = self._of_connections(name, value, columns)
            except errors.InvalidDimensionsError:
                raise
            except VALUE_ERRORS as err:
                raise errors.InvalidParameterValueError(
                    f"{self.label}: {name} = {value!r:.200}: {err}") from err
        checks = {"weight": self._checked_weight, "delay": self._checked_delay}
        values = {name: checks[name](value) for name, value in values.items()}
        if self.plasticity is not None:
            self.plasticity.given.update(rule)
            if "weight" in values:
                self.plasticity.keep_initial(values["weight"], len(columns.pre))
        self._change(**values)

    def _check_names(self, names):
        for name in names:
            if name not in self.synapse_type.get_parameter_names():
                raise errors.NonExistentParameterError(
                    name, f"{type(self.synapse_type).__name__} of {self.label}",
                    self.synapse_type.get_parameter_names())

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
        space = ParameterSpace({name: value}, self.synapse_type.get_schema(), self.shape)
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

    def initialize(self, **initial_values):
        """Synapses have no state variables to set: raises NonExistentParameterError."""
        for variable in initial_values:
            raise errors.NonExistentParameterError(variable, type(self.synapse_type).__name__, [])

    def save(self, attribute_names, file, format="list", gather=True, with_address=True):
        names = attribute_names
        if isinstance(names, str):
            names = (self.synapse_type.get_parameter_names() if names in ("all", "connections")
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


def _has_duplicates(columns):
    """Whether some pair has several connections."""
    same = np.nonzero(columns.pre[1:] == columns.pre[:-1])[0] + 1
    return not bool(np.isin(same, columns.start).all())
