"""Populations, views and assemblies: PyNN's API over arrays.

No neuron is an object: parameters and state are arrays of the root Population, ids are numbers,
and an ID comes into being when somebody asks for one. A view knows its root Population and its
indices there. Whatever is set is evaluated and checked as a whole before the first value changes.

Random distributions draw as in PyNN's other back ends: initial values from the generator itself,
cell parameters from a copy of it, one copy per parameter.
"""

import operator
from copy import copy, deepcopy
from types import MappingProxyType

import numpy as np
from pyNN import common, errors, random
from pyNN.models import BaseCurrentSource
from pyNN.parameters import ArrayParameter, LazyArray, ParameterSpace, simplify
from pyNN.recording import files

from . import simulator
from .kernels.layout import aligned
from .memory import check_memory
from .recording import Part, Recorder, RecordingError, build_block, check_file, write_block

# What PyNN and lazyarray raise where a value is not what they can use
VALUE_ERRORS = (AssertionError, AttributeError, IndexError, NotImplementedError, SyntaxError,
                TypeError, ValueError)


class IDArray(np.ndarray):
    """Ids (int64) that turn into ID objects one by one, by integer index or iteration."""

    _populations = ()  # where the ids are at home: root Populations

    @classmethod
    def of(cls, numbers, *populations):
        ids = np.asarray(numbers, np.int64).view(cls)
        ids._populations = populations
        return ids

    def __array_finalize__(self, other):
        self._populations = getattr(other, "_populations", ())

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **kwargs):
        # What one computes from ids are numbers.
        if out is not None:
            kwargs["out"] = tuple(_plain(x) for x in out)
        return getattr(ufunc, method)(*(_plain(x) for x in inputs), **kwargs)

    def __getitem__(self, index):
        item = super().__getitem__(index)
        return item if isinstance(item, np.ndarray) else self._identify(int(item))

    def __iter__(self):
        return (self._identify(number) for number in self.tolist())

    def _identify(self, number):
        for population in self._populations:
            if 0 <= number - population._first < population.size:
                return population._cell(number - population._first)
        return number


def _plain(x):
    return x.view(np.ndarray) if isinstance(x, IDArray) else x


class _Cells:
    """What a Population and a PopulationView have in common.

    root          the Population that holds the arrays
    root_indices  int64 [size]: where in them
    """

    def __getitem__(self, index):
        if isinstance(index, (int, np.integer)):
            position = operator.index(index)
            if not -self.size <= position < self.size:
                raise IndexError(f"{self.label}: index {position} is out of range for "
                                 f"{self.size} cells")
            return self.root._cell(int(self.root_indices[position]))
        return super().__getitem__(index)

    @property
    def network(self):
        return self.root._network

    def is_local(self, id):
        return True

    def get(self, parameter_names, gather=False, simplify=True):
        """The values of one parameter, or a list of those of several.

        A parameter is a float64 array [size], with `simplify` a float where all cells agree.
        Spike times are an array of Sequences, a single Sequence for a single cell.
        """
        if isinstance(parameter_names, str):
            return self._get_parameter(parameter_names, simplify)
        return [self._get_parameter(name, simplify) for name in parameter_names]

    def set(self, **parameters):
        """Set parameters: numbers, arrays, lists, random distributions or functions f(index).

        Takes effect at the next step. Raises, before anything has changed, pyNN.errors'
        NonExistentParameterError, InvalidDimensionsError and InvalidParameterValueError.
        """
        self._apply_set(self._prepare_set(parameters))

    def initialize(self, **initial_values):
        """Set state variables, now and for every reset(), with the same kinds of values as set().

        Raises as set() does, and for values that are not finite.
        """
        self._apply_initialize(self._prepare_initialize(initial_values))

    def record(self, variables, to_file=None, sampling_interval=None, locations=None):
        """Record a variable, or several, from now on; None: record nothing in the Population.

        to_file: a file name or a Neo IO, to which end() will write. sampling_interval: ms, a
        multiple of the time step. Raises RecordingError, ValueError.
        """
        if variables is None:
            self.recorder.reset()
            return
        check_file(to_file)
        self.recorder.record(variables, np.asarray(self.all_cells), sampling_interval, locations)
        _write_at_end(self, variables, to_file)

    def inject(self, current_source):
        """Inject the current of `current_source` into all cells."""
        _inject(current_source, self)

    def sample(self, n, rng=None):
        """A view of `n` cells drawn at random (PyNN's draws: a permutation of all)."""
        _check_generator(self, rng)
        return super().sample(operator.index(n), rng)

    def save_positions(self, file):
        """Write index, x, y and z (um) of each cell to a file."""
        _save_positions(self, file, {"population": self.label})

    def _index_of(self, numbers):
        """Where the cells with these ids (an array) are in this population; IndexError if not."""
        ids = np.asarray(self.all_cells)
        order = np.argsort(ids, kind="stable")
        at = np.searchsorted(ids[order], numbers)
        found = order[np.minimum(at, ids.size - 1)]
        strangers = np.asarray(numbers)[ids[found] != numbers]
        if strangers.size:
            raise IndexError(f"{self.label} has no cell with id {strangers.flat[0]}")
        return found

    def _get_view(self, selector, label=None):
        return PopulationView(self, selector, label)

    def _set_cell_initial_value(self, id, variable, value):
        index = self.id_to_index(id)
        self[index:index + 1].initialize(**{variable: value})

    def _get_parameter(self, name, simplified):
        if name not in self.root.parameters:
            raise errors.NonExistentParameterError(
                name, type(self.celltype).__name__, self.root.parameters)
        values = self.root.parameters[name][self.root_indices]
        if values.dtype == object:
            return values[0] if values.size == 1 else values
        return simplify(values) if simplified else values

    def _prepare_set(self, parameters):
        schema = self.celltype.get_schema()
        values = {}
        for name, value in parameters.items():
            if name not in schema:
                raise errors.NonExistentParameterError(name, type(self.celltype).__name__, schema)
            if isinstance(value, str):
                raise self._invalid(name, value, "must not be a string")
            if isinstance(value, np.ndarray) and value.ndim == 2:
                value = list(value)  # spike times, a row for each cell
            try:
                lazy = ParameterSpace({name: value}, schema, (self.size,))[name]
            except VALUE_ERRORS as err:
                raise self._invalid(name, value, err) from err
            values[name] = self._evaluate(name, _with_own_draws(lazy))
        # With what is not set but must agree with it.
        partners = {name: self.root.parameters[name][self.root_indices]
                    for group in (*self.celltype.ordered, *self.celltype.together)
                    if not values.keys().isdisjoint(group) for name in group}
        self.celltype.check_parameters({**partners, **values}, self.label)
        self.root.model.check(values, self.label)
        return values

    def _apply_set(self, values):
        for name, value in values.items():
            self.root.parameters[name][self.root_indices] = value
        self.root.parameters_changed()

    def _prepare_initialize(self, initial_values):
        values = {}
        for variable, value in initial_values.items():
            if variable not in self.root.initializable:
                raise errors.NonExistentParameterError(
                    f"{self.label}: initial value of {variable!r}", type(self.celltype).__name__,
                    self.root.initializable)
            if isinstance(value, str):
                raise self._invalid(variable, value, "must not be a string")
            try:
                lazy = LazyArray(value, shape=(self.size,), dtype=float)
            except VALUE_ERRORS as err:
                raise self._invalid(variable, value, err) from err
            array = values[variable] = self._evaluate(variable, lazy)
            if not np.isfinite(array).all():
                bad = np.flatnonzero(~np.isfinite(array))[0]
                raise self._invalid(variable, array[bad], f"must be finite (cell {bad})")
        return values

    def _apply_initialize(self, values):
        for variable, value in values.items():
            carrier = self.root.model.carriers.get(variable)
            for state in (self.root._initial, self.root.state):
                if carrier:
                    state[carrier][self.root_indices] += value - state[variable][self.root_indices]
                state[variable][self.root_indices] = value

    def _evaluate(self, name, lazy):
        """The value of a LazyArray for each cell: float64 [size], or objects for spike times."""
        try:
            lazy.shape = (self.size,)
            values = _values(lazy)
            if issubclass(self.celltype.get_schema().get(name, float), ArrayParameter):
                return self._fill_sequences(name, values)
            values = np.asarray(values)
            if values.dtype.kind not in "fiub":
                raise TypeError("must be a number")
            if values.shape not in ((), (1,), (self.size,)):
                raise errors.InvalidDimensionsError(
                    f"has shape {values.shape} instead of {(self.size,)}")
            return np.broadcast_to(values, (self.size,)).astype(np.float64, order="C")
        except VALUE_ERRORS as err:
            raise self._invalid(name, lazy.base_value, err) from err

    def _fill_sequences(self, name, values):
        filled = np.empty(self.size, object)
        if isinstance(values, ArrayParameter):
            filled.fill(values)
        elif len(values) == self.size:
            sequence = self.celltype.get_schema()[name]
            filled[:] = [v if isinstance(v, sequence) else sequence(v) for v in values]
        else:
            raise errors.InvalidDimensionsError(f"{len(values)} instead of {self.size}")
        return filled

    def _invalid(self, name, value, reason):
        """The error for a value, as PyNN's classes distinguish them."""
        wrong_shape = isinstance(reason, errors.InvalidDimensionsError) or "shape" in str(reason)
        error = errors.InvalidDimensionsError if wrong_shape else errors.InvalidParameterValueError
        if isinstance(value, np.ndarray):
            shown = np.array2string(value, threshold=5)
        else:
            shown = repr(value)
        return error(f"{self.label} ({self.size} cells of {type(self.celltype).__name__}): "
                     f"{name} = {shown:.200}: {reason}")


def _with_own_draws(lazy):
    """A LazyArray whose random distribution draws from a copy of its generator.

    PyNN's back ends copy when they translate parameters. A NativeRNG, which is ours alone,
    draws on instead, and gives each parameter numbers of its own.
    """
    own = copy(lazy)
    if (isinstance(lazy.base_value, random.RandomDistribution)
            and not isinstance(lazy.base_value.rng, random.NativeRNG)):
        own.base_value = deepcopy(lazy.base_value)
    return own


def _values(lazy):
    """A LazyArray's values: one for all, or an array. Functions may know scalars only."""
    function = lazy.base_value
    if not callable(function) or isinstance(function, random.RandomDistribution):
        return lazy.evaluate(simplify=True)
    try:
        return lazy.evaluate(simplify=True)
    except (TypeError, ValueError):
        by_cell = copy(lazy)
        by_cell.base_value = np.array([function(i) for i in range(lazy.shape[0])])
        return by_cell.evaluate(simplify=True)


def _inject(current_source, cells):
    if not isinstance(current_source, BaseCurrentSource):
        raise TypeError(f"{cells.label}: inject() takes a current source, not "
                        f"{current_source!r:.200}")
    current_source.inject_into(cells)


def _check_generator(cells, rng):
    if rng is not None and not callable(getattr(rng, "permutation", None)):
        raise TypeError(f"{cells.label}: rng must be a random number generator with a method "
                        f"permutation, not {rng!r:.200}")


def _write_at_end(cells, variables, to_file):
    if to_file is not None and not isinstance(to_file, bool):
        simulator.state.write_on_end.append((cells, variables, to_file))


def _save_positions(cells, file, metadata):
    if isinstance(file, str):
        file = files.StandardTextFile(file, mode="w")
    file.write(np.column_stack((np.arange(cells.size), cells.positions.T)), metadata)
    file.close()


class Population(_Cells, common.Population):
    """PyNN's Population, as arrays.

    parameters  {name: float64 [size], or object [size] of Sequences}
    state       {variable: float64 [size]}, the current values; arrays that live as long as this
    network     the Network it belongs to, for good
    index       its number among the network's populations
    compiled    {name: array}, those parameters of a source that were compiled last
    """

    __doc__ = common.Population.__doc__ + __doc__
    _simulator = simulator
    _recorder_class = Recorder

    def __init__(self, size, cellclass, cellparams=None, structure=None, initial_values=None,
                 label=None):
        self._network = simulator.state.network
        self.compiled = {}
        if isinstance(cellclass, type):
            cellparams = cellparams or {}
        elif cellparams is not None:
            raise TypeError("cellparams belongs to a cell class; a cell type instance has its own")
        initial_values = initial_values or {}
        super().__init__(size, cellclass, cellparams, structure, initial_values, label)
        # PyNN's constructor has applied the defaults of the cell type to what follows from
        # parameters too.
        self.initialize(**{variable: value for variable, value
                           in self.model.initial(self.parameters).items()
                           if variable not in initial_values})
        self._network.add_population(self)

    @property
    def root(self):
        return self

    @property
    def root_indices(self):
        return self._indices

    # Ids are made on demand: PyNN's constructor sets those of the first and last cell, which
    # would hold the Population in a cycle.
    first_id = property(lambda self: self._cell(0), lambda self, id: None)
    last_id = property(lambda self: self._cell(self.size - 1), lambda self, id: None)
    all_cells = property(lambda self: IDArray.of(self._ids, self))
    local_cells = all_cells

    @property
    def initial_values(self):
        """{variable: LazyArray}: what reset() restores. To be changed by initialize()."""
        return _as_lazy_arrays(self._initial)

    @initial_values.setter
    def initial_values(self, values):
        pass  # PyNN's constructor begins with an empty dict

    def reset_state(self):
        """Put all state variables back to their initial values."""
        for variable, values in self.state.items():
            values[:] = self._initial[variable]

    def parameters_changed(self):
        self._network.changed()

    def _cell(self, index):
        cell = simulator.ID(self._first + index)
        cell.parent = self
        return cell

    def _create_cells(self):
        if self.size < 1:
            raise ValueError(f"{self.label}: a population needs at least one cell, not {self.size}")
        if not hasattr(self.celltype, "check_parameters"):
            raise errors.InvalidModelError(
                f"{self.label}: {type(self.celltype).__name__} is not a cell type of "
                f"pyNN.{simulator.name}")
        # Ids, indices and a mask; parameters, as given and as compiled; the state.
        check_memory(f"{self.label}: {self.size} cells of {type(self.celltype).__name__}",
                     self.size * 8 * (2 + 2 * len(self.celltype.default_parameters)))
        self.parameters = {name: self._evaluate(name, _with_own_draws(value))
                           for name, value in self.celltype.parameter_space.items()}
        self.celltype.check_parameters(self.parameters, self.label)
        self.model = self.celltype.model.of(self.parameters)
        defaults = {**self.celltype.default_initial_values, **self.model.initial(self.parameters)}
        self._initial = {variable: np.array(np.broadcast_to(defaults.get(variable, 0.0), self.size),
                                            dtype=np.float64)
                         for variable in self.model.states}
        self.state = {variable: aligned(values) for variable, values in self._initial.items()}
        self.initializable = [variable for variable in self.state
                              if variable in defaults or variable in self.celltype.recordable]
        self._first = self._network.next_id
        self._indices = np.arange(self.size)
        self._ids = self._first + self._indices
        self._mask_local = np.ones(self.size, bool)
        for constant in (self._indices, self._ids, self._mask_local):
            constant.flags.writeable = False


def _as_lazy_arrays(values):
    return MappingProxyType({variable: LazyArray(simplify(array), shape=array.shape, dtype=float)
                             for variable, array in values.items()})


class PopulationView(_Cells, common.PopulationView):
    __doc__ = common.PopulationView.__doc__
    _simulator = simulator

    def __init__(self, parent, selector, label=None):
        if not isinstance(parent, common.BasePopulation):
            raise TypeError(f"PopulationView: a view is one of a Population or of another view, "
                            f"not of {parent!r:.200}")
        super().__init__(parent, _checked_selector(parent, selector), label)
        self.root = parent.root
        self.root_indices = parent.root_indices[self.mask]
        self.first_id = self.root._cell(int(self.root_indices.min()))
        self.last_id = self.root._cell(int(self.root_indices.max()))

    @property
    def initial_values(self):
        """{variable: LazyArray}: what reset() restores. To be changed by initialize()."""
        return _as_lazy_arrays({variable: values[self.root_indices]
                                for variable, values in self.root._initial.items()})

    def id_to_index(self, id):
        """Where the cell with this ID, or several, are in the view; IndexError if they are not."""
        if isinstance(id, common.BasePopulation):
            id = id.all_cells
        index = self._index_of(np.asarray(id))
        return index if np.iterable(id) else int(index)

    def index_in_grandparent(self, indices):
        return self.root_indices[indices]

    def index_from_parent_index(self, indices):
        """Where the cells with these indices in the parent are in the view; IndexError if not."""
        positions = np.arange(self.parent.size)[self.mask]
        order = np.argsort(positions, kind="stable")
        at = np.minimum(np.searchsorted(positions[order], indices), self.size - 1)
        index = order[at]
        if np.any(positions[index] != indices):
            raise IndexError(f"{self.label} does not contain all of the parent's cells {indices}")
        return index


def _checked_selector(parent, selector):
    """A slice as it is; anything else as an array of indices >= 0, which PyNN may sort."""
    label = f"part of '{parent.label}'"
    if isinstance(selector, slice):
        if len(range(*selector.indices(parent.size))) == 0:
            raise IndexError(f"{label}: {selector} selects no cell out of {parent.size}")
        return selector
    selector = np.array(selector)
    if selector.shape == (0,):
        raise IndexError(f"{label}: no cell is selected")
    if selector.ndim != 1 or selector.dtype.kind not in "biu":
        raise TypeError(f"{label}: cells are selected by a slice, a mask or integers, not by "
                        f"{selector.dtype} of shape {selector.shape}")
    if selector.dtype == bool:
        if selector.size != parent.size:
            raise IndexError(f"{label}: the mask has {selector.size} elements, the parent "
                             f"{parent.size} cells")
        selector = np.flatnonzero(selector)
    if selector.size == 0:
        raise IndexError(f"{label}: no cell is selected")
    outside = selector[(selector < -parent.size) | (selector >= parent.size)]
    if outside.size:
        raise IndexError(f"{label}: index {outside[0]} is out of range for {parent.size} cells")
    selector = selector.astype(np.int64)
    return np.where(selector < 0, selector + parent.size, selector)


class Assembly(common.Assembly):
    __doc__ = common.Assembly.__doc__
    _simulator = simulator

    @property
    def components(self):
        """[(Population or view, index of its first cell in the Assembly), ...]"""
        sizes = [p.size for p in self.populations]
        return list(zip(self.populations, np.cumsum([0] + sizes[:-1]).tolist()))

    @property
    def all_cells(self):
        return IDArray.of(np.concatenate([np.asarray(p.all_cells) for p in self.populations]),
                          *(p.root for p in self.populations))

    local_cells = all_cells

    @property
    def receptor_types(self):
        """What all components have, in the first one's order: a Projection's default is first."""
        return [receptor for receptor in self.populations[0].receptor_types
                if all(receptor in p.receptor_types for p in self.populations)]

    first_id = property(lambda self: min(p.first_id for p in self.populations))
    last_id = property(lambda self: max(p.last_id for p in self.populations))
    _index_of = _Cells._index_of

    def __getitem__(self, index):
        if isinstance(index, (int, np.integer)):
            if not -self.size <= index < self.size:
                raise IndexError(f"{self.label}: index {index} is out of range for "
                                 f"{self.size} cells")
            index = index % self.size
        elif isinstance(index, (tuple, list, np.ndarray)):
            index = _checked_selector(self, index)
        return super().__getitem__(index)

    def id_to_index(self, id):
        """Where the cell with this ID, or several, are in the Assembly; IndexError if not."""
        if isinstance(id, (common.BasePopulation, common.Assembly)):
            id = id.all_cells
        index = self._index_of(np.asarray(id))
        return index if np.iterable(id) else int(index)

    def sample(self, n, rng=None):
        """An Assembly of `n` cells drawn at random (PyNN's draws: a permutation of all)."""
        _check_generator(self, rng)
        return super().sample(operator.index(n), rng)

    def set(self, **parameters):
        """Set parameters of all components; random distributions draw for one after the other."""
        prepared = [(p, p._prepare_set(parameters)) for p in self.populations]
        for p, values in prepared:
            p._apply_set(values)

    def initialize(self, **initial_values):
        """Set state variables of all components, now and for every reset()."""
        prepared = [(p, p._prepare_initialize(initial_values)) for p in self.populations]
        for p, values in prepared:
            p._apply_initialize(values)

    def inject(self, current_source):
        """Inject the current of `current_source` into all cells."""
        _inject(current_source, self)

    def record(self, variables, to_file=None, sampling_interval=None, locations=None):
        """Record from all components, see Population.record; to_file gets one Block of them."""
        check_file(to_file)
        if variables is not None:
            for p in self.populations:
                p.recorder.check(variables, sampling_interval, locations)
        for p in self.populations:
            p.record(variables, None, sampling_interval, locations)
        if variables is not None:
            _write_at_end(self, variables, to_file)

    def get_data(self, variables="all", gather=True, clear=False, annotations=None):
        """The data of all components as one Neo Block, `channel_index` counting in the Assembly.

        A variable that some components cannot record comes from the others.
        """
        names = "all" if variables == "all" else self._recordable_names(variables)
        parts = []
        for p, offset in self.components:
            channels = np.zeros(p.root.size, np.int64)
            channels[p.root_indices] = offset + np.arange(p.size)
            parts.append(Part(p.recorder, names, p.root_indices, channels))
        block = build_block(parts)
        block.name = self.label
        block.description = self.describe()
        metadata = self.populations[0].recorder.metadata
        for p in self.populations[1:]:
            metadata = {**p.recorder.metadata, **metadata}
        block.annotate(**{
            **metadata, "size": self.size, "first_index": 0, "last_index": self.size,
            "first_id": int(self.first_id), "last_id": int(self.last_id),
            "label": ";".join(dict.fromkeys(part.label for part in parts))})
        block.annotate(**(annotations or {}))
        if clear:
            for p in self.populations:
                p.recorder.clear()
        return block

    def write_data(self, io, variables="all", gather=True, clear=False, annotations=None):
        """Write the data of all components by a Neo IO, given as such or by a file name."""
        write_block(io, self.get_data(variables, gather, False, annotations))
        if clear:
            for p in self.populations:
                p.recorder.clear()

    def mean_spike_count(self, gather=True):
        """Spikes per recorded cell, 0 if none is recorded."""
        counts = self.get_spike_counts(gather)
        return sum(counts.values()) / len(counts) if counts else 0

    def save_positions(self, file):
        """Write index, x, y and z (um) of each cell to a file."""
        _save_positions(self, file, {"assembly": self.label})

    def _recordable_names(self, variables):
        names = [variables] if isinstance(variables, str) else list(variables)
        for name in names:
            if not any(p.can_record(name) for p in self.populations):
                raise RecordingError(name, self.populations[0])
        return names


for _class in (Population, PopulationView):
    _class._assembly_class = Assembly
