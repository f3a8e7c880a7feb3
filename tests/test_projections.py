"""
Projections: reading, setting and saving connections, before a run and after it.

Every check of what can be read runs twice, because the first run puts the connections into another
order in memory (see pyNN_laconeu/synapses.py) and the script must not notice.
"""

import gc
import time

import numpy as np
import pyNN.laconeu as sim
import pytest
from pyNN import errors
from pyNN.core import IndexBasedExpression
from pyNN.parameters import LazyArray, Sequence
from pyNN.random import NumpyRNG, RandomDistribution
from pyNN.recording.files import NumpyBinaryFile, StandardTextFile
from pyNN.space import Line, Space
from pyNN_laconeu.kernels.layout import ring_width

from pyNN_laconeu.synapses import Rows


@pytest.fixture(autouse=True)
def new_network():
    sim.setup(timestep=0.1)


@pytest.fixture(params=["before a run", "after a run", "after a change and a run", "3 threads"])
def moment(request):
    """A function that takes the network to the moment at which a test looks at it."""
    if request.param == "3 threads":
        sim.setup(timestep=0.1, threads=3)

    def go(projection):
        if request.param == "after a change and a run":
            weights = projection.get("weight", format="list", with_address=False)
            sim.run(0.3)
            if len(projection):
                projection[0].weight = projection[0].weight
            assert projection.get("weight", format="list", with_address=False) == weights
        if request.param != "before a run":
            sim.run(0.5)
    return go


def cells(n, label="cells", structure=None):
    return sim.Population(n, sim.IF_curr_exp(), label=label, structure=structure)


# Not in order of anything; pair (0, 1) three times, with delays that a run sorts the other way.
LISTED = [
    (2, 1, 0.5, 3.0), (0, 1, 1.0, 2.0), (3, 0, -0.25, 0.1), (0, 1, 2.0, 0.5), (1, 2, 0.125, 7.0),
    (0, 0, 0.75, 1.0), (0, 1, 4.0, 1.0), (3, 2, 8.0, 0.1),
]
# By target, then source, then place in the list.
IN_ORDER = [
    (0, 0, 0.75, 1.0), (3, 0, -0.25, 0.1), (0, 1, 1.0, 2.0), (0, 1, 2.0, 0.5), (0, 1, 4.0, 1.0),
    (2, 1, 0.5, 3.0), (1, 2, 0.125, 7.0), (3, 2, 8.0, 0.1),
]


def listed(pre=None, post=None, connections=LISTED, **options):
    return sim.Projection(pre or cells(4, "pre"), post or cells(3, "post"),
                          sim.FromListConnector(connections), sim.StaticSynapse(), **options)


def random_projection(pre, post, p=0.4, seed=7, **options):
    rng = NumpyRNG(seed)
    return sim.Projection(
        pre, post, sim.FixedProbabilityConnector(p, rng=rng),
        sim.StaticSynapse(weight=RandomDistribution("uniform", (0.1, 1.0), rng=rng),
                          delay=RandomDistribution("uniform", (0.1, 5.0), rng=rng)), **options)


# --- reading -----------------------------------------------------------------------------------

def test_connections_are_listed_by_target_then_source_then_creation(moment):
    projection = listed()
    moment(projection)
    assert projection.get(["weight", "delay"], format="list") == IN_ORDER
    assert projection.get("weight", format="list") == [row[:3] for row in IN_ORDER]
    assert projection.get("delay", format="list", with_address=False) == [
        row[3] for row in IN_ORDER]
    assert projection.get(["delay", "weight"], format="list", with_address=False) == [
        (row[3], row[2]) for row in IN_ORDER]


def test_length_size_and_shape(moment):
    projection = listed()
    moment(projection)
    assert len(projection) == projection.size() == projection.size(gather=False) == 8
    assert projection.shape == (4, 3)


def test_values_read_are_plain_numbers():
    row = listed().get(["weight", "delay"], format="list")[0]
    assert [type(value) for value in row] == [int, int, float, float]


def test_connections_can_be_iterated_indexed_and_sliced(moment):
    pre, post = cells(4, "pre"), cells(3, "post")
    projection = listed(pre, post)
    moment(projection)
    as_rows = [(c.presynaptic_index, c.postsynaptic_index, c.weight, c.delay) for c in projection]
    assert as_rows == IN_ORDER
    assert [c.as_tuple("weight", "delay") for c in projection.connections] == [
        row[2:] for row in IN_ORDER]
    for k in (0, 3, 7, -1, -8):
        connection = projection[k]
        assert (connection.weight, connection.delay) == IN_ORDER[k][2:]
        assert connection.presynaptic_cell == pre[IN_ORDER[k][0]]
        assert connection.postsynaptic_cell == post[IN_ORDER[k][1]]
        assert connection.postsynaptic_cell.parent is post
    assert [c.weight for c in projection[2:7:2]] == [row[2] for row in IN_ORDER[2:7:2]]
    assert [c.weight for c in projection[::-1]] == [row[2] for row in IN_ORDER[::-1]]
    for k in (8, -9):
        with pytest.raises(IndexError, match=f"{k} of 8"):
            projection[k]
    with pytest.raises(TypeError):
        projection["weight"]


@pytest.mark.parametrize("operation, expected", [
    ("sum", (7.0, 3.5)), ("first", (1.0, 2.0)), ("last", (4.0, 1.0)), ("min", (1.0, 0.5)),
    ("max", (4.0, 2.0))])
def test_arrays_combine_multiple_synapses(moment, operation, expected):
    projection = listed()
    moment(projection)
    weights, delays = projection.get(["weight", "delay"], format="array",
                                     multiple_synapses=operation)
    nan = np.nan
    assert np.array_equal(weights, [[0.75, expected[0], nan], [nan, nan, 0.125],
                                    [nan, 0.5, nan], [-0.25, nan, 8.0]], equal_nan=True)
    assert np.array_equal(delays, [[1.0, expected[1], nan], [nan, nan, 7.0], [nan, 3.0, nan],
                                   [0.1, nan, 0.1]], equal_nan=True)
    assert np.array_equal(
        projection.get("weight", format="array", multiple_synapses=operation), weights,
        equal_nan=True)


def test_the_array_without_further_words_sums():
    assert listed().get("weight", format="array")[0, 1] == 7.0


def test_an_empty_projection_reads_as_empty(moment):
    projection = listed(connections=[])
    moment(projection)
    assert len(projection) == 0 and list(projection) == []
    assert projection.get(["weight", "delay"], format="list") == []
    assert np.isnan(projection.get("weight", format="array")).all()
    projection.set(weight=3.0)
    assert sim.get_min_delay() == 0.1
    assert projection.describe(template=None)["size"] == 0


def test_a_delay_reads_as_the_multiple_of_dt_that_it_is(moment):
    projection = sim.Projection(cells(1), cells(3), sim.AllToAllConnector(),
                                sim.StaticSynapse(delay=np.array([[0.3, 0.34, 0.7]])))
    moment(projection)
    assert projection.get("delay", format="list", with_address=False) == [0.3, 0.3, 0.7]
    assert projection[2].delay == 0.7


@pytest.mark.parametrize("names, error", [
    ("tau", errors.NonExistentParameterError), (["weight", "U"], errors.NonExistentParameterError)])
def test_an_attribute_that_does_not_exist_is_refused(names, error):
    with pytest.raises(error, match="delay, weight"):
        listed().get(names, format="list")


def test_a_wrong_format_or_operation_is_refused():
    with pytest.raises(ValueError, match="'matrix'.*'list' or 'array'"):
        listed().get("weight", format="matrix")
    with pytest.raises(ValueError, match="multiple_synapses"):
        listed().get("weight", format="array", multiple_synapses="mean")


def test_describe_and_repr_name_the_two_sides():
    projection = listed(label="listed")
    description = projection.describe()
    for word in ("listed", "pre", "post", "FromListConnector"):
        assert word in description
    context = projection.describe(template=None)
    assert context["size"] == 8 and context["receptor_type"] == "excitatory"
    assert "listed" in repr(projection)
    assert listed().label == "pre→post"


def test_weight_histogram_counts_all_weights(moment):
    projection = listed()
    moment(projection)
    weights = [row[2] for row in LISTED]
    with pytest.warns(DeprecationWarning):
        histogram = projection.weightHistogram(min=-1.0, max=9.0, nbins=5)
    for ours, theirs in zip(histogram, np.histogram(weights, np.linspace(-1.0, 9.0, 6))):
        assert np.array_equal(ours, theirs)
    with pytest.warns(DeprecationWarning):
        counts, bins = projection.weightHistogram()
    assert counts.sum() == 8 and (bins[0], bins[-1]) == (-0.25, 8.0)


def test_going_through_many_connections_takes_time_in_proportion():
    pre = cells(150)
    projection = random_projection(pre, pre, p=1.0)
    sim.run(0.1)
    began = time.perf_counter()
    total = sum(c.weight + c.presynaptic_index for c in projection)
    for connection in projection[:5000]:
        connection.weight = 0.5
    assert time.perf_counter() - began < 5.0  # 22 500 connections: a search for each takes minutes
    assert total > 0.0
    assert projection.get("weight", format="list", with_address=False)[:5000] == [0.5] * 5000


# --- setting -----------------------------------------------------------------------------------

def test_one_connection_can_be_set(moment):
    projection = listed()
    moment(projection)
    projection[3].weight = 77.0
    projection[-1].delay = 2.26
    for connection in projection[:2]:
        connection.delay = 9.0
    expected = [list(row) for row in IN_ORDER]
    expected[3][2], expected[7][3], expected[0][3], expected[1][3] = 77.0, 2.3, 9.0, 9.0
    moment(projection)
    assert projection.get(["weight", "delay"], format="list") == list(map(tuple, expected))


def test_setting_a_connection_leaves_the_arrays_of_the_script_alone():
    weights = np.arange(12.0).reshape(4, 3)
    projection = sim.Projection(cells(4), cells(3), sim.ArrayConnector(weights > 0),
                                sim.StaticSynapse(weight=weights))
    projection[0].weight = 99.0
    projection.set(weight=weights)
    projection[1].weight = 88.0
    assert np.array_equal(weights, np.arange(12.0).reshape(4, 3))


def test_all_connections_can_be_set_to_a_number(moment):
    projection = listed()
    moment(projection)
    projection.set(weight=2.5, delay=1.3)
    moment(projection)
    assert projection.get(["weight", "delay"], format="list") == [
        (*row[:2], 2.5, 1.3) for row in IN_ORDER]


def test_all_connections_can_be_set_from_an_array_with_values_where_there_are_connections(moment):
    projection = listed()
    moment(projection)
    matrix = np.arange(12.0).reshape(4, 3) / 10 + 0.1
    matrix[2, 0] = np.nan  # no connection there
    projection.set(weight=matrix, delay=matrix)
    moment(projection)
    assert projection.get(["weight", "delay"], format="list") == [
        (i, j, matrix[i, j], pytest.approx(matrix[i, j], abs=1e-12)) for i, j, *_ in IN_ORDER]


@pytest.mark.parametrize("kind", [list, tuple, np.array])
def test_a_sequence_has_one_value_per_connection_by_source_then_target(moment, kind):
    # The order of the elements of get(format="array"), which PyNN's other back ends fill.
    projection = listed()
    moment(projection)
    values = np.arange(1.0, 9.0)
    projection.set(weight=kind(values.tolist()))
    order = sorted(range(8), key=lambda k: (IN_ORDER[k][0], IN_ORDER[k][1], k))
    expected = dict(zip(order, values))
    moment(projection)
    assert projection.get("weight", format="list", with_address=False) == [
        expected[k] for k in range(8)]


def test_a_sequence_means_what_it_means_in_pynn_where_pairs_are_connected_once(moment):
    projection = random_projection(cells(9), cells(7))
    moment(projection)
    mask = ~np.isnan(projection.get("weight", format="array"))
    values = np.random.RandomState(1).uniform(size=mask.sum())
    expected = np.full((9, 7), np.nan)
    expected[mask] = values
    projection.set(weight=values)
    assert np.array_equal(projection.get("weight", format="array"), expected, equal_nan=True)


@pytest.mark.parametrize("name, parameters", [
    ("uniform", (0.1, 3.0)), ("normal", (2.0, 0.1)), ("normal_clipped", (1.0, 0.5, 0.5, 1.5)),
    ("normal_clipped_to_boundary", (1.0, 0.5, 0.5, 1.5)), ("gamma", (2.0, 1.0)),
    ("exponential", (1.0,))])
def test_a_random_distribution_draws_for_every_pair_as_in_pynn(moment, name, parameters):
    projection = random_projection(cells(9), cells(7))
    moment(projection)
    rng, twin = NumpyRNG(33), NumpyRNG(33)
    projection.set(weight=RandomDistribution(name, parameters, rng=rng))
    drawn = LazyArray(RandomDistribution(name, parameters, rng=twin), shape=(9, 7)).evaluate()
    moment(projection)
    weights = projection.get("weight", format="array")
    there = ~np.isnan(weights)
    assert 10 < there.sum() < 63
    assert np.array_equal(weights[there], drawn[there])
    # The generator has been used up to the same place.
    assert np.array_equal(rng.next(5), twin.next(5))


def test_random_weights_and_delays_from_one_generator_are_drawn_one_after_the_other():
    projection = random_projection(cells(5), cells(4))
    rng, twin = NumpyRNG(3), NumpyRNG(3)
    projection.set(weight=RandomDistribution("uniform", (0, 1), rng=rng),
                   delay=RandomDistribution("uniform", (1, 9), rng=rng))
    weight = twin.next(20, "uniform", {"low": 0, "high": 1}).reshape(5, 4)
    delay = twin.next(20, "uniform", {"low": 1, "high": 9}).reshape(5, 4)
    for i, j, w, d in projection.get(["weight", "delay"], format="list"):
        assert w == weight[i, j] and d == round(np.rint(delay[i, j] / 0.1) * 0.1, 12)


def test_a_random_distribution_is_drawn_in_blocks_without_changing_its_numbers(monkeypatch):
    monkeypatch.setattr("pyNN_laconeu.projections.DRAWN_AT_ONCE", 16)
    projection = random_projection(cells(9), cells(7))
    projection.set(weight=RandomDistribution("uniform", (0, 1), rng=NumpyRNG(8)))
    drawn = NumpyRNG(8).next(63, "uniform", {"low": 0, "high": 1}).reshape(9, 7)
    weights = projection.get("weight", format="array")
    there = ~np.isnan(weights)
    assert np.array_equal(weights[there], drawn[there])


@pytest.mark.parametrize("function", ["0.1 + d", lambda d: 0.1 + d], ids=["string", "function"])
@pytest.mark.parametrize("space, distance", [
    (Space(), lambda i, j: 2.0 * abs(i - j)),
    (Space(periodic_boundaries=((0.0, 12.0), None, None)),
     lambda i, j: 2.0 * min(abs(i - j), 6 - abs(i - j))),
    # PyNN scales the positions of the targets only.
    (Space(scale_factor=3.0), lambda i, j: abs(2.0 * i - 6.0 * j)),
], ids=["plain", "periodic", "scaled"])
def test_a_function_of_distance_is_evaluated_for_each_connection(moment, function, space,
                                                                 distance):
    pre, post = cells(6, structure=Line(dx=2.0)), cells(5, structure=Line(dx=2.0))
    projection = random_projection(pre, post, space=space)
    moment(projection)
    projection.set(weight=function, delay=function)
    moment(projection)
    rows = projection.get(["weight", "delay"], format="list")
    assert len(rows) > 5
    for i, j, weight, delay in rows:
        assert weight == pytest.approx(0.1 + distance(i, j), abs=1e-9)
        assert delay == pytest.approx(0.1 + distance(i, j), abs=1e-9)


def test_an_index_based_expression_is_evaluated_for_each_connection(moment):
    class Difference(IndexBasedExpression):
        def __call__(self, i, j):
            return 1.0 + np.abs(i - j)

    projection = random_projection(cells(6), cells(5))
    moment(projection)
    projection.set(weight=Difference())
    assert all(w == 1.0 + abs(i - j) for i, j, w in projection.get("weight", format="list"))


def test_lazy_arithmetic_on_distributions_and_arrays_is_carried_out():
    projection = random_projection(cells(6), cells(5))
    projection.set(weight=LazyArray(RandomDistribution("uniform", (0, 1), rng=NumpyRNG(2)),
                                    shape=(6, 5)) * 2.0 + 1.0)
    drawn = NumpyRNG(2).next(30, "uniform", {"low": 0, "high": 1}).reshape(6, 5) * 2.0 + 1.0
    assert all(w == drawn[i, j] for i, j, w in projection.get("weight", format="list"))


@pytest.mark.parametrize("attributes, error, words", [
    ({"tau": 1.0}, errors.NonExistentParameterError, ["tau", "delay", "weight"]),
    ({"weight": np.nan}, errors.InvalidWeightError, ["pre→post", "weight", "nan", "finite"]),
    ({"weight": [1.0] * 7}, errors.InvalidDimensionsError, ["pre→post", "weight", "7", "8"]),
    ({"weight": np.ones((3, 4))}, errors.InvalidDimensionsError, ["(3, 4)", "(4, 3)"]),
    ({"weight": "heavy"}, (ValueError, TypeError, NameError), ["heavy"]),
    ({"delay": -1.0}, errors.ConnectionError, ["pre→post", "delay", "-1.0"]),
    ({"delay": [0.1] * 7 + [np.inf]}, errors.ConnectionError, ["pre→post", "delay", "inf"]),
    ({"weight": 5.0, "delay": -1.0}, errors.ConnectionError, ["delay"]),
    ({"weight": 5.0, "U": 0.5}, errors.NonExistentParameterError, ["U"]),
], ids=lambda value: str(value) if isinstance(value, dict) else "")
def test_what_makes_no_sense_is_refused_and_changes_nothing(moment, attributes, error, words):
    projection = listed()
    moment(projection)
    with pytest.raises(error) as caught:
        projection.set(**attributes)
    for word in words:
        assert word in str(caught.value)
    assert projection.get(["weight", "delay"], format="list") == IN_ORDER


@pytest.mark.parametrize("name, value, error", [
    ("weight", np.inf, errors.InvalidWeightError), ("weight", "x", (TypeError, ValueError)),
    ("delay", -0.1, errors.ConnectionError), ("delay", np.nan, errors.ConnectionError)])
def test_a_connection_refuses_what_makes_no_sense(moment, name, value, error):
    projection = listed()
    moment(projection)
    with pytest.raises(error):
        setattr(projection[2], name, value)
    assert projection.get(["weight", "delay"], format="list") == IN_ORDER


# --- saving ------------------------------------------------------------------------------------

def test_a_saved_list_can_be_read_back(moment, tmp_path):
    projection = listed()
    moment(projection)
    file = str(tmp_path / "connections.txt")
    projection.save("all", file)
    rows = np.loadtxt(file)
    assert sorted(map(tuple, rows[:, :2])) == sorted(row[:2] for row in IN_ORDER)
    with open(file) as opened:
        columns = opened.readline()
    assert columns.startswith("# columns = ['i', 'j', ")
    assert "weight" in columns and "delay" in columns and rows.shape == (8, 4)
    again = sim.Projection(cells(4), cells(3), sim.FromFileConnector(file), sim.StaticSynapse())
    assert again.get(["weight", "delay"], format="list") == IN_ORDER


def test_a_saved_array_has_zeros_where_there_is_no_connection(moment, tmp_path):
    projection = listed()
    moment(projection)
    for names in ("weight", ["weight"]):
        projection.save(names, str(tmp_path / "weights.txt"), format="array", with_address=False)
        weights = np.loadtxt(tmp_path / "weights.txt")
        expected = np.nan_to_num(projection.get("weight", format="array"))
        assert np.allclose(weights.reshape(4, 3), expected, rtol=1e-5)


def test_a_file_object_of_pynn_is_written_to(tmp_path):
    projection = listed()
    projection.save(["weight"], StandardTextFile(str(tmp_path / "w.txt"), mode="w"))
    assert np.loadtxt(tmp_path / "w.txt").shape == (8, 3)
    projection.save(["weight", "delay"], NumpyBinaryFile(str(tmp_path / "w.npz"), mode="wb"))
    again = sim.Projection(cells(4), cells(3), sim.FromFileConnector(
        NumpyBinaryFile(str(tmp_path / "w.npz"), mode="rb")), sim.StaticSynapse())
    assert again.get(["weight", "delay"], format="list") == IN_ORDER


# --- views and assemblies ----------------------------------------------------------------------

def driven(pre, post, projection_of):
    """What arrives in `post` when each source of `pre` spikes once: {(source, target): [...]}.

    Source number k spikes at (20 + 40 k) ms; the answer is a list of (delay in steps, weight).
    """
    projection = projection_of(pre, post)
    post.record("v")
    sim.run(20.0 + 40.0 * pre.size + 20.0)
    steps = {}
    data = post.get_data("v").segments[0]
    for j in range(post.size):
        signal = next(s for s in data.analogsignals
                      if j in s.array_annotations["channel_index"]) if isinstance(
                          post, sim.Assembly) else data.analogsignals[0]
        index = post.root_indices[j] if not isinstance(post, sim.Assembly) else j
        column, = np.flatnonzero(signal.array_annotations["channel_index"] == index)
        jumps = np.diff(np.round(signal.magnitude[:, column], 6))
        for step in np.flatnonzero(jumps) + 1:
            k = int((step - 201) // 400)
            steps.setdefault((k, j), []).append(
                (int(step - 200 - 400 * k), pytest.approx(float(jumps[step - 1]), abs=1e-5)))
    return projection, steps


def sources(n, label):
    """Sources of which each view used below spikes in the order of its own indices."""
    return sim.Population(n, sim.SpikeSourceArray(), label=label)


def in_turn(pre):
    for k, cell in enumerate(pre):
        cell.spike_times = [20.0 + 40.0 * k]
    return pre


def integrators(n, label):
    population = sim.Population(n, sim.IF_curr_delta(
        v_rest=0.0, v_reset=0.0, v_thresh=1e9, tau_m=1e12), label=label)
    population.initialize(v=0.0)
    return population


SIDES = {
    "populations": lambda a, b: a,
    "views": lambda a, b: a[1:7:2],
    "reversed views": lambda a, b: a[::-1],
    "scattered views": lambda a, b: a[np.array([5, 0, 6, 2])],
    "views of one cell": lambda a, b: a[3:4],
    "views of views": lambda a, b: a[1:7][::-2],
    "assemblies": lambda a, b: a + b,
    "assemblies of views": lambda a, b: sim.Assembly(b[2:3], a[::-1], b[0:2]),
}


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("post_kind", SIDES)
@pytest.mark.parametrize("pre_kind", SIDES)
def test_spikes_go_where_get_says_they_go(pre_kind, post_kind, threads):
    sim.setup(timestep=0.1, threads=threads)
    pre = in_turn(SIDES[pre_kind](sources(7, "a"), sources(3, "b")))
    post = SIDES[post_kind](integrators(7, "c"), integrators(3, "d"))
    projection, steps = driven(pre, post, random_projection)
    assert projection.shape == (pre.size, post.size)
    connections = projection.get(["weight", "delay"], format="list")
    assert connections == sorted(connections, key=lambda row: (row[1], row[0]))
    assert {(i, j): [(round(delay / 0.1), weight)]
            for i, j, weight, delay in connections} == steps
    for connection in projection[:3]:
        assert connection.presynaptic_cell == pre[connection.presynaptic_index]
        assert connection.postsynaptic_cell == post[connection.postsynaptic_index]


@pytest.mark.parametrize("pre_kind", SIDES)
def test_views_and_assemblies_read_the_same_before_and_after_runs_and_changes(pre_kind):
    make = SIDES[pre_kind]
    pre = make(cells(7, "a"), cells(3, "b"))
    post = make(cells(7, "c"), cells(3, "d"))
    projection = random_projection(pre, post, p=0.6)
    before = projection.get(["weight", "delay"], format="list")
    sim.run(0.2)
    assert projection.get(["weight", "delay"], format="list") == before
    doubled = 2.0 * projection.get("weight", format="array")
    projection.set(weight=doubled)
    sim.run(0.2)
    assert projection.get(["weight", "delay"], format="list") == [
        (i, j, 2.0 * weight, delay) for i, j, weight, delay in before]


def test_duplicates_between_assemblies_keep_their_order(moment):
    a, b = cells(2, "a"), cells(3, "b")
    rows = [(i, j, 1.0 + k + 10 * i + 100 * j, d) for k, d in enumerate((3.0, 0.5, 1.0))
            for i in range(5) for j in range(4)]
    projection = listed(a + b, sim.Assembly(b[1:], a), rows[::-1])
    moment(projection)
    expected = sorted(rows[::-1], key=lambda row: (row[1], row[0]))
    assert projection.get(["weight", "delay"], format="list") == expected


def test_the_same_population_twice_in_an_assembly_s_projections_adds_up():
    a = integrators(3, "a")
    source = in_turn(sources(1, "s"))
    for weight in (1.0, 2.0):
        sim.Projection(source, a, sim.AllToAllConnector(), sim.StaticSynapse(weight=weight))
    a.record("v")
    sim.run(25.0)
    v = a.get_data("v").segments[0].analogsignals[0].magnitude
    assert v[-1] == pytest.approx([3.0] * 3, abs=1e-9)


def test_all_connections_of_one_pair_act():
    post = integrators(3, "post")
    pre = in_turn(sources(4, "pre"))
    _, steps = driven(pre, post, listed)
    expected = {}
    for i, j, weight, delay in IN_ORDER:
        expected.setdefault((i, j), []).append((round(delay / 0.1), weight))
    assert steps == {pair: sorted(values) for pair, values in expected.items()}


# --- what a projection belongs to --------------------------------------------------------------

def test_receptors_follow_the_argument_or_the_sign_of_the_weight():
    post = cells(3)
    for weight, guessed, given in ((1.0, "excitatory", "excitatory"),
                                   (-1.0, "inhibitory", "inhibitory")):
        for receptor_type, expected in ((None, guessed), ("default", guessed), (given, given)):
            projection = sim.Projection(cells(2), post, sim.AllToAllConnector(),
                                        sim.StaticSynapse(weight=weight),
                                        receptor_type=receptor_type)
            assert projection.receptor_type == expected


def test_the_receptors_of_an_assembly_have_an_order():
    mixed = sim.Assembly(cells(2), sim.Population(3, sim.IF_curr_alpha()))
    assert mixed.receptor_types == ["excitatory", "inhibitory"]
    projection = sim.Projection(cells(2), mixed, sim.AllToAllConnector(),
                                sim.StaticSynapse(weight=1.0))
    assert projection.receptor_type == "excitatory"


def test_populations_of_an_earlier_network_are_refused():
    old = cells(3, "old")
    sim.setup(timestep=0.1)
    new = cells(3, "new")
    for pre, post in ((old, new), (new, old), (new, old[:2]), (old[1:], new),
                      (new, sim.Assembly(new, old, label="new and old"))):
        with pytest.raises(errors.ConnectionError, match="late.*old.*setup"):
            sim.Projection(pre, post, sim.AllToAllConnector(), sim.StaticSynapse(), label="late")
    sim.run(0.5)


def test_a_projection_of_an_earlier_network_stays_readable():
    projection = listed()
    sim.run(0.5)
    sim.setup(timestep=0.5)
    gc.collect()
    assert projection.get(["weight", "delay"], format="list") == IN_ORDER
    assert projection[1].weight == -0.25


def test_without_a_synapse_type_connections_are_static_with_weight_0_and_the_shortest_delay():
    sim.setup(timestep=0.1, min_delay=0.4)
    projection = sim.Projection(cells(1), cells(1), sim.AllToAllConnector())
    assert projection.get(["weight", "delay"], format="list") == [(0, 0, 0.0, 0.4)]


def test_initialize_refuses_variables_because_static_synapses_have_none():
    with pytest.raises(errors.NonExistentParameterError, match="u"):
        listed().initialize(u=1.0)


def test_annotations_are_kept():
    projection = listed()
    projection.annotate(kind="test")
    assert projection.annotations == {"kind": "test"}


def delayed(threads=1):
    """(v of the targets, the projection), under spikes that come with many delays."""
    sim.setup(timestep=0.1, threads=threads)
    sources = sim.Population(40, sim.SpikeSourcePoisson(rate=200.0))
    neurons = sim.Population(30, sim.IF_curr_exp(i_offset=0.9))
    rng = sim.NumpyRNG(7)
    synapse = sim.StaticSynapse(
        weight=sim.RandomDistribution("uniform", low=0.0, high=0.2, rng=rng),
        delay=sim.RandomDistribution("uniform", low=0.1, high=9.0, rng=rng))
    connector = sim.FixedTotalNumberConnector(n=900, with_replacement=True, rng=rng)
    projection = sim.Projection(sources, neurons, connector, synapse)
    sim.Projection(neurons, neurons, connector, synapse)
    neurons.record("v")
    sim.run(60.0)
    return neurons.get_data().segments[0].analogsignals[0].magnitude, projection


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_rows_of_offsets_and_rows_in_runs_give_the_same_bits(monkeypatch, threads):
    v, projection = delayed(threads)
    (_, _, rows), = projection._rows
    assert rows.ring_width == ring_width(30, threads) and rows.run_start is None
    listed_as_offsets = projection.get(["weight", "delay"], format="list")
    monkeypatch.setattr(Rows, "spread", lambda self, n_post, n_threads: None)
    v_of_runs, projection = delayed(threads)
    (_, _, rows), = projection._rows
    assert rows.ring_width is None and rows.run_start is not None
    assert np.array_equal(v, v_of_runs) and np.ptp(v) > 3.0
    assert listed_as_offsets == projection.get(["weight", "delay"], format="list")


def test_a_large_projection_reads_and_changes_as_a_small_one(monkeypatch):
    monkeypatch.setattr("pyNN_laconeu.network.MANY_SYNAPSES", 1)  # sorted when it is made
    v_large, large = delayed()
    assert large.get("delay", format="list", with_address=False)[:3]
    sim.setup(timestep=0.1)
    synapse = sim.StaticSynapse(weight=0.5, delay=np.array([[0.1, 0.2, 0.3]] * 3))
    projection = sim.Projection(cells(3), cells(3), sim.AllToAllConnector(), synapse)
    before = projection.get(["weight", "delay"], format="list")
    projection.set(weight=np.arange(9.0).reshape(3, 3))
    assert [d for *_, d in before] == projection.get("delay", format="list", with_address=False)
    assert sorted(projection.get("weight", format="list", with_address=False)) == list(range(9))
    monkeypatch.undo()
    v_small, small = delayed()
    assert np.array_equal(v_large, v_small)
    assert small.get(["weight", "delay"], format="list") == large.get(["weight", "delay"],
                                                                      format="list")


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("pairs", [
    [(1, 0), (1, 1), (1, 2)], [(0, 0), (0, 1), (2, 2)], [(0, 0), (1, 1), (2, 2)]], ids=str)
def test_targets_in_ascending_order_need_not_belong_to_one_source_each(pairs, threads):
    sim.setup(timestep=0.1, threads=threads)
    source = sim.Population(3, sim.SpikeSourceArray(spike_times=[
        Sequence([2.0]), Sequence([7.0]), Sequence([12.0])]))
    cells = sim.Population(3, sim.IF_curr_delta(tau_m=1e9, v_rest=0.0, v_thresh=10.0),
                           initial_values={"v": 0.0})
    cells.record("v")
    sim.Projection(source, cells, sim.FromListConnector([(*pair, 1.0, 1.0) for pair in pairs]))
    sim.run(15.0)
    v = cells.get_data().segments[0].filter(name="v")[0].magnitude
    came = [(np.flatnonzero(np.diff(v[:, j]) > 0.5) / 50).astype(int).tolist() for j in range(3)]
    assert came == [[i for i, to in pairs if to == j] for j in range(3)]
