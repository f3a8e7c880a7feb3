"""Connectors: PyNN's rules for who is connected to whom, evaluated on whole arrays.

Each class here is a subclass of PyNN's class of the same name and draws from a `NumpyRNG` exactly
the numbers that PyNN's own code draws, in the same order, so that one seed gives one network on
every backend: the same pairs, weights and delays. What differs is that the numbers of many targets
are drawn and handed to the projection at once, and that a `NativeRNG` takes short cuts of its own.

PyNN draws target by target (column by column of the connection matrix): first which sources are
connected, then each parameter of those connections. It copies RandomDistributions, and with them
their generators, whenever it reads a synapse type or compares a random map with a probability.
Hence weights and delays come from generators of their own even where the script passed one object,
projections made from one generator repeat its numbers, and the draws of many columns can be made
in one go. Only where two of them really share a generator are columns processed one by one.
"""

import operator
import warnings
from copy import deepcopy

import numpy as np
from lazyarray import VectorizedIterable, larray
from pyNN import common, errors
from pyNN import connectors as pynn
from pyNN.parameters import LazyArray
from pyNN.space import Space
from pyNN.standardmodels import check_weights

from .kernels.connect import counting_order
from .memory import check_memory
from .random import NativeRNG, NumpyRNG, RandomDistribution

try:
    import csa
except ImportError:
    csa = None

__all__ = ["AllToAllConnector", "ArrayConnector", "CSAConnector", "CloneConnector", "Connector",
           "DisplacementDependentProbabilityConnector", "DistanceDependentProbabilityConnector",
           "FixedNumberPostConnector", "FixedNumberPreConnector", "FixedProbabilityConnector",
           "FixedTotalNumberConnector", "FromFileConnector", "FromListConnector",
           "IndexBasedProbabilityConnector", "MapConnector", "OneToOneConnector",
           "SmallWorldConnector"]

Connector = pynn.Connector

# Pairs looked at, or connections handed over, at a time: 2 MB of float64, which stays in cache.
CHUNK = 1 << 18
# Of more than this many for each that is wanted, different ones are found by sorting: 50 ns each,
# where a look at every one costs 0.5.
FEW = 128

# What a connection takes before its weight and delay: source and target, int32.
LEAST_BYTES = 8

# Distributions whose numbers do not depend on how many are asked for at a time (RandomState keeps
# nothing back but the second normal deviate, which the next call gets). Not so normal_clipped,
# where the redraws of a call follow its first draws.
DRAWN_ONE_BY_ONE = frozenset(["binomial", "exponential", "gamma", "lognormal", "normal",
                              "normal_clipped_to_boundary", "poisson", "uniform", "uniform_int",
                              "vonmises"])


class ArrayBased(Connector):
    """What all connectors share: evaluating maps in blocks of columns, and handing them over.

    It replaces the methods of `pyNN.connectors.MapConnector` that work column by column, so that
    a subclass may still override any of them, or call `_connect_with_map` with a map of its own.
    """

    def _connect_with_map(self, projection, connection_map, distance_map=None):
        """Connect where `connection_map`, a LazyArray (n_pre, n_post), is True."""
        _use_own_native_rng(connection_map, getattr(self, "rng", None))
        parameters = self._parameters_from_synapse_type(projection, distance_map)
        one_by_one = _share_a_generator(*_generators(connection_map), *_all_generators(parameters))
        self._connect_blocks(projection, _blocks_of_map(connection_map, projection.shape,
                                                        one_by_one), parameters)

    def _standard_connect(self, projection, connection_map_generator, distance_map=None):
        """Connect according to an iterable of one array per target: a mask, or the sources."""
        sources = connection_map_generator()
        parameters = self._parameters_from_synapse_type(projection, distance_map)
        one_by_one = _share_a_generator(getattr(self, "rng", None), *_all_generators(parameters))
        self._connect_blocks(projection, _blocks_of_columns(sources, projection.shape[0],
                                                            one_by_one), parameters)

    def _connect_grouped(self, projection, pre, post, **given):
        """Connect pre[k] to post[k]. `given`: values (m,) of some of the synapse's parameters."""
        start, order = counting_order(np.ascontiguousarray(post, np.int32), projection.post.size)
        parameters = self._parameters_from_synapse_type(projection)
        blocks = _blocks_of_groups(np.asarray(pre, np.int32)[order], start,
                                   _share_a_generator(*_all_generators(parameters)))
        given = {name: np.asarray(values, np.float64)[order] for name, values in given.items()}
        self._connect_blocks(projection, blocks, parameters, given=given)

    def _connect_blocks(self, projection, blocks, parameters, given=None, draw=None, check=True):
        """Evaluate the synapse's parameters for each `Pairs` of `blocks` and hand them over."""
        if self.location_selector is not None:
            raise NotImplementedError(
                f"{projection.label}: point neurons have no location_selector "
                f"{self.location_selector!r}")
        given, done = given or {}, 0
        constants = {name: float(values.evaluate(simplify=True))
                     for name, values in parameters.items()
                     if name not in given and _is_constant(values)}
        check, unchecked = check and self.safe, constants
        for pairs in blocks:
            if not pairs.size:
                continue
            values = dict(constants)
            for name, lazy in parameters.items():
                if name not in constants and name not in given:
                    values[name] = _as_parameter(_evaluate(lazy, pairs, draw or _draw), pairs,
                                                 name, projection)
            if check:
                _check_values(projection, pairs, {
                    name: value for name, value in values.items()
                    if name in unchecked or name not in constants})
                unchecked = {}
            for name, array in given.items():
                values[name] = array[done:done + pairs.size]
            done += pairs.size
            projection._append_columns(pairs.pre, pairs.counts, pairs.first, **values)
            if self.callback:
                for column in np.flatnonzero(pairs.counts):
                    self.callback((pairs.first + column) / projection.post.size)

    def _parameters_from_synapse_type(self, projection, distance_map=None):
        try:
            parameters = super()._parameters_from_synapse_type(projection, distance_map)
        except ValueError as error:
            raise errors.InvalidDimensionsError(f"{projection.label}: {error}") from error
        synapse_type = projection.synapse_type
        for name, original in synapse_type.parameter_space.items():
            translation = getattr(synapse_type, "translations", {}).get(name)
            native_name = translation["translated_name"] if translation else name
            if native_name in parameters.keys():
                _undo_copies_of_native_rngs(parameters[native_name], original)
        return parameters

    def _generate_distance_map(self, projection):
        space = projection.space
        if (type(space).distances is not Space.distances
                or type(space).distance_generator is not Space.distance_generator):
            return super()._generate_distance_map(projection)

        def positions():
            # A random structure draws them when they are first looked at, in PyNN in this order.
            sources, targets = _positions(projection.pre), _positions(projection.post)
            return sources, (space.scale_factor * (targets.T + space.offset)).T
        return LazyArray(PairFunction(_distance_in(space), positions), shape=projection.shape)

    # PyNN compares the IDs as a matrix (and the indices, where pre and post are one Population,
    # which comes to the same).

    def _get_connection_map_no_self_connections(self, projection):
        return LazyArray(PairFunction(np.not_equal, lambda: (_ids(projection.pre),
                                                             _ids(projection.post))),
                         shape=projection.shape)

    def _get_connection_map_no_mutual_connections(self, projection):
        """Of two cells that could both connect to each other, only the later does to the earlier.

        PyNN defines this where pre and post are the same Population; here a pair of a view or
        an assembly is restricted if both cells occur on both sides.
        """
        pre, post = _ids(projection.pre), _ids(projection.post)

        def allowed(source, target):
            both_ways = (source[1] & target[1]).astype(bool)
            return (source[0] > target[0]) | ~both_ways
        return LazyArray(PairFunction(allowed, lambda: (np.stack([pre, np.isin(pre, post)]),
                                                        np.stack([post, np.isin(post, pre)]))),
                         shape=projection.shape)

    def _allowed_map(self, projection):
        """The pairs that `allow_self_connections` leaves, or None if that is all of them."""
        if not self.allow_self_connections:
            return self._get_connection_map_no_self_connections(projection)
        if self.allow_self_connections == "NoMutual":
            return self._get_connection_map_no_mutual_connections(projection)
        return None


class MapConnector(ArrayBased, pynn.MapConnector):
    __doc__ = pynn.MapConnector.__doc__


class AllToAllConnector(ArrayBased, pynn.AllToAllConnector):
    __doc__ = pynn.AllToAllConnector.__doc__

    def connect(self, projection):
        n = projection.pre.size * projection.post.size
        check_memory(f"{projection.label}: {n} connections", n * LEAST_BYTES)
        super().connect(projection)


class OneToOneConnector(ArrayBased, pynn.OneToOneConnector):
    __doc__ = pynn.OneToOneConnector.__doc__

    def connect(self, projection):
        parameters = self._parameters_from_synapse_type(projection)
        n = min(projection.shape)
        width = 1 if _share_a_generator(*_all_generators(parameters)) else CHUNK
        self._connect_blocks(projection, (
            Pairs(np.arange(first, min(first + width, n), dtype=np.int32),
                  np.ones(min(width, n - first), np.int64), first)
            for first in range(0, n, width)), parameters)


class FixedProbabilityConnector(ArrayBased, pynn.FixedProbabilityConnector):
    __doc__ = pynn.FixedProbabilityConnector.__doc__

    # With a NativeRNG, up to this probability, gaps between connections are drawn instead of a
    # number for each pair.
    SPARSE = 0.25

    def __init__(self, p_connect, *args, **kwargs):
        if not 0 <= p_connect <= 1:
            raise ValueError(f"{type(self).__name__}: p_connect must be from 0 to 1, "
                             f"not {p_connect!r}")
        super().__init__(p_connect, *args, **kwargs)

    def connect(self, projection):
        n = projection.pre.size * projection.post.size * self.p_connect
        check_memory(f"{projection.label}: about {n:.3g} connections", n * LEAST_BYTES)
        if not (isinstance(self.rng, NativeRNG) and self.p_connect <= self.SPARSE):
            return super().connect(projection)
        parameters = self._parameters_from_synapse_type(projection)
        self._connect_blocks(projection, self._skipping_blocks(projection), parameters)

    def _skipping_blocks(self, projection):
        n_pre, n_post = projection.shape
        allowed = self._allowed_map(projection)
        expected = n_pre * self.p_connect
        width = n_post if expected * n_post <= CHUNK else max(1, int(CHUNK / expected))
        for first in range(0, n_post, width):
            n_columns = min(width, n_post - first)
            places = _successes(self.rng.generator, self.p_connect, n_columns * n_pre)
            pairs = Pairs.at(places, n_pre, first, n_columns)
            yield pairs if allowed is None else pairs.where(_evaluate(allowed, pairs))


class DistanceDependentProbabilityConnector(ArrayBased,
                                            pynn.DistanceDependentProbabilityConnector):
    __doc__ = pynn.DistanceDependentProbabilityConnector.__doc__

    def __init__(self, d_expression, *args, **kwargs):
        # PyNN accepts a function, and then fails to compile its repr().
        function = callable(d_expression) and not isinstance(d_expression, type)
        if not function and not isinstance(d_expression, str):
            raise TypeError(f"{type(self).__name__}: d_expression must be a string or a function "
                            f"of the distance d, not {d_expression!r:.200}")
        try:
            super().__init__("0" if function else d_expression, *args, **kwargs)
        except (AssertionError, NameError, SyntaxError) as err:
            if not isinstance(d_expression, str):
                raise
            raise ValueError(f"{type(self).__name__}: d_expression = {d_expression!r:.200} cannot "
                             f"be evaluated as a function of the distance d: {err}") from err
        if function:
            self.d_expression = d_expression
            self.distance_function = lambda distance_map: LazyArray(d_expression)(distance_map)


class IndexBasedProbabilityConnector(ArrayBased, pynn.IndexBasedProbabilityConnector):
    __doc__ = pynn.IndexBasedProbabilityConnector.__doc__


class DisplacementDependentProbabilityConnector(ArrayBased,
                                                pynn.DisplacementDependentProbabilityConnector):
    __doc__ = pynn.DisplacementDependentProbabilityConnector.__doc__

    class DisplacementExpression(
            pynn.DisplacementDependentProbabilityConnector.DisplacementExpression):
        def for_pairs(self, pairs):
            targets, sources = (_positions(cells) for cells in (self.projection.post,
                                                                self.projection.pre))
            return self._disp_function(pairs.combine(lambda source, target: target - source,
                                                     sources, targets))

    def __init__(self, disp_function, allow_self_connections=True, location_selector=None,
                 rng=None, safe=True, callback=None):
        super().__init__(disp_function, allow_self_connections, location_selector, rng, safe,
                         callback)
        # PyNN's constructor drops these two.
        self.location_selector, self.safe = location_selector, safe


class ArrayConnector(ArrayBased, pynn.ArrayConnector):
    __doc__ = pynn.ArrayConnector.__doc__

    def connect(self, projection):
        array = np.asarray(self.array)
        if array.dtype != bool:
            # PyNN would take each column of numbers for a list of sources.
            raise TypeError(f"{projection.label}: ArrayConnector needs a boolean array, not one of "
                            f"{array.dtype}")
        if array.shape != projection.shape:
            raise errors.InvalidDimensionsError(
                f"{projection.label}: ArrayConnector has an array of shape {array.shape}, the "
                f"projection is {projection.shape}")
        self._connect_with_map(projection, LazyArray(array))


class CloneConnector(ArrayBased, pynn.CloneConnector):
    __doc__ = pynn.CloneConnector.__doc__

    def connect(self, projection):
        reference = self.reference_projection
        if not isinstance(reference, common.Projection):
            raise TypeError(f"{projection.label}: CloneConnector takes a Projection, not "
                            f"{reference!r:.200}")
        if projection.pre != reference.pre or projection.post != reference.post:
            raise errors.ConnectionError(
                f"Pre and post populations must match between reference ({reference.pre} and "
                f"{reference.post}) and clone projections ({projection.pre} and "
                f"{projection.post}) for CloneConnector")
        pre, post = reference.columns.pre, reference.columns.post
        # As in PyNN, several connections of one pair become one.
        first = np.ones(pre.size, bool)
        first[1:] = (pre[1:] != pre[:-1]) | (post[1:] != post[:-1])
        self._connect_grouped(projection, pre[first], post[first])


class FromListConnector(ArrayBased, pynn.FromListConnector):
    __doc__ = pynn.FromListConnector.__doc__

    def __init__(self, conn_list, *args, **kwargs):
        if np.size(conn_list) and np.ndim(conn_list) != 2:
            raise ValueError("FromListConnector: conn_list must be a list of tuples of the same "
                             f"length, (source, target, parameters...), not {conn_list!r:.200}")
        super().__init__(conn_list, *args, **kwargs)

    def connect(self, projection):
        valid_names = projection.synapse_type.get_parameter_names()
        for name in self.column_names:
            if name not in valid_names:
                raise ValueError(f"{projection.label}: {name} is not a valid parameter for "
                                 f"{type(projection.synapse_type).__name__}, which has "
                                 f"{', '.join(valid_names)}")
        if self.conn_list.size == 0:
            return
        for side, index, cells in (("source", self.conn_list[:, 0], projection.pre),
                                   ("target", self.conn_list[:, 1], projection.post)):
            wrong = ~((index >= 0) & (index < cells.size) & (index == np.floor(index)))
            if wrong.any():
                raise errors.ConnectionError(
                    f"{projection.label}: {side} index out of range: {index[wrong][0]} in the "
                    f"list, must be a whole number from 0 to {cells.size - 1}")
        parameters = self._parameters_from_synapse_type(projection)
        # Not a stable sort, as PyNN's, where among the sources of one target this order decides
        # who gets which random number. Else stable: NumPy's other sorts depend on the machine.
        kind = "stable" if {"weight", "delay"} <= set(self.column_names) else None
        self.conn_list = self.conn_list[np.argsort(self.conn_list[:, 1], kind=kind)]
        post = self.conn_list[:, 1].astype(np.int64)
        start = np.searchsorted(post, np.arange(projection.post.size + 1))
        blocks = _blocks_of_groups(self.conn_list[:, 0].astype(np.int32), start, False)
        # Weights and delays need no translation in this backend.
        given = {name: self.conn_list[:, column].astype(np.float64)
                 for column, name in enumerate(self.column_names, 2)}
        # PyNN does not apply its checks to a list, whatever `safe` says.
        self._connect_blocks(projection, blocks, parameters, given, _draw_the_same_again,
                             check=False)


class FromFileConnector(FromListConnector, pynn.FromFileConnector):
    __doc__ = pynn.FromFileConnector.__doc__

    def __init__(self, file, distributed=False, location_selector=None, safe=True, callback=None):
        pynn.FromFileConnector.__init__(self, file, distributed, location_selector, safe, callback)

    def connect(self, projection):
        file = self.file
        if self.distributed:
            # PyNN's rename() would delete the file of this name.
            file = type(file)(f"{file.name}.{projection._simulator.state.mpi_rank}", mode="r")
        columns = file.get_metadata().get("columns", ("weight", "delay"))
        self.column_names = tuple(name for name in columns if name not in ("i", "j"))
        self.conn_list = np.atleast_2d(file.read())
        if self.conn_list.size and self.conn_list.shape[1] != len(self.column_names) + 2:
            raise ValueError(
                f"{projection.label}: the file {getattr(file, 'name', file)} has "
                f"{self.conn_list.shape[1]} columns, expected i, j, "
                f"{', '.join(self.column_names)}")
        super().connect(projection)


class FixedNumberConnector(ArrayBased, pynn.FixedNumberConnector):
    """What FixedNumberPre, FixedNumberPost and FixedTotalNumber share."""

    def __init__(self, n, *args, **kwargs):
        if not isinstance(n, RandomDistribution):
            try:
                n = operator.index(n)
            except TypeError:
                raise TypeError(f"{type(self).__name__}: n must be an integer or a "
                                f"RandomDistribution, not {n!r}") from None
            if n < 0:
                raise ValueError(f"{type(self).__name__}: n must not be negative, not {n}")
        super().__init__(n, *args, **kwargs)

    def _check_memory(self, projection, n_cells):
        if isinstance(self.n, int):
            check_memory(f"{projection.label}: {self.n} connections for each of {n_cells} cells",
                         n_cells * self.n * LEAST_BYTES)

    def _excludes_self(self, projection):
        """Whether cell i must not choose cell i; as in PyNN, only where pre is post."""
        if self.allow_self_connections == "NoMutual":
            warnings.warn(f"{projection.label}: {type(self).__name__} knows no 'NoMutual', in PyNN "
                          "neither; self-connections and mutual ones are allowed", stacklevel=4)
        return not self.allow_self_connections and projection.pre == projection.post

    def _is_one_draw(self, excludes_self):
        """Whether all cells' choices are one run of independent numbers."""
        return (self.with_replacement and not excludes_self and isinstance(self.n, int)
                and _is_blockwise(self.rng, "uniform_int"))

    def _numbers(self, n_cells):
        """How many partners each cell gets: int64 (n_cells,)."""
        if isinstance(self.n, int):
            return np.full(n_cells, self.n, np.int64)
        return _as_counts(self.n.next(n_cells))

    def _choose(self, n, size, excluded):
        """What PyNN draws for one cell: n of range(size) without `excluded` (None: all)."""
        n = int(_as_counts(n))
        if n and size - (excluded is not None) < 1:
            raise errors.ConnectionError(f"{type(self).__name__}: there is no cell to choose")
        if self.with_replacement:
            if excluded is None:
                return self.rng.next(n, "uniform_int", {"low": 0, "high": size},
                                     mask=None).astype(np.int64)
            return self._rng_uniform_int_exclude(n, size, excluded).astype(np.int64)
        cells = np.arange(size)
        if excluded is not None:
            cells = cells[cells != excluded]
        full_sets, remainder = divmod(n, max(cells.size, 1))
        parts = [cells] * full_sets
        if remainder:
            parts.append(self.rng.permutation(cells)[:remainder])
        return np.concatenate(parts) if parts else np.empty(0, np.int64)

    def _rng_uniform_int_exclude(self, n, size, exclude):
        # PyNN's own loop stops with an IndexError when a redrawn number has to be drawn again.
        chosen = self.rng.next(n, "uniform_int", {"low": 0, "high": size}, mask=None)
        wrong = np.flatnonzero(chosen == exclude)
        while wrong.size:
            chosen[wrong] = self.rng.next(wrong.size, "uniform_int", {"low": 0, "high": size},
                                          mask=None)
            wrong = wrong[chosen[wrong] == exclude]
        return chosen

    def _native_choices(self, n_cells, size, excludes_self):
        """Yield (first cell, numbers (k,), chosen flat): the choices of k cells at a time."""
        numbers = self._numbers(n_cells)
        size = size - excludes_self
        if size < 1 and numbers.any():
            raise errors.ConnectionError(f"{type(self).__name__}: there is no cell to choose")
        size = max(1, size)
        most = max(1, int(numbers.max(initial=0)))
        width = max(1, CHUNK // max(most, min(size, FEW * most)))
        for first in range(0, n_cells, width):
            n = numbers[first:first + width]
            if self.with_replacement:
                chosen = (self.rng.next(int(n.sum())) * size).astype(np.int64)
            else:
                full_sets, remainder = np.divmod(n, size)
                rest = _draw_distinct(self.rng.next, np.full(n.size, size), remainder)
                chosen = np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n)
                is_rest = chosen >= np.repeat(full_sets * size, n)
                chosen %= size
                chosen[is_rest] = rest
            if excludes_self:
                chosen += chosen >= np.repeat(np.arange(first, first + n.size), n)
            yield first, n, chosen


class FixedNumberPreConnector(FixedNumberConnector, pynn.FixedNumberPreConnector):
    __doc__ = pynn.FixedNumberPreConnector.__doc__

    def connect(self, projection):
        n_pre, n_post = projection.shape
        self._check_memory(projection, n_post)
        excludes_self = self._excludes_self(projection)
        parameters = self._parameters_from_synapse_type(projection)
        one_by_one = _share_a_generator(self.rng, *_all_generators(parameters))
        if isinstance(self.rng, NativeRNG):
            blocks = (Pairs(sources.astype(np.int32), counts, first) for first, counts, sources
                      in self._native_choices(n_post, n_pre, excludes_self))
        elif self._is_one_draw(excludes_self) and not one_by_one:
            blocks = self._blocks_of_one_draw(n_pre, n_post)
        else:
            blocks = _blocks_of_columns(
                (self._choose(n, n_pre, column if excludes_self else None)
                 for column, n in enumerate(self._numbers(n_post))), n_pre, one_by_one)
        self._connect_blocks(projection, blocks, parameters)

    def _blocks_of_one_draw(self, n_pre, n_post):
        width = max(1, CHUNK // max(1, self.n))
        for first in range(0, n_post, width):
            n_columns = min(width, n_post - first)
            sources = self._choose(n_columns * self.n, n_pre, None)
            yield Pairs(sources.astype(np.int32), np.full(n_columns, self.n), first)


class FixedNumberPostConnector(FixedNumberConnector, pynn.FixedNumberPostConnector):
    __doc__ = pynn.FixedNumberPostConnector.__doc__

    def connect(self, projection):
        n_pre, n_post = projection.shape
        self._check_memory(projection, n_pre)
        excludes_self = self._excludes_self(projection)
        if isinstance(self.rng, NativeRNG):
            parts = [(counts, targets.astype(np.int32)) for _, counts, targets
                     in self._native_choices(n_pre, n_post, excludes_self)]
            counts, targets = (np.concatenate(column) for column in zip(*parts))
        elif self._is_one_draw(excludes_self):
            counts = self._numbers(n_pre)
            targets = self._choose(n_pre * self.n, n_post, None)
        else:
            chosen = [self._choose(self._get_num_post(), n_post,
                                   source if excludes_self else None) for source in range(n_pre)]
            counts, targets = [len(part) for part in chosen], np.concatenate(chosen)
        sources = np.repeat(np.arange(n_pre, dtype=np.int32), counts)
        self._connect_grouped(projection, sources, targets)


class FixedTotalNumberConnector(FixedNumberConnector, pynn.FixedTotalNumberConnector):
    """Make `n` connections in total, between pairs drawn at random.

    With a NumpyRNG the pairs are those that PyNN draws; PyNN ignores `allow_self_connections` and
    `with_replacement` here, so they are ignored with a warning. A NativeRNG honours them.

    Arguments, beside those of any Connector:
        `n`:
            an integer, or a RandomDistribution from which one is drawn.
        `allow_self_connections`:
            True (default), False or 'NoMutual'.
        `with_replacement`:
            whether a pair may get several connections. Default True.
        `rng`:
            the generator.
    """

    def __init__(self, n, allow_self_connections=True, with_replacement=True, *args, **kwargs):
        super().__init__(n, allow_self_connections, with_replacement, *args, **kwargs)

    def connect(self, projection):
        n = self.n if isinstance(self.n, int) else int(_as_counts(self.n.next()))
        check_memory(f"{projection.label}: {n} connections", n * LEAST_BYTES)
        if n and not all(projection.shape):
            raise errors.ConnectionError(f"{projection.label}: there is no pair to connect")
        if isinstance(self.rng, NativeRNG):
            self._connect_grouped(projection, *self._native_pairs(projection, n))
            return
        ignored = [] if self.with_replacement else ["with_replacement=False"]
        if self.allow_self_connections is not True and np.intersect1d(
                _ids(projection.pre), _ids(projection.post)).size:
            ignored.append(f"allow_self_connections={self.allow_self_connections!r}")
        if ignored:
            warnings.warn(f"{projection.label}: FixedTotalNumberConnector ignores "
                          f"{' and '.join(ignored)}, as PyNN does, so that the network is the same "
                          "as elsewhere; pass a NativeRNG to have it obeyed", stacklevel=4)
        # PyNN splits n between the MPI processes with a binomial draw: one number of the stream.
        n = int(RandomDistribution("binomial", (n, 1.0), rng=self.rng).next())
        self._connect_grouped(projection, *_draw_pairs(self.rng, *projection.shape, n))

    def _native_pairs(self, projection, n):
        """(sources, targets) of n connections."""
        n_pre, n_post = projection.shape
        generator, allowed = self.rng.generator, self._allowed_map(projection)
        if allowed is None and self.with_replacement:
            return (generator.integers(0, n_pre, n, dtype=np.int32),
                    generator.integers(0, n_post, n, dtype=np.int32))
        n_allowed = n_pre * n_post if allowed is None else sum(
            block.size for block in _blocks_of_map(allowed, projection.shape, False))
        possible = n_allowed if not (n_allowed and self.with_replacement) else n
        if n > possible:
            raise errors.ConnectionError(f"{projection.label}: {n} connections asked for, but only "
                                         f"{n_allowed} pairs are allowed")

        def draw(size):
            pre, post = generator.integers(0, n_pre, size), generator.integers(0, n_post, size)
            if allowed is not None:
                keep = allowed.base_value(pre, post)
                pre, post = pre[keep], post[keep]
            return post * n_pre + pre  # the place of the pair, column by column

        if self.with_replacement:
            places = np.empty(0, np.int64)
            while places.size < n:
                places = np.concatenate([places, draw(n - places.size)])
            return places % n_pre, places // n_pre
        # The first pairs of a random sequence that differ are a random subset. Where it is more
        # than half of the pairs, the sequence says which ones to leave out.
        few, places = min(n, n_allowed - n), np.empty(0, np.int64)
        while places.size < few:
            new = np.sort(draw(few - places.size))
            new = new[np.diff(new, prepend=-1) > 0]
            if places.size:
                next_place = np.minimum(np.searchsorted(places, new), places.size - 1)
                new = new[places[next_place] != new]
            places = np.sort(np.concatenate([places, new]), kind="stable")
        if few == n:
            return places % n_pre, places // n_pre
        allowed = LazyArray(True, shape=projection.shape) if allowed is None else allowed
        every = [(block.pre, block.post)
                 for block in _blocks_of_map(allowed, projection.shape, False)]
        pre, post = (np.concatenate(column) for column in zip(*every))
        keep = ~np.isin(post.astype(np.int64) * n_pre + pre, places, assume_unique=True)
        return pre[keep], post[keep]


class SmallWorldConnector(ArrayBased, pynn.SmallWorldConnector):
    """Connect cells so as to create a small-world network.

    PyNN defines the arguments but no algorithm; this is the one of Watts and Strogatz (1998), for
    directed edges:

    1. The lattice: each source is connected to all cells nearer than `degree`, itself included
       unless self-connections are off.
    2. If `n_connections` is given and a source has more, so many of them, drawn at random, stay.
    3. Each connection is rewired with probability `rewiring`: its target is replaced by one drawn
       uniformly from those which the source has no connection to after steps 1 and 2, no target
       twice. If these run out, the rest is not rewired.

    The rng gives in this order: the choices of step 2, one number per connection (source by
    source, targets ascending), the new targets. Weights and delays are then drawn as for any other
    connector, target by target; distances are those of the final pairs.

    Arguments, beside those of any Connector:
        `degree`:
            radius of the neighbourhood, in the units of the positions (µm).
        `rewiring`:
            probability from 0 to 1.
        `allow_self_connections`:
            True (default), False or 'NoMutual'.
        `n_connections`:
            largest number of connections of one source. Default None: no limit.
        `rng`:
            the generator.

    Reference: Watts and Strogatz (1998) Collective dynamics of small-world networks.
    doi:10.1038/30918
    """

    def __init__(self, degree, rewiring, allow_self_connections=True, n_connections=None,
                 location_selector=None, rng=None, safe=True, callback=None):
        if not 0 <= rewiring <= 1:
            raise ValueError(f"SmallWorldConnector: rewiring must be from 0 to 1, not {rewiring!r}")
        if not degree >= 0:
            raise ValueError(f"SmallWorldConnector: degree must not be negative, not {degree!r}")
        if n_connections is not None and operator.index(n_connections) < 0:
            raise ValueError("SmallWorldConnector: n_connections must not be negative, not "
                             f"{n_connections!r}")
        super().__init__(degree, rewiring, allow_self_connections, n_connections,
                         location_selector, rng, safe, callback)
        self.degree = degree  # PyNN's constructor does not keep it, and then describe() fails

    def connect(self, projection):
        n_pre, _ = projection.shape
        allowed = self._allowed_map(projection)
        lattice = self._generate_distance_map(projection) < float(self.degree)
        if allowed is not None:
            lattice *= allowed
        blocks = [(block.pre, block.post)
                  for block in _blocks_of_map(lattice, projection.shape, False)]
        pre, post = (np.concatenate(column) for column in zip(*blocks))
        start, order = counting_order(pre, n_pre)
        pre, post, number = pre[order], post[order], np.diff(start)
        if self.n_connections is not None:
            kept = np.minimum(number, self.n_connections)
            stay = np.repeat(start[:-1], kept) + _draw_distinct(self.rng.next, number, kept)
            pre, post, number = pre[stay], post[stay], kept
        rewired = self.rng.next(pre.size) < self.rewiring
        self._rewire(projection, pre, post, number, rewired, allowed)
        self._connect_grouped(projection, pre, post)

    def _rewire(self, projection, pre, post, number, rewired, allowed):
        """Step 3, in place. number: (n_pre,) connections of each source; `pre` ascends."""
        n_pre, n_post = projection.shape
        ends = np.cumsum(number)
        targets = np.arange(n_post)
        height = max(1, CHUNK // n_post)
        for first in range(0, n_pre, height):
            sources = np.arange(first, min(first + height, n_pre))
            here = slice(ends[first] - number[first], ends[sources[-1]])
            free = np.ones((sources.size, n_post), bool) if allowed is None else (
                allowed.base_value(sources[:, None], targets[None, :]))
            free[pre[here] - first, post[here]] = False
            n_free = free.sum(axis=1)
            edges = np.flatnonzero(rewired[here])
            row = pre[here][edges] - first
            # The how-manieth rewired edge of its source each one is.
            rank = np.arange(edges.size) - np.searchsorted(row, row)
            possible = rank < n_free[row]
            edges, row = edges[possible], row[possible]
            wanted = np.bincount(row, minlength=sources.size)
            new = _draw_distinct(self.rng.next, n_free, wanted) + np.repeat(
                np.cumsum(n_free) - n_free, wanted)
            post[here.start + edges] = np.flatnonzero(free)[new] % n_post


class CSAConnector(ArrayBased, pynn.CSAConnector):
    __doc__ = pynn.CSAConnector.__doc__

    def connect(self, projection):
        n_pre, n_post = projection.shape
        finite = csa.cross((0, n_pre - 1), (0, n_post - 1)) * self.cset
        if csa.arity(self.cset) == 0:
            pairs = np.fromiter(finite, dtype=[("i", np.int32), ("j", np.int32)])
            pairs = np.unique(pairs)  # by source, as in the columns of PyNN's matrix
            self._connect_grouped(projection, pairs["i"], pairs["j"])
        else:
            # PyNN hands over IDs for indices here, and leaves out the other parameters.
            rows = np.fromiter(finite, dtype=[("i", np.int32), ("j", np.int32),
                                              ("weight", np.float64), ("delay", np.float64)])
            self._connect_grouped(projection, rows["i"], rows["j"], weight=rows["weight"],
                                  delay=rows["delay"])


class Pairs:
    """Some pairs of cells (source, target), grouped by consecutive targets.

    pre      int32 (m,), sources
    counts   int64 (k,), pairs of each of the k targets
    first    int, the first target
    """

    def __init__(self, pre, counts, first, n_pre=None):
        self.counts, self.first = counts, first
        self.size = n_pre * len(counts) if pre is None else len(pre)
        self._pre, self._n_pre = pre, n_pre

    @classmethod
    def all(cls, n_pre, first, n_columns):
        """Every source with each of `n_columns` targets."""
        return cls(None, np.full(n_columns, n_pre, np.int64), first, n_pre)

    @classmethod
    def at(cls, places, n_pre, first, n_columns):
        """Those at the ascending `places` of `Pairs.all`."""
        begins = np.arange(n_columns + 1) * n_pre
        counts = np.diff(np.searchsorted(places, begins))
        return cls((places - np.repeat(begins[:-1], counts)).astype(np.int32), counts, first)

    @property
    def pre(self):
        if self._pre is None:
            return np.tile(np.arange(self._n_pre, dtype=np.int32), self.counts.size)
        return self._pre

    @property
    def post(self):
        """int32 (m,): targets."""
        return np.repeat(np.arange(self.first, self.first + self.counts.size, dtype=np.int32),
                         self.counts)

    @property
    def columns(self):
        """(target, sources int64) of each target that has some."""
        ends = np.cumsum(self.counts)
        pre = None if self._pre is None else self._pre.astype(np.int64)
        for column in np.flatnonzero(self.counts):
            if pre is None:
                sources = np.arange(self._n_pre)
            else:
                sources = pre[ends[column] - self.counts[column]:ends[column]]
            yield self.first + column, sources

    def combine(self, function, of_pre, of_post):
        """function(values of the source, values of the target) of all pairs.

        of_pre (..., n_pre) and of_post (..., n_post) give values (..., m).
        """
        of_post = of_post[..., self.first:self.first + self.counts.size]
        if self._pre is None:
            values = function(of_pre[..., None, :], of_post[..., :, None])
            return values.reshape(*values.shape[:-2], self.size)
        return function(of_pre[..., self._pre], np.repeat(of_post, self.counts, axis=-1))

    def of_matrix(self, matrix):
        """The elements of matrix (n_pre, n_post) at the pairs."""
        if self._pre is None:
            return matrix[:, self.first:self.first + self.counts.size].T.ravel()
        return matrix[self._pre, self.post]

    def where(self, mask):
        """The pairs for which mask (m,) is True; integers stand for sources, as in PyNN."""
        if mask is True or mask is False:
            return self if mask else Pairs(np.empty(0, np.int32), self.counts * 0, self.first)
        if np.ndim(mask) == 0:
            mask = np.full(self.size, mask)
        if mask.dtype != bool:
            return Pairs(mask.astype(np.int32), self.counts, self.first)
        if self._pre is None:
            return Pairs.at(np.flatnonzero(mask), self._n_pre, self.first, self.counts.size)
        counts = np.bincount(self.post[mask] - self.first, minlength=self.counts.size)
        return Pairs(self._pre[mask], counts, self.first)


class PairFunction:
    """A function of a value of the source and one of the target: base value of LazyArrays.

    values: a function that returns, when first needed, those of all sources (..., n_pre) and of
    all targets (..., n_post).
    """

    def __init__(self, function, values):
        self.function, self._values, self._evaluated = function, values, None

    @property
    def values(self):
        if self._evaluated is None:
            self._evaluated = self._values()
        return self._evaluated

    def __call__(self, i, j):
        i, j = np.broadcast_arrays(i, j)
        of_pre, of_post = self.values
        return self.function(of_pre[..., i], of_post[..., j])

    def for_pairs(self, pairs):
        return pairs.combine(self.function, *self.values)

    def __deepcopy__(self, memo):
        return self  # never changed, and its values are large


# --- blocks of columns ---------------------------------------------------------------------------


def _blocks_of_map(connection_map, shape, one_by_one):
    """Yield `Pairs`: where the map is True, for as many columns at a time as fit in a CHUNK."""
    n_pre, n_post = shape
    width = 1 if one_by_one else max(1, CHUNK // max(1, n_pre))
    for first in range(0, n_post, width):
        pairs = Pairs.all(n_pre, first, min(width, n_post - first))
        yield pairs.where(_evaluate(connection_map, pairs))


def _blocks_of_columns(columns, n_pre, one_by_one):
    """Yield `Pairs` from one array of sources, or mask of them, per column."""
    first, parts, size = 0, [], 0

    def block():
        return Pairs(np.concatenate(parts).astype(np.int32),
                     np.array([len(part) for part in parts], np.int64), first)

    for sources in columns:
        if sources is True or sources is False:
            sources = np.arange(n_pre if sources else 0)
        sources = np.atleast_1d(sources)
        if sources.dtype == bool:
            sources = np.flatnonzero(sources)
        parts.append(sources)
        size += sources.size
        if one_by_one or size >= CHUNK:
            yield block()
            first, parts, size = first + len(parts), [], 0
    if parts:
        yield block()


def _blocks_of_groups(pre, start, one_by_one):
    """Yield `Pairs` where pre[start[j]:start[j + 1]] are the sources of target j."""
    n_post, first = len(start) - 1, 0
    while first < n_post:
        last = np.searchsorted(start, start[first] + (0 if one_by_one else CHUNK), side="right") - 1
        last = min(max(int(last), first + 1), n_post)
        yield Pairs(pre[start[first]:start[last]], np.diff(start[first:last + 1]), first)
        first = last


# --- values of LazyArrays ------------------------------------------------------------------------


def _is_constant(values):
    return values.is_homogeneous and not any(np.ndim(argument) for _, argument in values.operations
                                             if not isinstance(argument, larray))


def _evaluate(values, pairs, draw=None):
    """The values of a LazyArray for the pairs: a scalar or an array (m,).

    Equal to `values[sources, target]` for each target in turn.
    """
    if _is_constant(values):
        return values.evaluate(simplify=True)
    x = _evaluate_base(values, pairs, draw or _draw)
    for function, argument in values.operations:
        if argument is None:
            x = function(x)
        elif isinstance(argument, larray):
            x = function(x, _evaluate(argument, pairs, draw))
        elif np.ndim(argument) == 2:
            x = function(x, pairs.of_matrix(np.asarray(argument)))
        else:
            x = function(x, argument)
    return x


def _evaluate_base(values, pairs, draw):
    base = values.base_value
    if isinstance(base, RandomDistribution):
        return draw(base, pairs)
    if hasattr(base, "for_pairs"):
        return base.for_pairs(pairs)
    if callable(base):
        # A user's function of indices may look at the one target that PyNN passes (`if j == 0`).
        return _by_column(base, pairs)
    if hasattr(base, "lazily_evaluate"):
        return _by_column(lambda i, j: base.lazily_evaluate((i, j), shape=values.shape), pairs)
    if isinstance(base, VectorizedIterable):
        return _by_column(lambda i, j: base.next(i.size), pairs)
    if np.ndim(base) == 2 or hasattr(base, "tocsc"):
        return np.asarray(pairs.of_matrix(base if isinstance(base, np.ndarray) else
                                          base.toarray()))
    return np.full(pairs.size, base)


def _by_column(function, pairs):
    return np.concatenate([np.broadcast_to(function(sources, column), sources.shape)
                           for column, sources in pairs.columns])


def _draw(distribution, pairs):
    """What `distribution` gives if asked for the pairs of one target after the other."""
    if _is_blockwise(distribution.rng, distribution.name) and type(
            distribution) is RandomDistribution:
        rng, parameters = distribution.rng, distribution.parameters
        if (distribution.name == "uniform" and type(rng) is NumpyRNG
                and (parameters["low"], parameters["high"]) == (0, 1)):
            return rng.rng.random_sample(pairs.size)  # the same numbers, seven times faster
        return distribution.next(pairs.size)
    return np.concatenate([distribution.next(int(n)) for n in pairs.counts if n])


def _draw_the_same_again(distribution, pairs):
    """As `_draw`, but each target starts from the same state of the generator.

    PyNN's FromListConnector copies the synapse type, with its generator, for each target: the
    k-th source of every target gets the same number.
    """
    values = np.empty(pairs.size)
    begins = np.cumsum(pairs.counts) - pairs.counts
    for n in np.unique(pairs.counts[pairs.counts > 0]):
        if isinstance(distribution.rng, NativeRNG):
            return distribution.next(pairs.size)
        places = begins[pairs.counts == n][:, None] + np.arange(n)
        values[places] = deepcopy(distribution).next(int(n))
    return values


def _is_blockwise(rng, distribution):
    """Whether n numbers and then m more are n + m numbers."""
    return isinstance(rng, NativeRNG) or (type(rng) is NumpyRNG
                                          and distribution in DRAWN_ONE_BY_ONE)


def _as_parameter(value, pairs, name, projection):
    value = np.asarray(value, dtype=np.float64)
    if value.ndim == 0:
        return float(value)
    if value.shape != (pairs.size,):
        raise errors.InvalidDimensionsError(
            f"{projection.label}: {name} has shape {value.shape} for {pairs.size} connections")
    return value


def _check_values(projection, pairs, values):
    """PyNN's checks of parameter values, which it applies to the connections of each target."""
    synapse_type = projection.synapse_type
    for parameter_name, check in getattr(synapse_type, "parameter_checks", {}).items():
        name = synapse_type.translations[parameter_name]["translated_name"]
        if name not in values:
            continue
        if check is check_weights and (projection.synapse_type.electrical
                                       or projection.post.conductance_based is None):
            continue  # depends on the receptor, which the projection knows
        value = values[name]
        if np.ndim(value) == 0 or (check is check_weights
                                   and ((value >= 0).all() or (value <= 0).all())):
            _check_value(check, value, projection)
        else:
            ends = np.cumsum(pairs.counts)
            for begin, end in zip(ends - pairs.counts, ends):
                if end > begin:
                    _check_value(check, value[begin:end], projection)


def _check_value(check, value, projection):
    try:
        check(value, projection)
    except errors.ConnectionError as error:
        projection._checked_weight(value)  # says more, where it refuses
        raise errors.ConnectionError(f"{projection.label}: {error}") from None


def _as_counts(numbers):
    counts = np.asarray(numbers)
    if counts.size and not (np.issubdtype(counts.dtype, np.integer) and counts.min() >= 0):
        raise ValueError(f"numbers of connections must be integers and not negative, not {numbers}")
    return counts.astype(np.int64)


# --- who shares a generator ----------------------------------------------------------------------


def _generators(values):
    """The generators that the evaluation of a LazyArray draws from."""
    if isinstance(values.base_value, RandomDistribution):
        yield values.base_value.rng
    for _, argument in values.operations:
        if isinstance(argument, larray):
            yield from _generators(argument)


def _all_generators(parameters):
    for _, values in parameters.items():
        yield from _generators(values)


def _share_a_generator(*generators):
    """Whether an order of draws is to be kept. NativeRNGs have no order to be equal to."""
    ids = [id(rng) for rng in generators if rng is not None and not isinstance(rng, NativeRNG)]
    return len(set(ids)) < len(ids)


def _use_own_native_rng(values, rng):
    """Let a map draw from the connector's NativeRNG, not from PyNN's copy of it."""
    base = values.base_value
    if (isinstance(rng, NativeRNG) and isinstance(base, RandomDistribution)
            and isinstance(base.rng, NativeRNG)):
        base.rng = rng


def _undo_copies_of_native_rngs(values, original):
    """Let a parameter draw from the script's own NativeRNG, so that the next projection goes on."""
    _use_own_native_rng(values, getattr(original.base_value, "rng", None))
    # A function of distance brings operations of its own, in front.
    for (_, copied), (_, argument) in zip(values.operations[::-1], original.operations[::-1]):
        if isinstance(copied, larray) and isinstance(argument, larray):
            _undo_copies_of_native_rngs(copied, argument)


# --- random choices ------------------------------------------------------------------------------


def _draw_pairs(rng, n_pre, n_post, n):
    """n times a source, then a target, as PyNN draws them; int64 (n,) each."""
    if type(rng) is not NumpyRNG:
        pairs = [(rng.next(1, "uniform_int", {"low": 0, "high": n_pre}, mask=None)[0],
                  rng.choice(np.arange(n_post), size=1)[0]) for _ in range(n)]
        return np.array(pairs, np.int64).reshape(n, 2).T
    generator = rng.rng
    if n_pre == n_post:
        numbers = generator.randint(0, n_pre, 2 * n)
        return numbers[0::2], numbers[1::2]
    if min(n_pre, n_post) == 1 or max(n_pre, n_post) >= 2**32:
        numbers = generator.randint(0, np.tile([n_pre, n_post], n))
        return numbers[0::2], numbers[1::2]
    return _draw_alternating(generator, n_pre, n_post, n)


def _draw_alternating(generator, n_pre, n_post, n):
    """randint(0, n_pre), randint(0, n_post), n times in turn, from blocks of raw numbers.

    RandomState takes 32 bits, keeps as many as the largest number needs and rejects what is too
    large. So whether a raw number counts depends on whose turn it is, which depends on all before
    it. Each raw number is one of four maps of the turn: both would accept it (the turn passes),
    neither (it stays), only one would (the turn is then the other's, whoever had it). The turn is
    therefore known from the last raw number of the third kind and the parity of the first kind.
    """
    highest = np.array([n_pre - 1, n_post - 1], np.uint32)
    bits = np.array([2 ** int(high).bit_length() - 1 for high in highest], np.uint32)
    accepted, missing, turn = [], 2 * n, 0
    while missing:
        state = generator.get_state()
        raw = generator.randint(0, 2**32, min(CHUNK, 2 * missing + 64), dtype=np.uint32)
        numbers = raw & bits[0], raw & bits[1]
        by_first, by_second = numbers[0] <= highest[0], numbers[1] <= highest[1]
        passed = np.bitwise_xor.accumulate((by_first & by_second).view(np.uint8))
        decided = by_first != by_second
        last = np.maximum.accumulate(np.where(decided, np.arange(raw.size, dtype=np.int32), -1))
        since = np.where(last < 0, np.uint8(turn), (by_first.view(np.uint8) ^ passed)[last])
        turns = np.empty(raw.size + 1, np.uint8)
        turns[0], turns[1:] = turn, since ^ passed
        of_second = turns[:-1].view(bool)
        counted = np.flatnonzero(np.where(of_second, by_second, by_first))
        if counted.size >= missing:
            # Leave the generator where the last number that counts was drawn.
            used = int(counted[missing - 1]) + 1
            generator.set_state(state)
            generator.randint(0, 2**32, used, dtype=np.uint32)
            counted = counted[:missing]
        accepted.append(np.where(of_second, numbers[1], numbers[0])[counted])
        missing, turn = missing - counted.size, int(turns[-1])
    numbers = np.concatenate(accepted) if accepted else np.empty(0, np.uint32)
    return numbers[0::2], numbers[1::2]


def _successes(generator, p, n):
    """Which of n trials succeed with probability p each: int64, ascending.

    The gaps between successes are geometric, so this takes p n numbers.
    """
    if p == 0 or n == 0:
        return np.empty(0, np.int64)
    mean_gap, parts, last = -1.0 / np.log1p(-p), [], -1
    while last < n:
        expected = (n - last) * p
        gaps = generator.standard_exponential(int(expected + 4 * np.sqrt(expected)) + 16)
        gaps *= mean_gap
        places = last + np.cumsum(np.minimum(gaps, n).astype(np.int64) + 1)
        parts.append(places)
        last = int(places[-1])
    places = np.concatenate(parts)
    return places[:np.searchsorted(places, n)]


def _draw_distinct(uniform, size, number):
    """number[k] different ones of range(size[k]), for each k; flat, ascending for each k.

    uniform: function of n that gives n random numbers of [0, 1). The first different ones of a
    random sequence are a random subset; where more than half is wanted, they are left out. Of
    few in many they are sorted, of others marked.
    """
    rows, offset = np.arange(len(size)), np.cumsum(size) - size
    missing = np.minimum(number, size - number)
    inverted = number > missing
    if np.sum(size) >= FEW * np.sum(number) and not inverted.any():
        chosen = np.empty(0, np.int64)
        while missing.any():
            row = np.repeat(rows, missing)
            place = offset[row] + (uniform(row.size) * size[row]).astype(np.int64)
            place = np.sort(np.concatenate((chosen, place)))
            chosen = place[np.diff(place, prepend=-1) > 0]  # np.unique takes ten times as long
            found = np.searchsorted(offset, chosen, "right") - 1
            missing = number - np.bincount(found, minlength=len(rows))
        return chosen - np.repeat(offset, number)
    marked = np.zeros(int(np.sum(size)), bool)
    ticket = np.empty(marked.size, np.int64)
    while missing.any():
        row = np.repeat(rows, missing)
        place = offset[row] + (uniform(row.size) * size[row]).astype(np.int64)
        # Of equal places in this batch one keeps its ticket.
        ticket[place] = np.arange(place.size)
        new = (ticket[place] == np.arange(place.size)) & ~marked[place]
        marked[place] = True
        missing = missing - np.bincount(row[new], minlength=len(rows))
    if inverted.any():
        marked ^= np.repeat(inverted, size)
    return np.flatnonzero(marked) - np.repeat(offset, number)


# --- the cells -----------------------------------------------------------------------------------


def _ids(cells):
    return np.asarray(cells.all_cells).astype(np.int64)


def _positions(cells):
    """float64 (3, n)."""
    return np.asarray(cells.positions, dtype=np.float64)


def _distance_in(space):
    """The function of two arrays of positions (3, ...) that `Space.distances` computes."""
    def distance(source, target):
        total = None
        for axis in space.axes:
            difference = source[axis] - target[axis]
            if space.periodic_boundaries is not None:
                boundaries = space.periodic_boundaries[axis]
                if boundaries is not None:
                    difference = np.abs(difference)
                    difference = np.minimum(difference,
                                            boundaries[1] - boundaries[0] - difference)
            difference = difference * difference
            total = difference if total is None else total + difference
        return np.sqrt(total)
    return distance
