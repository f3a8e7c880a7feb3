"""One seed gives one network: every connector makes the connections that PyNN's own code makes.

The reference is pyNN.mock, which runs PyNN's connectors column by column on the same seeds. Two of
its faults are repaired here, so that it can also serve for views of one cell (whose 0-d masks
numpy >= 2.1 refuses) and for assemblies (whose positions come transposed). Pairs and weights must
be equal to the last bit, delays on the grid of 0.001 ms to which the backend rounds them.
"""

import copy
import warnings

import numpy as np
import pyNN.mock as mock
import pytest
from lazyarray import larray
from pyNN import errors
from pyNN.core import IndexBasedExpression
from pyNN.parameters import LazyArray
from pyNN.random import NumpyRNG, RandomDistribution
from pyNN.space import Cuboid, RandomStructure, Space

import pyNN_laconeu as sim
from pyNN_laconeu import connectors
from pyNN_laconeu.random import NativeRNG

TIMESTEP = 0.001


@pytest.fixture(autouse=True)
def fresh_networks(monkeypatch):
    by_column = LazyArray.by_column

    def by_column_of_arrays(self, mask=None):
        for column in by_column(self, mask):
            yield column if column is True else np.atleast_1d(column)

    monkeypatch.setattr(LazyArray, "by_column", by_column_of_arrays)
    monkeypatch.setattr(mock.Assembly, "position_generator",
                        property(lambda self: lambda i: self.positions.T[i]))
    for module in (sim, mock):
        module.setup(timestep=TIMESTEP, min_delay=TIMESTEP)


def populations(module, *sizes):
    structure = RandomStructure(Cuboid(100, 100, 100), rng=NumpyRNG(11))
    return [module.Population(size, module.IF_cond_exp(), structure=structure) for size in sizes]


def two_populations(module):
    return populations(module, 13, 9)


def recurrent_population(module):
    return populations(module, 12) * 2


def views(module):
    pre, post = populations(module, 13, 11)
    return pre[1:12:2], post[np.array([0, 3, 4, 9])]


def overlapping_views(module):
    cells, = populations(module, 14)
    return cells[:9], cells[4:13][1:]


def view_of_one_source(module):
    pre, post = populations(module, 13, 9)
    return pre[4:5], post


def view_of_one_target(module):
    pre, post = populations(module, 13, 9)
    return pre, post[[7]]


def one_cell_each(module):
    pre, post = populations(module, 4, 4)
    return pre[2:3], post[1:2]


def assemblies(module):
    a, b, c = populations(module, 5, 6, 4)
    return a + b, b + c[1:3]


LAYOUTS = [two_populations, recurrent_population, views, overlapping_views, view_of_one_source,
           view_of_one_target, one_cell_each, assemblies]


class NearbyIndices(IndexBasedExpression):
    """A probability that differs between sources, and that looks at the target as a number."""

    def __call__(self, i, j):
        assert np.ndim(j) == 0
        return np.exp(-0.2 * np.abs(np.asarray(i) - j)) if j % 3 else 0.5 + 0.0 * np.asarray(i)


class IndexWeights(IndexBasedExpression):
    def __call__(self, i, j):
        n_pre, _ = self.projection.shape
        return 0.01 * (np.asarray(i) + n_pre * j) + 0.125


def uniform(rng, low=0.1, high=2.0):
    return RandomDistribution("uniform", (low, high), rng=rng)


def clipped(rng):
    return RandomDistribution("normal_clipped", mu=1.0, sigma=0.8, low=0.2, high=1.7, rng=rng)


# name: (rng of the connector, shape) -> parameters of the synapse
VALUES = {
    "numbers": lambda rng, shape: dict(weight=0.25, delay=1.5),
    "arrays": lambda rng, shape: dict(weight=np.arange(1.0, 1 + np.prod(shape)).reshape(shape),
                                      delay=np.arange(np.prod(shape)).reshape(shape) / 8 + 0.5),
    "random, own rngs": lambda rng, shape: dict(
        weight=RandomDistribution("gamma", (2.0, 0.3), rng=NumpyRNG(7)),
        delay=uniform(NumpyRNG(8))),
    "random, the connector's rng": lambda rng, shape: dict(weight=uniform(rng), delay=uniform(rng)),
    "random, not parallel safe": lambda rng, shape: dict(
        weight=uniform(NumpyRNG(7, parallel_safe=False)),
        delay=RandomDistribution("lognormal", (0.1, 0.2), rng=NumpyRNG(3, parallel_safe=False))),
    "clipped": lambda rng, shape: dict(weight=clipped(NumpyRNG(5)), delay=clipped(rng)),
    "distance strings": lambda rng, shape: dict(weight="0.5 + d/100",
                                                delay="0.2 + 0.01*d*d/(d + 9)"),
    "distance functions": lambda rng, shape: dict(weight=lambda d: 0.5 + 2.0 * (d < 40),
                                                  delay=lambda d: 0.3 + 0.02 * d),
    "index functions": lambda rng, shape: dict(weight=IndexWeights(), delay=IndexWeights()),
    "lazy operations": lambda rng, shape: dict(
        weight=3.0 * LazyArray(uniform(NumpyRNG(2)), shape=shape) + 0.5,
        delay=LazyArray(uniform(NumpyRNG(4)), shape=shape) * LazyArray(
            clipped(NumpyRNG(6)), shape=shape)),
}


def connection_list(shape):
    pairs = np.random.RandomState(5).randint(0, shape, (40, 2))
    return [(int(i), int(j), 0.25 * k, 0.5 + k) for k, (i, j) in enumerate(pairs)]


def partial_list(shape):
    return [row[:2] + (row[3],) for row in connection_list(shape)]


def array(shape):
    return np.random.RandomState(9).random_sample(shape) < 0.4


def counts(low, high, rng):
    return RandomDistribution("uniform_int", (low, high), rng=rng)


# name: (module, rng, shape) -> connector
CONNECTORS = {
    "AllToAll": lambda m, rng, shape: m.AllToAllConnector(),
    "AllToAll, no self": lambda m, rng, shape: m.AllToAllConnector(allow_self_connections=False),
    "OneToOne": lambda m, rng, shape: m.OneToOneConnector(),
    "FixedProbability": lambda m, rng, shape: m.FixedProbabilityConnector(0.4, rng=rng),
    "FixedProbability 1": lambda m, rng, shape: m.FixedProbabilityConnector(1, rng=rng),
    "FixedProbability 0": lambda m, rng, shape: m.FixedProbabilityConnector(0, rng=rng),
    "FixedProbability, no rng": lambda m, rng, shape: m.FixedProbabilityConnector(0.3),
    "FixedProbability, no self": lambda m, rng, shape: m.FixedProbabilityConnector(
        0.6, allow_self_connections=False, rng=rng),
    "DistanceDependent": lambda m, rng, shape: m.DistanceDependentProbabilityConnector(
        "exp(-d/50)", rng=rng),
    "DistanceDependent, no self": lambda m, rng, shape: m.DistanceDependentProbabilityConnector(
        "d < 60", allow_self_connections=False, rng=rng),
    "IndexBased": lambda m, rng, shape: m.IndexBasedProbabilityConnector(NearbyIndices(), rng=rng),
    "IndexBased, no self": lambda m, rng, shape: m.IndexBasedProbabilityConnector(
        NearbyIndices(), allow_self_connections=False, rng=rng),
    "Displacement": lambda m, rng, shape: m.DisplacementDependentProbabilityConnector(
        lambda d: (np.abs(d[0]) < 50) * np.exp(-np.abs(d[2]) / 50), rng=rng),
    "FixedNumberPre": lambda m, rng, shape: m.FixedNumberPreConnector(3, rng=rng),
    "FixedNumberPre, many": lambda m, rng, shape: m.FixedNumberPreConnector(31, rng=rng),
    "FixedNumberPre, random number": lambda m, rng, shape: m.FixedNumberPreConnector(
        counts(1, 7, rng), rng=rng),
    "FixedNumberPre, replacing": lambda m, rng, shape: m.FixedNumberPreConnector(
        4, with_replacement=True, rng=rng),
    "FixedNumberPost": lambda m, rng, shape: m.FixedNumberPostConnector(3, rng=rng),
    "FixedNumberPost, many": lambda m, rng, shape: m.FixedNumberPostConnector(31, rng=rng),
    "FixedNumberPost, random number": lambda m, rng, shape: m.FixedNumberPostConnector(
        counts(1, 7, rng), rng=rng),
    "FixedNumberPost, replacing": lambda m, rng, shape: m.FixedNumberPostConnector(
        4, with_replacement=True, rng=rng),
    "FixedNumberPost, replacing, random number": lambda m, rng, shape: m.FixedNumberPostConnector(
        counts(1, 7, NumpyRNG(77)), with_replacement=True, rng=rng),
    "FixedTotalNumber": lambda m, rng, shape: m.FixedTotalNumberConnector(60, rng=rng),
    "FromList": lambda m, rng, shape: m.FromListConnector(connection_list(shape)),
    "FromList, pairs": lambda m, rng, shape: m.FromListConnector(
        [row[:2] for row in connection_list(shape)]),
    "FromList, delays": lambda m, rng, shape: m.FromListConnector(partial_list(shape), ["delay"]),
    "Array": lambda m, rng, shape: m.ArrayConnector(array(shape)),
}

NO_MUTUAL = {
    "FixedProbability": lambda m, rng, shape: m.FixedProbabilityConnector(
        0.6, "NoMutual", rng=rng),
    "DistanceDependent": lambda m, rng, shape: m.DistanceDependentProbabilityConnector(
        "exp(-d/50)", "NoMutual", rng=rng),
    "IndexBased": lambda m, rng, shape: m.IndexBasedProbabilityConnector(
        NearbyIndices(), "NoMutual", rng=rng),
}

NO_SELF = {
    "FixedNumberPre": lambda m, rng, shape: m.FixedNumberPreConnector(3, False, rng=rng),
    "FixedNumberPre, many": lambda m, rng, shape: m.FixedNumberPreConnector(25, False, rng=rng),
    "FixedNumberPost": lambda m, rng, shape: m.FixedNumberPostConnector(3, False, rng=rng),
    "FixedNumberPost, many": lambda m, rng, shape: m.FixedNumberPostConnector(25, False, rng=rng),
}


def projection(module, layout, make_connector, values, rng=None, space=None, seed=42):
    rng = NumpyRNG(seed) if rng is None else rng
    pre, post = layout(module) if callable(layout) else layout
    shape = pre.size, post.size
    connector = make_connector(module, rng, shape)
    parameters = VALUES[values](rng, shape) if isinstance(values, str) else values
    made = module.Projection(pre, post, connector, module.StaticSynapse(**parameters),
                             receptor_type="excitatory", space=space or Space())
    made.rng_afterwards = rng.next(3).tolist()
    return made


def connections(made):
    """[(post, pre, weight, delay)] by post, pre, creation."""
    if isinstance(made, mock.Projection):
        rows = [(c.postsynaptic_index, c.presynaptic_index, c.WEIGHT,
                 max(np.rint(c.DELAY / TIMESTEP), 1)) for c in made.connections]
        return [tuple(map(float, row)) for row in sorted(rows, key=lambda row: row[:2])]
    return [(float(j), float(i), float(weight), float(np.rint(delay / TIMESTEP)))
            for i, j, weight, delay in made.get(["weight", "delay"], format="list")]


def assert_same_network(*args, chunks=(connectors.CHUNK,), **kwargs):
    """Returns our projection, made in blocks of each size of `chunks`."""
    reference = projection(mock, *args, **copy.deepcopy(kwargs))
    expected = connections(reference)
    for chunk in chunks:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(connectors, "CHUNK", chunk)
            ours = projection(sim, *args, **copy.deepcopy(kwargs))
        if isinstance(ours._connector, sim.FromListConnector):
            # PyNN sorts a list by an order that depends on the machine where a pair occurs twice.
            assert sorted(connections(ours)) == sorted(expected)
        else:
            assert connections(ours) == expected
        assert ours.rng_afterwards == reference.rng_afterwards
    return ours


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
@pytest.mark.parametrize("name", CONNECTORS)
def test_connections_weights_and_delays_are_those_of_pynn(name, layout):
    for values in VALUES:
        if name.startswith("FromList") and values in (
                "arrays", "distance strings", "distance functions", "index functions",
                "lazy operations"):
            continue  # PyNN fails there, or takes list positions for distances
        # Many small blocks give the same as a large one.
        assert_same_network(layout, CONNECTORS[name], values, chunks=(connectors.CHUNK, 30))


@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize("name", NO_MUTUAL)
def test_no_mutual_connections_are_those_of_pynn(name, values):
    made = assert_same_network(recurrent_population, NO_MUTUAL[name], values)
    pairs = {(i, j) for j, i, _, _ in connections(made)}
    assert pairs and not any((j, i) in pairs for i, j in pairs)


@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize("name", NO_SELF)
def test_fixed_numbers_without_self_connections_are_those_of_pynn(name, values):
    made = assert_same_network(recurrent_population, NO_SELF[name], values)
    assert not any(i == j for j, i, _, _ in connections(made))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kind", ["FixedNumberPreConnector", "FixedNumberPostConnector"])
def test_replacing_without_self_connections_is_pynns_where_pynn_survives(kind, seed):
    def make(module, rng, shape):
        return getattr(module, kind)(3, False, with_replacement=True, rng=rng)

    try:
        reference = projection(mock, recurrent_population, make, "numbers", seed=seed)
    except IndexError:  # its loop over redraws
        reference = None
    ours = projection(sim, recurrent_population, make, "numbers", seed=seed)
    assert not any(i == j for j, i, _, _ in connections(ours))
    assert len(ours) == 36
    if reference:
        assert connections(ours) == connections(reference)


def test_large_projections_are_those_of_pynn():
    sizes = [(400, 700), (700, 400), (64, 64), (1, 300), (300, 1)]
    for n_pre, n_post in sizes:
        pre_post = {module: populations(module, n_pre, n_post) for module in (sim, mock)}
        for name in ("FixedProbability", "FixedNumberPre", "FixedNumberPost"):
            made = [projection(module, pre_post[module], CONNECTORS[name],
                               "random, the connector's rng") for module in (sim, mock)]
            assert connections(made[0]) == connections(made[1])
        for n in (0, 1, 5000):
            made = [projection(module, pre_post[module], lambda m, rng, shape, n=n:
                               m.FixedTotalNumberConnector(n, rng=rng),
                               "random, own rngs", seed=n) for module in (sim, mock)]
            assert connections(made[0]) == connections(made[1])
            assert made[0].rng_afterwards == made[1].rng_afterwards


class SharedRNG(NumpyRNG):
    """A generator that PyNN cannot copy: connector, weights and delays draw from one stream."""

    def __deepcopy__(self, memo):
        return self


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
@pytest.mark.parametrize("values", ["random, the connector's rng", "clipped"])
@pytest.mark.parametrize("name", [name for name in CONNECTORS
                                  if not name.startswith("FromList")])
def test_a_generator_that_is_truly_shared_is_used_target_by_target(name, values, layout):
    def make(module):
        return projection(module, layout, CONNECTORS[name], values, rng=SharedRNG(6))

    ours, reference = make(sim), make(mock)
    assert connections(ours) == connections(reference)
    assert ours.rng_afterwards == reference.rng_afterwards


@pytest.mark.parametrize("space", [
    Space(axes="x"), Space(axes="yz", scale_factor=1.3, offset=2.5),
    Space(periodic_boundaries=((0.0, 80.0), None, (-10.0, 60.0))),
    Space(offset=np.array([1.0, -2.0, 3.0]))], ids=["x", "scaled", "periodic", "offset"])
def test_distances_are_those_of_the_space(space):
    for layout in LAYOUTS:
        made = [projection(module, layout, CONNECTORS["DistanceDependent"], "distance strings",
                           space=space) for module in (sim, mock)]
        assert connections(made[0]) == connections(made[1])


class Manhattan(Space):
    def distances(self, A, B, expand=False):
        return np.abs(np.atleast_2d(A)[:, None, :] - np.atleast_2d(B)[None, :, :]).sum(2).flatten()


def test_a_space_of_the_users_own_measures_the_distances():
    made = [projection(module, views, CONNECTORS["DistanceDependent"], "distance strings",
                       space=Manhattan()) for module in (sim, mock)]
    assert connections(made[0]) == connections(made[1]) != []


def test_a_list_without_weights_takes_functions_of_the_real_distance():
    made = projection(sim, two_populations, CONNECTORS["FromList, pairs"], "distance strings")
    delay = made.pre.positions, made.post.positions
    for j, i, weight, _ in connections(made):
        d = np.sqrt(((delay[0][:, int(i)] - delay[1][:, int(j)]) ** 2).sum())
        assert weight == pytest.approx(0.5 + d / 100, rel=1e-14)


def test_a_probability_may_be_a_function_of_distance():
    def near(m, rng, shape):
        return m.DistanceDependentProbabilityConnector(lambda d: np.exp(-d / 50), rng=rng)

    ours = projection(sim, two_populations, near, "numbers")
    reference = projection(mock, two_populations, CONNECTORS["DistanceDependent"], "numbers")
    assert connections(ours) == connections(reference)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
def test_a_clone_has_the_connections_of_its_reference(layout):
    made = []
    for module in (sim, mock):
        pre, post = layout(module)
        reference = projection(module, (pre, post), CONNECTORS["FixedTotalNumber"], "numbers")
        if module is mock:  # whose connections call a weight WEIGHT
            dense = np.full((pre.size, post.size), np.nan)
            for c in reference.connections:
                dense[c.presynaptic_index, c.postsynaptic_index] = c.WEIGHT
            reference.get = lambda *args, dense=dense, **kwargs: [dense]
        made.append(projection(module, (pre, post), lambda m, rng, shape, reference=reference:
                               m.CloneConnector(reference), "random, own rngs"))
    assert connections(made[0]) == connections(made[1])


def test_a_clone_between_other_cells_is_refused():
    reference = projection(sim, two_populations, CONNECTORS["FixedProbability"], "numbers")
    with pytest.raises(errors.ConnectionError, match="must match"):
        projection(sim, two_populations, lambda m, rng, shape: m.CloneConnector(reference),
                   "numbers")


@pytest.mark.parametrize("columns", ['["i", "j", "weight", "delay"]', '("i", "j", "delay")', None])
def test_a_file_gives_the_same_connections_as_its_list(columns, tmp_path):
    rows = connection_list((13, 9))
    if columns and "weight" not in columns:
        rows = partial_list((13, 9))
    path = tmp_path / "connections.txt"
    header = f"# columns = {columns}\n" if columns else ""
    path.write_text(header + "\n".join(" ".join(map(str, row)) for row in rows))
    names = ["weight", "delay"] if len(rows[0]) == 4 else ["delay"]
    for _ in range(2):
        made = projection(sim, two_populations,
                          lambda m, rng, shape: m.FromFileConnector(str(path)), "numbers")
        same = projection(sim, two_populations,
                          lambda m, rng, shape: m.FromListConnector(rows, names), "numbers")
        assert connections(made) == connections(same)


def test_each_process_reads_its_own_file_and_deletes_none(tmp_path):
    for name in ("connections.txt", "connections.txt.0"):
        (tmp_path / name).write_text("0 1 0.5 1.0\n" if name.endswith("0") else "2 2 0.5 1.0\n")
    made = projection(sim, two_populations, lambda m, rng, shape: m.FromFileConnector(
        str(tmp_path / "connections.txt"), distributed=True), "numbers")
    assert connections(made) == [(1.0, 0.0, 0.5, 1000.0)]
    assert (tmp_path / "connections.txt").exists()


def test_connection_sets_without_values_are_masks():
    csa = pytest.importorskip("csa")
    made = projection(sim, two_populations, lambda m, rng, shape: m.CSAConnector(
        csa.oneToOne), "random, own rngs")
    same = projection(sim, two_populations, CONNECTORS["OneToOne"], "random, own rngs")
    assert connections(made) == connections(same)


def test_connection_sets_with_values_bring_weights_and_delays():
    csa = pytest.importorskip("csa")
    cset = csa.cset(csa.full, lambda i, j: i + 0.5 * j + 0.25, 2.0)
    made = projection(sim, views, lambda m, rng, shape: m.CSAConnector(cset), "numbers")
    assert connections(made) == [(j, i, i + 0.5 * j + 0.25, 2000.0)
                                 for j in range(4) for i in range(6)]


# --- checks, callbacks, errors -------------------------------------------------------------------


@pytest.mark.parametrize("name", ["FixedProbability", "AllToAll", "FixedNumberPre", "Array",
                                  "FixedTotalNumber", "OneToOne"])
def test_the_callback_is_told_the_progress_that_pynn_tells(name, monkeypatch):
    monkeypatch.setattr(connectors, "CHUNK", 30)
    told = []
    for module in (sim, mock):
        calls = []

        def make(m, rng, shape, calls=calls):
            connector = CONNECTORS[name](m, rng, shape)
            connector.callback = calls.append
            return connector

        projection(module, two_populations, make, "numbers")
        told.append(calls)
    assert told[0] == told[1] != []


@pytest.mark.parametrize("weight", [-1.0, np.nan, RandomDistribution("normal", (0.0, 1.0))])
def test_wrong_signs_of_weights_are_refused(weight):
    values = dict(weight=weight, delay=1.0)
    with pytest.raises((errors.ConnectionError, errors.InvalidWeightError)):
        projection(sim, two_populations, CONNECTORS["FixedProbability"], values)


@pytest.mark.parametrize("weight", ["RandomDistribution", "number"])
def test_unsafe_connectors_leave_signs_unchecked(weight):
    weight = -2.0 if weight == "number" else RandomDistribution("normal", (0.0, 1.0))
    cells = sim.Population(8, sim.IF_curr_exp())
    made = projection(sim, (cells, cells), lambda m, rng, shape: m.AllToAllConnector(safe=False),
                      dict(weight=weight, delay=1.0))
    assert min(weight for _, _, weight, _ in connections(made)) < 0


def test_current_based_inhibition_needs_negative_weights():
    cells = sim.Population(8, sim.IF_curr_exp())
    for weight, message in ((1.0, "must be negative"), ("1 - d", "either all positive or all")):
        with pytest.raises(errors.ConnectionError, match=message):
            sim.Projection(cells, cells, sim.AllToAllConnector(),
                           sim.StaticSynapse(weight=weight, delay=1.0), receptor_type="inhibitory")


@pytest.mark.parametrize("make, error, message", [
    (lambda: sim.FixedProbabilityConnector(1.5), ValueError, "p_connect"),
    (lambda: sim.FixedProbabilityConnector(float("nan")), ValueError, "p_connect"),
    (lambda: sim.FixedNumberPreConnector(-1), ValueError, "n must not be negative"),
    (lambda: sim.FixedNumberPostConnector(2.5), TypeError, "integer"),
    (lambda: sim.FixedTotalNumberConnector("many"), TypeError, "integer"),
    (lambda: sim.SmallWorldConnector(20, 1.5), ValueError, "rewiring"),
    (lambda: sim.SmallWorldConnector(-1, 0.5), ValueError, "degree"),
    (lambda: sim.SmallWorldConnector(1, 0.5, n_connections=-2), ValueError, "n_connections"),
    (lambda: sim.FromListConnector([(0, 1, 2.0)]), TypeError, "column_names"),
])
def test_wrong_arguments_are_refused_at_once(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize("make, error, message", [
    (lambda m, rng, shape: m.ArrayConnector(np.ones(shape, int)), TypeError, "boolean"),
    (lambda m, rng, shape: m.ArrayConnector(np.ones((3, 3), bool)), ValueError, "shape"),
    (lambda m, rng, shape: m.FromListConnector([(13, 0, 1.0, 1.0)]), errors.ConnectionError,
     "source index"),
    (lambda m, rng, shape: m.FromListConnector([(0, 9, 1.0, 1.0)]), errors.ConnectionError,
     "target index"),
    (lambda m, rng, shape: m.FromListConnector([(0, -1, 1.0, 1.0)]), errors.ConnectionError,
     "target index"),
    (lambda m, rng, shape: m.FromListConnector([(0.5, 1, 1.0, 1.0)]), errors.ConnectionError,
     "source index"),
    (lambda m, rng, shape: m.FromListConnector([(0, 1, 1.0)], ["U"]), ValueError, "U is not"),
    (lambda m, rng, shape: m.AllToAllConnector(location_selector="dendrite"), NotImplementedError,
     "location_selector"),
])
def test_connectors_that_do_not_fit_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        projection(sim, two_populations, make, "numbers")


def test_an_array_of_weights_must_have_the_shape_of_the_projection():
    with pytest.raises(errors.InvalidDimensionsError):
        projection(sim, two_populations, CONNECTORS["AllToAll"],
                   dict(weight=np.ones((13, 8)), delay=1.0))


def test_no_self_connections_is_impossible_with_one_cell_to_choose():
    cells = sim.Population(1, sim.IF_cond_exp())
    for rng in (NumpyRNG(1), NativeRNG(1)):
        for replacing in (True, False):
            with pytest.raises(errors.ConnectionError, match="no cell"):
                projection(sim, (cells, cells), lambda m, _, shape, rng=rng, replacing=replacing:
                           m.FixedNumberPreConnector(1, False, replacing, rng=rng), "numbers")


def test_options_that_pynn_ignores_are_named_in_a_warning():
    cells, = populations(sim, 6)
    for options in (dict(allow_self_connections=False), dict(with_replacement=False)):
        with pytest.warns(UserWarning, match="ignores"):
            projection(sim, (cells, cells), lambda m, rng, shape, options=options:
                       m.FixedTotalNumberConnector(9, rng=rng, **options), "numbers")
    with pytest.warns(UserWarning, match="NoMutual"):
        projection(sim, (cells, cells), lambda m, rng, shape: m.FixedNumberPreConnector(
            2, "NoMutual", rng=rng), "numbers")


# --- users' own connectors -----------------------------------------------------------------------


def test_subclasses_of_pynns_classes_still_run_pynns_code():
    import pyNN.connectors

    class Diagonal(pyNN.connectors.MapConnector):
        def connect(self, projection):
            self._connect_with_map(projection, LazyArray(lambda i, j: i <= j,
                                                         shape=projection.shape))

    made = [projection(module, two_populations, lambda m, rng, shape: Diagonal(),
                       "random, own rngs") for module in (sim, mock)]
    assert connections(made[0]) == connections(made[1]) != []


def test_subclasses_of_our_classes_may_override_pieces():
    class Diagonal(sim.MapConnector):
        def connect(self, projection):
            self._connect_with_map(projection, LazyArray(lambda i, j: i <= j,
                                                         shape=projection.shape))

    class EverySecond(sim.MapConnector):
        def connect(self, projection):
            self._standard_connect(projection, lambda mask=None: (
                np.arange(projection.pre.size)[j % 2::2] for j in range(projection.post.size)))

    class NotTheFirst(sim.FixedProbabilityConnector):
        def _get_connection_map_no_self_connections(self, projection):
            return LazyArray(lambda i, j: i > 0, shape=projection.shape)

    pairs = [{(i, j) for j, i, _, _ in connections(projection(
        sim, recurrent_population, make, "random, own rngs"))} for make in (
            lambda m, rng, shape: Diagonal(), lambda m, rng, shape: EverySecond(),
            lambda m, rng, shape: NotTheFirst(1.0, False, rng=rng))]
    everything = [(i, j) for i in range(12) for j in range(12)]
    assert pairs[0] == {(i, j) for i, j in everything if i <= j}
    assert pairs[1] == {(i, j) for i, j in everything if i % 2 == j % 2}
    assert pairs[2] == {(i, j) for i, j in everything if i > 0}


def test_no_mutual_connections_between_overlapping_views():
    cells, = populations(sim, 12)
    made = projection(sim, (cells[:8], cells[4:]), lambda m, rng, shape:
                      m.FixedProbabilityConnector(1.0, "NoMutual", rng=rng), "numbers")
    pairs = {(i, j + 4) for j, i, _, _ in connections(made)}
    assert pairs == {(i, j) for i in range(8) for j in range(4, 12)
                     if i > j or i < 4 or j >= 8}


@pytest.mark.parametrize("name", CONNECTORS)
def test_connectors_describe_themselves(name):
    connector = CONNECTORS[name](sim, NumpyRNG(1), (13, 9))
    described = connector.describe(template=None)
    assert described["name"] == type(connector).__name__
    assert set(described["parameters"]) == set(connector.parameter_names)


def test_small_world_connectors_know_their_degree():
    parameters = sim.SmallWorldConnector(20.0, 0.1).describe(template=None)["parameters"]
    assert parameters["degree"] == 20.0


def test_a_stored_larray_is_not_changed_by_connecting():
    weights = larray(np.ones((13, 9)))
    synapse = dict(weight=weights * 2.0, delay=1.0)
    for _ in range(2):
        made = projection(sim, two_populations, CONNECTORS["AllToAll"], synapse)
        assert {weight for _, _, weight, _ in connections(made)} == {2.0}


# --- SmallWorld ----------------------------------------------------------------------------------


def ring_projection(rng, rewiring, degree=5.5, **options):
    """200 cells on a closed line, 1 µm apart: 11 neighbours nearer than 5.5 µm, itself included."""
    cells = sim.Population(200, sim.IF_cond_exp(), structure=sim.space.Line())
    made = sim.Projection(cells, cells, sim.SmallWorldConnector(
        degree, rewiring, rng=rng, **options), sim.StaticSynapse(weight=0.1, delay=1.0),
        space=Space(periodic_boundaries=((0.0, 200.0), None, None)))
    pairs = np.array([(i, j) for i, j, _ in made.get(["weight"], format="list")], int)
    distance = np.abs(pairs[:, 0] - pairs[:, 1])
    return pairs, np.minimum(distance, 200 - distance)


@pytest.fixture(params=[NumpyRNG, NativeRNG])
def any_rng(request):
    return request.param(seed=5)


def test_small_world_without_rewiring_is_the_lattice(any_rng):
    pairs, distance = ring_projection(any_rng, 0.0)
    assert len(pairs) == 200 * 11 and distance.max() == 5
    pairs, distance = ring_projection(any_rng, 0.0, allow_self_connections=False)
    assert len(pairs) == 200 * 10 and distance.min() == 1
    pairs, _ = ring_projection(any_rng, 0.0, allow_self_connections="NoMutual")
    assert len(pairs) == 200 * 5 and (pairs[:, 0] > pairs[:, 1]).all()


@pytest.mark.parametrize("rewiring", [0.1, 0.5, 1.0])
def test_small_world_rewires_the_given_fraction_evenly(any_rng, rewiring):
    pairs, distance = ring_projection(any_rng, rewiring, allow_self_connections=False)
    assert len(np.unique(pairs, axis=0)) == len(pairs) == 2000  # no pair twice
    assert (np.bincount(pairs[:, 0], minlength=200) == 10).all()  # outdegree is kept
    assert distance.min() >= 1
    # Rewired targets come from outside the lattice, so their number is binomial: 4 s.d.
    n_far = (distance > 5).sum()
    assert abs(n_far - 2000 * rewiring) <= 4 * np.sqrt(2000 * rewiring * (1 - rewiring))
    # The 95 distances from 6 to 100 are equally likely (100 half as much): chi-square < its
    # 99.9 % point, 142.
    expected = np.full(95, n_far / 94.5)
    expected[-1] /= 2
    observed = np.bincount(distance[distance > 5], minlength=101)[6:]
    if rewiring > 0.4:
        assert ((observed - expected) ** 2 / expected).sum() < 142


def test_small_world_limits_the_efferents_of_each_cell(any_rng):
    pairs, distance = ring_projection(any_rng, 0.3, n_connections=7)
    assert (np.bincount(pairs[:, 0], minlength=200) == 7).all()
    near = np.bincount(distance[distance <= 5], minlength=6)
    # Each of the 11 neighbours stays with the same chance: 200 * 7 / 11 * 0.7 = 89 per neighbour.
    assert (np.abs(near / np.array([1, 2, 2, 2, 2, 2]) - 89) < 40).all()


def test_small_world_stops_rewiring_when_no_target_is_left(any_rng):
    cells = sim.Population(6, sim.IF_cond_exp(), structure=sim.space.Line())
    made = sim.Projection(cells, cells, sim.SmallWorldConnector(
        4.5, 1.0, rng=any_rng), sim.StaticSynapse(weight=0.1, delay=1.0))
    assert {(i, j) for i, j, _ in made.get(["weight"], format="list")} > {(0, 5), (5, 0)}
    assert len(made) == 34


# --- NativeRNG -----------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [0.003, 0.05, 0.24, 0.5])
def test_native_fixed_probability_connects_each_pair_independently(p, monkeypatch):
    monkeypatch.setattr(connectors, "CHUNK", 5000)
    pre, post = (sim.Population(n, sim.IF_cond_exp()) for n in (400, 300))
    made = sim.Projection(pre, post, sim.FixedProbabilityConnector(p, rng=NativeRNG(3)),
                          sim.StaticSynapse(weight=0.1, delay=1.0))
    pairs = np.array([(i, j) for i, j, _ in made.get(["weight"], format="list")], int)
    n, variance = 400 * 300, p * (1 - p)
    assert len(np.unique(pairs, axis=0)) == len(pairs)
    assert abs(len(pairs) - n * p) < 4 * np.sqrt(n * variance)
    # Degrees are binomial: the chi-square sum of 400 (300) of them within 4 s.d. of its mean.
    for side, size, partners in ((0, 400, 300), (1, 300, 400)):
        degree = np.bincount(pairs[:, side], minlength=size)
        chi_square = ((degree - partners * p) ** 2).sum() / (partners * variance)
        assert abs(chi_square - size) < 4 * np.sqrt(2 * size + size / (partners * variance))
    # Blocks of 20 x 20 pairs.
    block = np.histogram2d(pairs[:, 0], pairs[:, 1], bins=(20, 15),
                           range=((0, 400), (0, 300)))[0]
    chi_square = ((block - 400 * p) ** 2).sum() / (400 * variance)
    assert abs(chi_square - 300) < 4 * np.sqrt(2 * 300 + 300 / (400 * variance))


@pytest.mark.parametrize("p, n", [(0.0, 0), (1.0, 144)])
def test_native_fixed_probability_of_zero_and_one(p, n):
    made = projection(sim, recurrent_population, lambda m, rng, shape:
                      m.FixedProbabilityConnector(p, rng=NativeRNG(3)), "numbers")
    assert len(made) == n


@pytest.mark.parametrize("name", sorted({*CONNECTORS, *NO_SELF} - {"FixedProbability, no rng"}))
@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
def test_native_connectors_repeat_with_the_seed_and_change_with_it(name, layout):
    make = {**CONNECTORS, **NO_SELF}[name]
    pre_post = layout(sim)

    def made(seed):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return projection(sim, pre_post, make, "random, the connector's rng",
                              rng=NativeRNG(seed))

    first, second, other = made(1), made(1), made(2)
    assert connections(first) == connections(second)
    assert first.rng_afterwards == second.rng_afterwards
    if len(first) and name != "FromList":
        assert connections(first) != connections(other)


def test_projections_from_one_native_rng_are_independent():
    rng = NativeRNG(4)
    synapse = sim.StaticSynapse(weight=uniform(rng), delay=1.0)
    connector = sim.FixedProbabilityConnector(0.5, rng=rng)
    cells, = populations(sim, 20)
    made = [sim.Projection(cells, cells, connector, synapse) for _ in range(2)]
    weights = [{w for _, _, w, _ in connections(projection)} for projection in made]
    assert not weights[0] & weights[1]


@pytest.mark.parametrize("few", [1, 128])
@pytest.mark.parametrize("chunk", [30, 1 << 18])
@pytest.mark.parametrize("self_connections", [True, False])
@pytest.mark.parametrize("replacing", [True, False])
@pytest.mark.parametrize("n", [0, 3, 17, 40, counts(0, 50, NumpyRNG(3))], ids=str)
@pytest.mark.parametrize("kind", ["FixedNumberPreConnector", "FixedNumberPostConnector"])
def test_native_fixed_numbers_are_exact(kind, n, replacing, self_connections, chunk, few,
                                        monkeypatch):
    monkeypatch.setattr(connectors, "CHUNK", chunk)
    monkeypatch.setattr(connectors, "FEW", few)
    cells, = populations(sim, 20)
    made = projection(sim, (cells, cells), lambda m, rng, shape: getattr(m, kind)(
        copy.deepcopy(n), self_connections, replacing, rng=NativeRNG(8)), "numbers")
    pairs = np.array([(i, j) for j, i, _, _ in connections(made)], int).reshape(-1, 2)
    cell, partner = pairs.T if kind == "FixedNumberPostConnector" else pairs.T[::-1]
    matrix = np.zeros((20, 20), int)
    np.add.at(matrix, (cell, partner), 1)
    if isinstance(n, int):
        assert (matrix.sum(1) == n).all()
    if not self_connections:
        assert not matrix.diagonal().any()
    if not replacing:
        matrix = matrix if self_connections else matrix[~np.eye(20, dtype=bool)].reshape(20, 19)
        assert (matrix.max(1) - matrix.min(1) <= 1).all()  # all once before any twice


@pytest.mark.parametrize("n, few", [(3, 1), (3, 128), (12, 128), (18, 128)])
@pytest.mark.parametrize("kind", ["FixedNumberPreConnector", "FixedNumberPostConnector"])
def test_native_fixed_numbers_choose_evenly(kind, n, few, monkeypatch):
    monkeypatch.setattr(connectors, "FEW", few)
    cells, = populations(sim, 20)
    rng, total = NativeRNG(9), np.zeros((20, 20))
    for _ in range(100):
        made = sim.Projection(cells, cells, getattr(sim, kind)(n, False, rng=rng),
                              sim.StaticSynapse(weight=0.1, delay=1.0))
        total += ~np.isnan(made.get("weight", format="array"))
    p = n / 19
    chosen = total[~np.eye(20, dtype=bool)]
    # 380 binomial counts; the mean is fixed within each cell, hence 360 degrees of freedom.
    chi_square = ((chosen - 100 * p) ** 2).sum() / (100 * p * (1 - p)) * 18 / 19
    assert abs(chi_square - 360) < 4 * np.sqrt(2 * 360)


@pytest.mark.parametrize("self_connections", [True, False, "NoMutual"])
@pytest.mark.parametrize("replacing", [True, False])
@pytest.mark.parametrize("n", [0, 1, 30, 60])
def test_native_fixed_total_number_obeys_its_options(n, replacing, self_connections):
    cells, = populations(sim, 12)
    made = projection(sim, (cells, cells), lambda m, rng, shape: m.FixedTotalNumberConnector(
        n, self_connections, replacing, rng=NativeRNG(8)), "numbers")
    pairs = [(i, j) for j, i, _, _ in connections(made)]
    assert len(pairs) == n
    if not replacing:
        assert len(set(pairs)) == n
    if self_connections is not True:
        assert not any(i == j for i, j in pairs)
    if self_connections == "NoMutual":
        assert not any((j, i) in pairs for i, j in pairs)


def test_native_fixed_total_number_refuses_more_than_there_are():
    cells, = populations(sim, 12)
    for n, options in ((145, {}), (133, dict(allow_self_connections=False))):
        with pytest.raises(errors.ConnectionError, match="pairs are allowed"):
            projection(sim, (cells, cells), lambda m, rng, shape, n=n, options=options:
                       m.FixedTotalNumberConnector(n, with_replacement=False, rng=NativeRNG(8),
                                                   **options), "numbers")
