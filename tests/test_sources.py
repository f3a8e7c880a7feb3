"""
Renewal sources: refractory Poisson, gamma, inhomogeneous gamma; against their distributions.

As in test_poisson.py every statistic comes from a fixed seed, and bounds are those that a right
generator exceeds once in 10 000 seeds (P_MIN, or 4 standard errors).
"""

import numpy as np
import pyNN.laconeu as sim
import pytest
from pyNN.errors import InvalidParameterValueError
from pyNN.parameters import Sequence
from scipy import special, stats

P_MIN = 1e-4
DT = 0.1

REFRACTORY, GAMMA, INHOMOGENEOUS = (
    sim.SpikeSourcePoissonRefractory, sim.SpikeSourceGamma, sim.SpikeSourceInhGamma)

# Mean interval 100 ms; the CDF of the intervals, and the probability that one is longer than t,
# integrated from 0 to t and divided by the mean: the CDF of the first spike in equilibrium.
PROCESSES = {"refractory": (REFRACTORY, {"rate": 10.0, "tau_refrac": 30.0})}
INTERVALS = {"refractory": lambda t: stats.expon.cdf(t, 30.0, 70.0)}
FIRST = {"refractory": lambda t: np.minimum(t, 30.0) / 100.0 + 0.7 * stats.expon.cdf(t, 30.0, 70.0)}
for _shape in (0.05, 0.5, 1.0, 2.5, 7.0, 400.0):
    _scale = 100.0 / _shape
    PROCESSES[f"gamma {_shape}"] = (GAMMA, {"alpha": _shape, "beta": 1000.0 / _scale})
    INTERVALS[f"gamma {_shape}"] = stats.gamma(_shape, 0.0, _scale).cdf
    FIRST[f"gamma {_shape}"] = lambda t, a=_shape, b=_scale: (
        special.gammainc(a + 1.0, t / b) + t / 100.0 * special.gammaincc(a, t / b))
PROCESSES["one bin"] = (INHOMOGENEOUS, {"a": Sequence([2.5]), "b": Sequence([0.04]),
                                        "tbins": Sequence([0.0])})
INTERVALS["one bin"], FIRST["one bin"] = INTERVALS["gamma 2.5"], FIRST["gamma 2.5"]


def build(n_cells, cell_type, dt=DT, seed=42, threads=None, **parameters):
    sim.setup(timestep=dt, rng_seed=seed, threads=threads)
    sources = sim.Population(n_cells, cell_type(**parameters))
    sources.record("spikes")
    return sources


def trains_of(sources, segment=0):
    """Spike times in ms, an array for each cell."""
    return [train.magnitude for train in sources.get_data("spikes").segments[segment].spiketrains]


def run(n_cells, cell_type, until, **options):
    sources = build(n_cells, cell_type, **options)
    sim.run(until)
    return trains_of(sources)


def within_their_steps(trains, dt=DT):
    """The times at uniformly distributed places within the steps that they are stamped with."""
    draw = np.random.RandomState(7)
    return [np.sort(train - dt * draw.uniform(size=train.size)) for train in trains]


def counts(trains):
    return np.array([train.size for train in trains])


def same(trains, others):
    return len(trains) == len(others) and all(map(np.array_equal, trains, others))


def deviation(counts, mean):
    """How many standard errors the mean of independent counts is away from `mean`."""
    return abs(np.mean(counts) - mean) / (np.std(counts) / np.sqrt(np.size(counts)))


def bins(begin, a, b):
    return {"tbins": Sequence(begin), "a": Sequence(a), "b": Sequence(b)}


# --- distributions ---------------------------------------------------------------------------

@pytest.mark.parametrize("name", PROCESSES)
def test_intervals_have_their_distribution(name):
    cell_type, parameters = PROCESSES[name]
    trains = within_their_steps(run(400, cell_type, 30000.0, **parameters))
    # A fixed number from each: the end of the run would cut long intervals more than short ones.
    intervals = np.sort(np.concatenate([np.diff(train[:11]) for train in trains]))
    assert intervals.size == 4000
    # Kolmogorov and Smirnov's distance, from 2 ms on: spikes are stamped to 0.1 ms, while of
    # intervals of shape 0.05 most are shorter than that.
    t = np.linspace(2.0, 2000.0, 20000)
    distance = np.abs(np.searchsorted(intervals, t, "right") / 4000.0 - INTERVALS[name](t)).max()
    assert distance < stats.kstwobign.isf(P_MIN) / np.sqrt(4000)


@pytest.mark.parametrize("name", PROCESSES)
def test_the_first_spike_is_that_of_a_process_in_equilibrium(name):
    cell_type, parameters = PROCESSES[name]
    trains = within_their_steps(run(4000, cell_type, 1000.0, **parameters))
    # Those without any have a first spike later than what is looked at.
    first = np.array([train[0] if train.size else 2000.0 for train in trains])
    late = first > 900.0
    p_late = 1.0 - FIRST[name](900.0)
    assert abs(late.sum() - 4000 * p_late) <= 4.0 * np.sqrt(4000 * p_late * (1.0 - p_late)) + 1e-6
    assert stats.kstest(first[~late], lambda t: FIRST[name](t) / (1.0 - p_late)).pvalue > P_MIN


@pytest.mark.parametrize("name", PROCESSES)
def test_the_mean_rate_is_exact_from_the_first_millisecond_on(name):
    cell_type, parameters = PROCESSES[name]
    trains = run(20000, cell_type, 50.0, **parameters)
    times = np.concatenate(trains)
    # 10 Hz: 200 spikes per ms, not independent of one another if they come in bursts.
    in_window = np.histogram(times, np.arange(0.05, 51.0))[0]
    variance = max(counts(trains).var() / 0.5, 1.0)  # of Poisson's
    assert in_window.size == 50
    assert (np.abs(in_window - 200.0) < 4.5 * np.sqrt(200.0 * variance)).all()
    assert deviation(counts(trains), 0.5) < 4.0
    assert deviation([(train < 5.05).sum() for train in trains], 0.05) < 4.0


@pytest.mark.parametrize("dt", [0.1, 0.25, 1.0])
def test_no_interval_is_shorter_than_the_dead_time(dt):
    dead_time = np.array([0.0, 1.0, 3.0, 7.7])
    trains = run(4, REFRACTORY, 3000.0, dt=dt, rate=900.0 / (dead_time + 1.0),
                 tau_refrac=dead_time)
    for train, shortest in zip(trains, dead_time):
        steps = np.rint(np.diff(train) / dt)
        assert train.size > 100
        # Between two grid points, it may end a step earlier or later than it began.
        assert np.floor(shortest / dt + 1e-9) <= steps.min() <= np.floor(shortest / dt + 1e-9) + 1


def test_a_dead_time_of_nearly_the_whole_interval_makes_a_clock():
    trains = run(50, REFRACTORY, 1000.0, rate=10.0, tau_refrac=100.0 * (1.0 - 1e-12))
    assert all(train.size == 10 for train in trains)
    assert all(np.allclose(np.diff(train), 100.0, atol=DT * 1.001, rtol=0) for train in trains)
    assert stats.kstest([train[0] for train in trains], stats.uniform(0.0, 100.0).cdf
                        ).pvalue > P_MIN


def test_each_cell_has_its_own_parameters():
    shape, rate = np.array([0.5, 1.0, 3.0, 50.0]), np.array([80.0, 0.0, 20.0, 40.0])
    trains = run(4, GAMMA, 50000.0, alpha=shape, beta=shape * rate)
    expected = 50.0 * rate
    # The variance of a renewal process's count is CV^2 times its mean, in long runs.
    assert (np.abs(counts(trains) - expected) <= 4.0 * np.sqrt(expected / shape) + 1.0).all()
    for k in (0, 2, 3):
        interval = np.diff(trains[k])
        assert interval.std() / interval.mean() == pytest.approx(shape[k] ** -0.5, rel=0.1)


def test_cells_and_populations_are_independent():
    sim.setup(timestep=DT)
    populations = [sim.Population(60, GAMMA(alpha=3.0, beta=1500.0)) for _ in range(2)]
    for sources in populations:
        sources.record("spikes")
    sim.run(2000.0)
    binned = np.array([np.histogram(train, np.arange(0.05, 2001.0, 2.0))[0]
                       for sources in populations for train in trains_of(sources)], float)
    correlation = np.corrcoef(binned)[np.triu_indices(120, 1)] * np.sqrt(binned.shape[1])
    assert stats.kstest(correlation, "norm").pvalue > P_MIN
    assert np.abs(correlation).max() < 5.0


# --- histograms ------------------------------------------------------------------------------

BINS = {"tbins": np.array([0.0, 40.0, 45.0, 120.0]), "a": np.array([2.5, 0.7, 6.0, 1.0]),
        "b": np.array([0.008, 0.005, 0.002, 0.015])}


def hazard_between(last, now, begin, shape, scale):
    """What the hazard of an InhGamma source, last spike at `last`, adds up to until `now` (ms)."""
    total = 0.0
    for k in range(len(begin)):
        start = max(begin[k], last)
        stop = min(begin[k + 1] if k + 1 < len(begin) else np.inf, now)
        if start < stop:
            upper, lower = (-np.log(special.gammaincc(shape[k], (t - last) / (1000.0 * scale[k])))
                            for t in (stop, start))
            total += upper - lower
    return total


def test_the_hazard_between_spikes_is_exponentially_distributed_across_bins():
    dt = 0.01
    trains = within_their_steps(
        run(600, INHOMOGENEOUS, 400.0, dt=dt, **{k: Sequence(v) for k, v in BINS.items()}), dt)
    values = np.concatenate([
        [hazard_between(t, u, BINS["tbins"], BINS["a"], BINS["b"])
         for t, u in zip(train, train[1:6])] for train in trains])
    assert values.size == 3000
    assert stats.kstest(values, "expon").pvalue > P_MIN


def test_with_shape_one_the_rate_follows_the_bins_at_once():
    rate = np.array([50.0, 400.0, 10.0, 200.0])
    trains = run(3000, INHOMOGENEOUS, 80.0,
                 **bins([0.0, 20.0, 40.0, 60.0], np.ones(4), 1.0 / rate))
    for t in range(80):
        inside = [((train > t + 0.05) & (train < t + 1.05)).sum() for train in trains]
        # Spikes of a Poisson process: independent of one another.
        assert abs(np.sum(inside) - 3.0 * rate[t // 20]) <= 4.5 * np.sqrt(3.0 * rate[t // 20])


def test_many_bins_with_the_same_parameters_are_one_bin():
    one = run(50, INHOMOGENEOUS, 500.0, **bins([0.0], [3.0], [0.004]))
    many = run(50, INHOMOGENEOUS, 500.0,
               **bins(np.arange(0.0, 500.0, 1.7), np.full(295, 3.0), np.full(295, 0.004)))
    assert counts(one).sum() > 1500
    # The sum over the bins is rounded otherwise: up to a last bit before a grid point.
    assert same(one, many)


def test_one_bin_is_a_gamma_source():
    gamma = run(30, GAMMA, 500.0, alpha=2.5, beta=256.0)
    assert counts(gamma).sum() > 1000
    assert same(gamma, run(30, INHOMOGENEOUS, 500.0, **bins([0.0], [2.5], [1.0 / 256.0])))


def test_the_process_begins_with_the_first_bin():
    trains = run(2000, INHOMOGENEOUS, 40.0, **bins([20.0], [4.0], [0.005]))
    assert min(train.min(initial=40.0) for train in trains) > 20.0
    assert deviation([(train < 22.05).sum() for train in trains], 0.1) < 4.0
    assert deviation(counts(trains), 1.0) < 4.0


def test_what_is_set_before_the_first_bin_is_as_if_it_had_always_been_so():
    early, late = bins([40.0], [4.0], [0.005]), bins([20.05], [0.5], [0.01])
    sources = build(30, INHOMOGENEOUS, **early)
    sim.run(10.0)
    sources.set(**late)
    sim.run(90.0)
    trains = trains_of(sources)
    assert counts(trains).sum() > 300
    assert same(trains, run(30, INHOMOGENEOUS, 100.0, **late))


def test_bins_before_zero_are_over():
    assert same(run(5, INHOMOGENEOUS, 200.0, **bins([-30.0, -10.0, 50.0], [9.0, 2.0, 3.0],
                                                    [0.1, 0.01, 0.002])),
                run(5, INHOMOGENEOUS, 200.0, **bins([0.0, 50.0], [2.0, 3.0], [0.01, 0.002])))


def test_cells_may_have_histograms_of_different_lengths():
    sources = build(3, INHOMOGENEOUS,
                    tbins=[Sequence([0.0]), Sequence([0.0, 100.0]), Sequence([50.0])],
                    a=[Sequence([1.0]), Sequence([2.0, 3.0]), Sequence([5.0])],
                    b=[Sequence([0.01]), Sequence([1e6, 0.001]), Sequence([0.001])])
    sim.run(200.0)
    first, second, third = trains_of(sources)
    assert first.size > 5 and first.min() < 100.0
    assert second.min() > 100.0 and second.size > 15
    assert third.min() > 50.0 and third.size > 15
    assert np.array_equal(sources.get("a")[1].value, [2.0, 3.0])


# --- when, and from when on ------------------------------------------------------------------

@pytest.mark.parametrize("name", PROCESSES)
def test_start_and_duration_cut_a_window_out_of_the_process(name):
    cell_type, parameters = PROCESSES[name]
    whole = run(60, cell_type, 500.0, **parameters)
    part = run(60, cell_type, 500.0, start=100.0, duration=250.0, **parameters)
    assert counts(part).sum() > 50
    assert same([train[(train > 100.05) & (train < 350.05)] for train in whole], part)


def test_zero_duration_or_rate_give_no_spike():
    assert not counts(run(5, GAMMA, 100.0, alpha=2.0, beta=1e4, duration=0.0)).any()
    assert not counts(run(5, GAMMA, 100.0, alpha=2.0, beta=0.0)).any()
    assert not counts(run(5, REFRACTORY, 100.0, rate=0.0, tau_refrac=3.0)).any()


@pytest.mark.parametrize("cell_type, silent, active", [
    (REFRACTORY, {"rate": 0.0}, {"rate": 200.0}), (GAMMA, {"beta": 0.0}, {"beta": 600.0})])
def test_a_source_that_was_silent_begins_in_equilibrium(cell_type, silent, active):
    more = {"tau_refrac": 4.0} if cell_type is REFRACTORY else {"alpha": 3.0}
    sources = build(3000, cell_type, **silent, **more)
    sim.run(20.0)
    sources.set(**active)
    sim.run(10.0)
    trains = trains_of(sources)
    assert min(train.min(initial=30.0) for train in trains) > 20.0
    for t in range(20, 30):
        inside = [((train > t + 0.05) & (train < t + 1.05)).sum() for train in trains]
        assert deviation(inside, 0.2) < 4.5


@pytest.mark.parametrize("silence", [0.0, 3.0])
def test_a_new_rate_acts_at_once_and_the_dead_time_still_counts(silence):
    sources = build(2000, REFRACTORY, rate=100.0, tau_refrac=5.0)
    sim.run(50.0)
    if silence:
        sources.set(rate=0.0)
        sim.run(silence)
    sources.set(rate=190.0)
    sim.run(30.0)
    trains = within_their_steps(trains_of(sources))
    now = 50.0 + silence
    assert all(np.diff(train).min(initial=5.0) > 5.0 - 2 * DT for train in trains)
    last = np.array([train[train < now].max(initial=-100.0) for train in trains])
    following = np.array([train[train > now].min(initial=1e3) for train in trains])
    # 190 Hz with 5 ms dead time: a mean of 0.263 ms after it, times within steps of 0.1 ms.
    waited = following - np.maximum(now, last + 5.0)
    waited = waited[last > 0.0]
    mean = 1000.0 / 190.0 - 5.0
    assert waited.mean() == pytest.approx(mean, abs=4 * np.hypot(mean, DT) / waited.size ** 0.5)
    assert not silence or all(train[(train > 50.0) & (train < now)].size == 0 for train in trains)


def test_after_a_change_the_hazard_is_the_new_one_at_the_age_there_is():
    dt = 0.01
    sources = build(4000, GAMMA, dt=dt, alpha=4.0, beta=100.0)
    sim.run(300.0)
    sources.set(alpha=0.6, beta=20.0)
    sim.run(1000.0)
    values = []
    for train in within_their_steps(trains_of(sources), dt):
        before, after = train[train < 300.0], train[train > 300.0]
        if before.size and after.size:
            values.append(hazard_between(before[-1], after[0], [0.0], [0.6], [0.05])
                          - hazard_between(before[-1], 300.0, [0.0], [0.6], [0.05]))
    assert len(values) > 3900
    assert stats.kstest(values, "expon").pvalue > P_MIN


CHANGES = {
    "refractory": (REFRACTORY, {"rate": 100.0, "tau_refrac": 3.0}, {"tau_refrac": 1.0}),
    "gamma": (GAMMA, {"alpha": 2.5, "beta": 250.0}, {"beta": 500.0}),
    "histogram": (INHOMOGENEOUS, bins([0.0, 70.0], [2.0, 3.0], [0.005, 0.003]),
                  bins([0.0, 90.0, 95.0], [2.0, 0.5, 2.0], [0.003, 0.01, 0.003])),
}


@pytest.mark.parametrize("name", CHANGES)
def test_changing_one_cell_leaves_the_others_alone(name):
    cell_type, before, after = CHANGES[name]
    unchanged = run(8, cell_type, 160.0, **before)
    sources = build(8, cell_type, **before)
    sim.run(80.0)
    sources[2:4].set(**after)
    sim.run(80.0)
    trains = trains_of(sources)
    for k in range(8):
        until = trains[k][trains[k] < 80.05], unchanged[k][unchanged[k] < 80.05]
        assert np.array_equal(*until)
        assert np.array_equal(trains[k], unchanged[k]) == (k not in (2, 3))


@pytest.mark.parametrize("name", CHANGES)
def test_setting_what_is_set_already_changes_nothing(name):
    cell_type, parameters, other = CHANGES[name]
    sources = build(8, cell_type, **parameters)
    for _run in range(4):
        sim.run(40.0)
        sources.set(**other)  # not run: not noticed
        sources.set(start=0.0, **parameters)
    assert same(trains_of(sources), run(8, cell_type, 160.0, **parameters))


def test_the_window_can_be_moved_between_runs():
    parameters = {"alpha": 2.0, "beta": 1000.0}
    whole = run(6, GAMMA, 100.0, **parameters)
    sources = build(6, GAMMA, duration=20.0, **parameters)
    sim.run(50.0)
    sources.set(start=60.0)
    sim.run(50.0)
    assert same([train[(train < 20.05) | ((train > 60.05) & (train < 80.05))] for train in whole],
                trains_of(sources))


def test_a_population_made_between_two_runs_begins_then():
    build(3, GAMMA)
    sim.run(500.0)
    sources = sim.Population(4000, REFRACTORY(rate=150.0, tau_refrac=6.0))
    sources.record("spikes")
    sim.run(3.0)
    assert deviation(counts(trains_of(sources)), 0.45) < 4.0


# --- the same, always ------------------------------------------------------------------------

def mixed(threads=None, seed=1, size=37, recorded=True):
    """All kinds, each cell with its own parameters, onto neurons."""
    sim.setup(timestep=DT, rng_seed=seed, threads=threads)
    draw = np.random.RandomState(0)
    sources = [
        sim.Population(size, REFRACTORY(rate=draw.uniform(0.0, 240.0, size),
                                        tau_refrac=draw.uniform(0.0, 4.0, size))),
        sim.Population(size, GAMMA(alpha=10.0 ** draw.uniform(-1.0, 1.0, size),
                                   beta=draw.uniform(0.0, 300.0, size),
                                   start=draw.uniform(0.0, 9.0, size))),
        sim.Population(size, INHOMOGENEOUS(
            a=[Sequence(draw.uniform(0.3, 4.0, 5)) for _ in range(size)],
            b=[Sequence(draw.uniform(0.002, 0.02, 5)) for _ in range(size)],
            tbins=[Sequence(np.sort(draw.uniform(-5.0, 60.0, 5))) for _ in range(size)]))]
    neurons = sim.Population(20, sim.IF_curr_exp())
    for p in sources:
        sim.Projection(p, neurons, sim.AllToAllConnector(),
                       sim.StaticSynapse(weight=0.05, delay=0.3))
    if recorded:
        sim.Assembly(*sources, neurons).record("spikes")
    neurons.record("v")
    return sources, neurons


def outcome(sources, neurons):
    spikes = [train for p in (*sources, neurons) for train in trains_of(p)]
    v = neurons.get_data("v").segments[-1].analogsignals[0].magnitude
    assert sum(map(len, spikes)) > 500
    return [*spikes, v]


def test_results_do_not_depend_on_threads_or_on_how_a_run_is_cut():
    network = mixed(1)
    sim.run(80.0)
    expected = outcome(*network)
    for threads in (1, 2, 3):
        network = mixed(threads)
        for duration in (0.1, 33.3, 0.0, 40.0, 6.6):
            sim.run(duration)
        assert same(outcome(*network), expected)


def test_results_do_not_depend_on_what_else_is_changed_or_recorded_meanwhile():
    network = mixed()
    sim.run(80.0)
    expected = outcome(*network)
    (refractory, gamma, histograms), neurons = mixed(recorded=False)
    sim.run(20.0)
    neurons.record("spikes")
    neurons.set(tau_m=neurons.get("tau_m"))  # compiles the network again
    sim.run(60.0)
    v = neurons.get_data("v").segments[0].analogsignals[0].magnitude
    assert np.array_equal(v, expected[-1])


def test_a_cell_does_not_depend_on_how_many_others_there_are():
    for name in CHANGES:
        cell_type, parameters, _ = CHANGES[name]
        assert same(run(3, cell_type, 100.0, **parameters),
                    run(50, cell_type, 100.0, **parameters)[:3])


def test_another_seed_gives_other_spikes():
    for name in CHANGES:
        cell_type, parameters, _ = CHANGES[name]
        first, other = (run(20, cell_type, 100.0, seed=seed, **parameters) for seed in (1, 2))
        assert not any(map(np.array_equal, first, other))


def test_reset_repeats_the_same_spikes_whatever_was_changed_in_between():
    for name in CHANGES:
        cell_type, parameters, other = CHANGES[name]
        sources = build(20, cell_type, **parameters)
        sim.run(100.0)
        sources.set(**other)
        sim.reset()
        sim.run(100.0)
        sim.reset()
        sources.set(**parameters)
        sim.run(100.0)
        first, second, third = (trains_of(sources, segment) for segment in range(3))
        assert same(first, third) and not same(first, second)
        assert counts(first).sum() > 200


def test_several_spikes_in_one_step_are_recorded_and_delivered_several_times():
    sources = build(3, GAMMA, alpha=0.05, beta=100.0)
    cells = sim.Population(3, sim.IF_curr_delta(tau_m=1e9, v_thresh=1e12, v_rest=0.0,
                                                v_reset=0.0), initial_values={"v": 0.0})
    cells.record("v")
    sim.Projection(sources, cells, sim.OneToOneConnector(),
                   sim.StaticSynapse(weight=2.0, delay=0.3))
    sim.run(100.0)
    steps = [np.rint(train / DT).astype(int) for train in trains_of(sources)]
    in_step = np.array([np.bincount(train, minlength=1001)[1:] for train in steps])
    assert in_step.max() > 2
    v = cells.get_data("v").segments[0].analogsignals[0].magnitude
    # A leak of 1e9 ms loses below 1e-3 of v; each spike stamped t adds 2 mV at t + 0.3 ms.
    assert np.diff(v, axis=0).T[:, 3:] == pytest.approx(2.0 * in_step[:, :-3], abs=1e-2)


# --- errors ----------------------------------------------------------------------------------

@pytest.mark.parametrize("cell_type, parameters, name", [
    (REFRACTORY, {"rate": -1.0}, "rate = "),
    (REFRACTORY, {"rate": np.nan}, "rate = "),
    (REFRACTORY, {"rate": 2e6}, "rate = 2000000.0"),
    (REFRACTORY, {"tau_refrac": -1.0}, "tau_refrac = "),
    (REFRACTORY, {"rate": 100.0, "tau_refrac": 10.0}, "rate = 100.0.*tau_refrac = 10 ms"),
    (REFRACTORY, {"start": -1.0}, "start = "),
    (REFRACTORY, {"duration": np.inf}, "duration = "),
    (GAMMA, {"alpha": 0.0}, "alpha = "),
    (GAMMA, {"alpha": -2.0}, "alpha = "),
    (GAMMA, {"alpha": 1e-4}, "alpha = 0.0001"),
    (GAMMA, {"alpha": 1e6}, "alpha = 1000000.0"),
    (GAMMA, {"beta": -1.0}, "beta = "),
    (GAMMA, {"beta": 3e6, "alpha": 2.0}, "beta = 3000000.0.*1e[+]06 Hz"),
    (GAMMA, {"beta": 1e-12}, "beta = 1e-12"),
    (GAMMA, {"beta": np.nan}, "beta = "),
    (INHOMOGENEOUS, bins([0.0], [0.0], [1.0]), "a = 0.0"),
    (INHOMOGENEOUS, bins([0.0, 1.0], [2.0, np.nan], [1.0, 1.0]), "a = nan"),
    (INHOMOGENEOUS, bins([0.0, 1.0], [2.0, 2.0], [1.0, 0.0]), "b = 0.0"),
    (INHOMOGENEOUS, bins([0.0, 1.0], [2.0, 2.0], [1.0, -1.0]), "b = -1.0"),
    (INHOMOGENEOUS, bins([0.0], [2.0], [1e-7]), "b = 1e-07"),
    (INHOMOGENEOUS, bins([0.0], [2.0], [1e10]), "b = 10000000000.0"),
    (INHOMOGENEOUS, bins([0.0, 0.0], [2.0, 2.0], [1.0, 1.0]), r"tbins = \[0.0, 0.0\]"),
    (INHOMOGENEOUS, bins([2.0, 1.0], [2.0, 2.0], [1.0, 1.0]), r"tbins = \[2.0, 1.0\]"),
    (INHOMOGENEOUS, bins([0.0, np.inf], [2.0, 2.0], [1.0, 1.0]), "tbins = inf"),
    (INHOMOGENEOUS, bins([0.0, 1.0], [2.0], [1.0, 1.0]), r"a = \[2.0\]"),
    (INHOMOGENEOUS, bins([0.0], [2.0], [1.0, 1.0]), r"b = \[1.0, 1.0\]"),
    (INHOMOGENEOUS, bins([], [], []), r"a = \[\]"),
    (INHOMOGENEOUS, {"start": -1.0}, "start = "),
])
def test_wrong_parameters_are_refused_by_name(cell_type, parameters, name):
    sim.setup(timestep=DT)
    with pytest.raises(InvalidParameterValueError, match=f"noise: .* parameter {name}"):
        sim.Population(2, cell_type(**parameters), label="noise")
    sources = sim.Population(2, cell_type(), label="noise")
    before = {key: values.copy() for key, values in sources.parameters.items()}
    with pytest.raises(InvalidParameterValueError, match=f"noise: .* parameter {name}"):
        sources.set(**parameters)
    assert all((sources.parameters[key] == before[key]).all() for key in before)


def test_parameters_that_only_together_make_no_sense_are_refused_when_set_one_by_one():
    sim.setup(timestep=DT)
    sources = sim.Population(3, REFRACTORY(rate=[10.0, 20.0, 30.0]))
    with pytest.raises(InvalidParameterValueError, match="rate = 20.0.*tau_refrac = 50 ms"):
        sources[1:2].set(tau_refrac=50.0)
    sources[0:1].set(tau_refrac=50.0)
    assert sources.get("tau_refrac").tolist() == [50.0, 0.0, 0.0]
    histograms = sim.Population(2, INHOMOGENEOUS())
    with pytest.raises(InvalidParameterValueError, match=r"a = \[1.0, 2.0\]"):
        histograms.set(a=Sequence([1.0, 2.0]))


def test_the_shape_is_no_integer_though_the_default_looks_like_one():
    sim.setup(timestep=DT)
    sources = sim.Population(2, GAMMA(alpha=2.5))
    assert sources.get("alpha") == 2.5
    sources.set(alpha=[0.5, 3])
    assert sources.get("alpha").tolist() == [0.5, 3.0]
