"""
SpikeSourcePoisson: the distribution of its counts and intervals, and when it starts and stops.

Every test statistic comes from a fixed seed; bounds are those that a right generator exceeds once
in 10 000 seeds (P_MIN), so that a failure means a fault and not bad luck.
"""

import numpy as np
import pyNN.laconeu as sim
import pytest
from scipy import stats

P_MIN = 1e-4


def counts_per_step(n_cells, n_steps, dt=0.1, seed=42, **parameters):
    """int64 [n_cells, n_steps]: spikes stamped 1 .. n_steps of each source."""
    sim.setup(timestep=dt, rng_seed=seed)
    sources = sim.Population(n_cells, sim.SpikeSourcePoisson(**parameters))
    sources.record("spikes")
    sim.run(n_steps * dt)
    return counts_of(sources, n_steps, dt)


def counts_of(sources, n_steps, dt):
    counts = np.zeros((sources.size, n_steps + 1), int)
    for cell, train in enumerate(sources.get_data("spikes").segments[0].spiketrains):
        steps = np.rint(train.magnitude / dt).astype(int)
        assert np.allclose(steps * dt, train.magnitude, rtol=0, atol=1e-9)
        np.add.at(counts[cell], steps, 1)
    assert not counts[:, 0].any()  # nothing is stamped t = 0
    return counts[:, 1:]


def chi_square_p(counts, mean):
    """p of the observed counts under Poisson(mean); values expected below 10 times are pooled."""
    observed = np.bincount(counts.ravel())
    expected = stats.poisson.pmf(np.arange(max(len(observed), int(mean + 10 * mean ** 0.5 + 9))),
                                 mean) * counts.size
    observed = np.pad(observed, (0, len(expected) - len(observed)))
    kept = np.flatnonzero(expected >= 10)
    low, high = kept[0], kept[-1]
    pools = [slice(0, low + 1), *(slice(k, k + 1) for k in range(low + 1, high)),
             slice(high, None)]
    observed = np.array([observed[pool].sum() for pool in pools])
    expected = np.array([expected[pool].sum() for pool in pools])
    expected *= observed.sum() / expected.sum()  # what lies beyond the table: below 1e-9
    return stats.chisquare(observed, expected).pvalue


@pytest.mark.parametrize("mean, dt", [(0.01, 0.1), (0.01, 1.0), (0.5, 0.1), (0.5, 1.0),
                                      (2.0, 0.1), (2.0, 1.0), (10.0, 0.1), (10.0, 1.0),
                                      (100.0, 1.0), (1000.0, 10.0)])
def test_counts_per_step_have_the_poisson_distribution(mean, dt):
    rate = mean / dt * 1000.0  # up to 1e5 Hz
    counts = counts_per_step(203, 1000 if mean < 50 else 100 if mean < 500 else 20, dt, rate=rate)
    assert chi_square_p(counts, mean) > P_MIN
    # Mean and variance by themselves, as sharper tests of each.
    n = counts.size
    assert abs(counts.mean() - mean) < 4 * np.sqrt(mean / n)
    assert abs(counts.var() - mean) < 4 * np.sqrt((mean + 2 * mean ** 2) / n)


def test_intervals_are_exponential():
    dt, rate = 0.1, 20.0
    counts = counts_per_step(500, 20000, dt, rate=rate)
    assert counts.max() <= 2
    # A uniform place within its step for each spike makes times out of steps.
    draw = np.random.RandomState(3)
    intervals = []
    for row in counts:
        steps = np.repeat(np.arange(row.size), row)
        intervals.append(np.diff(np.sort((steps + draw.uniform(size=steps.size)) * dt)))
    # Of each source the first ten: the window would cut long intervals more often than short ones.
    first = np.concatenate([each[:10] for each in intervals])
    assert len(first) == 5000
    assert stats.kstest(first, "expon", args=(0, 1000.0 / rate)).pvalue > P_MIN


def test_cells_are_independent_of_one_another_and_of_their_past():
    # Neighbours share blocks of random bits: look at each pair close by, and at each lag.
    for mean in (0.05, 1.5):
        counts = counts_per_step(64, 4000, 0.1, rate=mean * 1e4)
        z = (counts - mean) / np.sqrt(mean)
        correlation = z @ z.T / z.shape[1]
        above = correlation[np.triu_indices(64, 1)] * np.sqrt(z.shape[1])
        assert stats.kstest(above, "norm").pvalue > P_MIN
        assert np.abs(above).max() < 5.0
        for lag in (1, 2, 3, 4, 32, 256):
            product = (z[:, lag:] * z[:, :-lag]).sum() / np.sqrt(z[:, lag:].size)
            assert abs(product) < 4.0


def test_the_total_of_all_sources_is_poisson():
    totals = counts_per_step(100, 3000, 0.1, rate=300.0).sum(axis=0)
    assert chi_square_p(totals, 3.0) > P_MIN


def test_populations_draw_independently():
    sim.setup(timestep=0.1)
    pair = [sim.Population(50, sim.SpikeSourcePoisson(rate=2000.0)) for _ in range(2)]
    for sources in pair:
        sources.record("spikes")
    sim.run(200.0)
    first, second = (counts_of(sources, 2000, 0.1) for sources in pair)
    z = ((first - 0.2) * (second - 0.2)).sum() / 0.2 / np.sqrt(first.size)
    assert abs(z) < 4.0 and not np.array_equal(first, second)


def test_spikes_are_the_same_for_the_same_seed_and_others_for_another():
    first, same, other = (counts_per_step(10, 500, rate=800.0, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first, same)
    assert (first != other).mean() > 0.05
    z = ((first - 0.08) * (other - 0.08)).sum() / 0.08 / np.sqrt(first.size)
    assert abs(z) < 4.0


def test_a_source_does_not_depend_on_how_many_others_there_are():
    few, many = (counts_per_step(n, 300, rate=800.0) for n in (3, 70))
    assert np.array_equal(few, many[:3])


def test_rate_belongs_to_each_cell():
    rates = np.array([0.0, 1.0, 10.0, 100.0, 1000.0, 1e4, 1e5])
    counts = counts_per_step(7, 100000, 0.1, rate=rates).sum(axis=1)
    expected = rates * 10.0
    assert counts[0] == 0
    assert (np.abs(counts - expected) <= 4 * np.sqrt(expected)).all()


@pytest.mark.parametrize("dt", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("rate", [1e4, 1e5])
def test_no_spike_is_stamped_outside_start_to_start_plus_duration(dt, rate):
    start = np.array([0.0, 5.0, 7.0, 20.0])
    duration = np.array([50.0, 10.0, 3.0, 1e10])
    counts = counts_per_step(4, round(60.0 / dt), dt, rate=rate, start=start, duration=duration)
    times = np.arange(1, round(60.0 / dt) + 1) * dt
    for cell in range(4):
        active = (times > start[cell] + 1e-9) & (times < start[cell] + duration[cell] + 1e-9)
        assert not counts[cell, ~active].any()
        assert chi_square_z(counts[cell, active], rate * dt / 1000.0) < 4.0
        if rate * dt / 1000.0 >= 10.0:  # the first and the last step are active, for certain
            assert counts[cell, active][[0, -1]].all()


def chi_square_z(counts, mean):
    """How many standard deviations the total is away from its expectation."""
    return abs(counts.sum() - counts.size * mean) / np.sqrt(counts.size * mean)


def test_zero_duration_gives_no_spike():
    assert not counts_per_step(5, 100, rate=1e5, start=2.0, duration=0.0).any()


def test_a_duration_without_end_lasts():
    counts = counts_per_step(5, 1000, rate=1e4, start=0.0, duration=1e300)
    assert chi_square_z(counts, 1.0) < 4.0


def test_a_changed_rate_acts_at_once():
    sim.setup(timestep=0.1)
    sources = sim.Population(40, sim.SpikeSourcePoisson(rate=0.0))
    sources.record("spikes")
    for rate in (0.0, 1e5, 0.0, 2e4):
        sources.set(rate=rate)
        sim.run(10.0)
    counts = counts_of(sources, 400, 0.1).reshape(40, 4, 100)
    assert not counts[:, [0, 2]].any()
    # 10 expected in each step: none at all in the first would be a late start.
    assert counts[:, 1, 0].all() and counts[:, 1, -1].all()
    assert chi_square_p(counts[:, 1], 10.0) > P_MIN
    assert chi_square_p(counts[:, 3], 2.0) > P_MIN


def test_a_rate_of_one_cell_or_view_can_change_between_runs():
    sim.setup(timestep=0.1)
    sources = sim.Population(6, sim.SpikeSourcePoisson(rate=0.0))
    sources.record("spikes")
    sim.run(5.0)
    sources[2:4].set(rate=1e5)
    sources[5].rate = 1e5
    sim.run(5.0)
    counts = counts_of(sources, 100, 0.1)
    assert counts.any(axis=1).tolist() == [False, False, True, True, False, True]
    assert not counts[:, :50].any()
    assert counts[[2, 3, 5], 50].all()


def test_start_and_duration_can_change_between_runs():
    sim.setup(timestep=0.1)
    sources = sim.Population(3, sim.SpikeSourcePoisson(rate=1e5, duration=2.0))
    sources.record("spikes")
    sim.run(5.0)
    sources.set(start=6.0, duration=1.0)
    sim.run(5.0)
    counts = counts_of(sources, 100, 0.1)
    active = np.flatnonzero(counts.any(axis=0)) + 1
    assert active.tolist() == [*range(1, 21), *range(61, 71)]


def test_several_spikes_of_a_source_in_one_step_are_recorded_and_delivered_several_times():
    sim.setup(timestep=0.1)
    sources = sim.Population(3, sim.SpikeSourcePoisson(rate=3e4))
    sources.record("spikes")
    cells = sim.Population(3, sim.IF_curr_delta(tau_m=1e9, v_thresh=1e12),
                           initial_values={"v": 0.0})
    cells.set(v_rest=0.0, v_reset=0.0)
    cells.record("v")
    sim.Projection(sources, cells, sim.OneToOneConnector(), sim.StaticSynapse(weight=2.0,
                                                                              delay=0.3))
    sim.run(30.0)
    counts = counts_of(sources, 300, 0.1)
    assert (counts > 1).mean() > 0.5
    assert sources.get_spike_counts() == dict(zip(
        sources.all_cells.tolist(), counts.sum(axis=1).tolist()))
    v = cells.get_data("v").segments[0].analogsignals[0].magnitude
    # A leak of 1e9 ms loses below 1e-6 of v; each spike stamped t adds 2 mV at t + 0.3 ms.
    jumps = np.diff(v, axis=0).T
    assert not jumps[:, :3].any()
    assert jumps[:, 3:] == pytest.approx(2.0 * counts[:, :-3], abs=1e-3)


def test_reset_repeats_the_same_spikes():
    sim.setup(timestep=0.1)
    sources = sim.Population(5, sim.SpikeSourcePoisson(rate=500.0))
    sources.record("spikes")
    sim.run(100.0)
    sim.reset()
    sim.run(100.0)
    first, second = sources.get_data().segments
    for a, b in zip(first.spiketrains, second.spiketrains):
        assert len(a) > 20 and np.array_equal(a.magnitude, b.magnitude)


@pytest.mark.parametrize("rate", [3.0, 40.0, 900.0, 8000.0, 23200.0, 70000.0])
def test_cells_with_one_rate_spike_as_they_do_among_cells_with_other_rates(rate):
    # Populations with one rate compare random words with limits, several cells at a time.
    steps = 400 if rate > 100.0 else 20_000
    alike = counts_per_step(37, steps, rate=rate)
    mixed = counts_per_step(37, steps, rate=[rate] * 36 + [rate * 1.5])
    assert alike.sum() > 100
    assert np.array_equal(alike[:36], mixed[:36])


def test_start_and_duration_that_differ_cut_the_same_spikes():
    everything = counts_per_step(9, 300, rate=8000.0)
    start = np.arange(9) * 1.7
    part = counts_per_step(9, 300, rate=8000.0, start=start, duration=5.0)
    stamps = np.arange(1, 301)
    inside = ((stamps > np.rint(start / 0.1)[:, None])
              & (stamps <= np.rint((start + 5.0) / 0.1)[:, None]))
    assert part.any() and np.array_equal(part, np.where(inside, everything, 0))


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("weights", ["one", "many"])
@pytest.mark.parametrize("rate", [3.0, 800.0, 30000.0])
def test_input_one_to_one_is_the_same_whether_its_spikes_are_listed_or_not(rate, weights, threads):
    """Nobody reads the list of a population that is not recorded and has no other synapses."""
    def potentials(listed):
        sim.setup(timestep=0.1, rng_seed=5, threads=threads)
        # More than a block of each thread, and shares that do not begin with four cells.
        size = 803
        sources = sim.Population(size, sim.SpikeSourcePoisson(rate=rate, start=1.0, duration=20.0))
        cells = sim.Population(size, sim.IF_curr_exp(v_thresh=1e9))
        projection = sim.Projection(sources, cells, sim.OneToOneConnector(),
                                    sim.StaticSynapse(weight=0.3, delay=0.7))
        if weights == "many":
            projection.set(weight=list(np.linspace(0.1, 0.4, size)))
        if listed == "recorded":
            sources.record("spikes")
        elif listed == "for another projection":
            others = sim.Population(5, sim.IF_curr_exp())
            sim.Projection(sources, others, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.1))
        cells.record("v")
        sim.run(10.3)
        if listed == "recorded from 10.3 to 15 ms":
            sources.record("spikes")
        sim.run(4.7)
        sources.record(None)
        sim.run(10.0)
        sim.reset()
        sim.run(3.0)
        return [segment.analogsignals[0].magnitude for segment in cells.get_data().segments]

    unlisted = potentials("")
    assert (np.ptp(unlisted[0], axis=1)[30:] > 0.0).all()
    for listed in ("recorded", "recorded from 10.3 to 15 ms", "for another projection"):
        for one, other in zip(unlisted, potentials(listed), strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("size", [1, 4, 5, 11, 17, 29, 33, 70, 2500])
def test_unlisted_input_is_the_same_whatever_the_number_of_cells(size):
    """Steps are counted together, in vectors that steps of few cells do not fill."""
    def potentials(recorded):
        sim.setup(timestep=0.1, rng_seed=7)
        sources = sim.Population(size, sim.SpikeSourcePoisson(rate=4000.0))
        cells = sim.Population(size, sim.IF_curr_exp(v_thresh=1e9))
        sim.Projection(sources, cells, sim.OneToOneConnector(),
                       sim.StaticSynapse(weight=0.3, delay=3.3))
        if recorded:
            sources.record("spikes")
        cells.record("v")
        sim.run(20.0)
        if recorded:
            counts = [len(train) for train in sources.get_data().segments[0].spiketrains]
            assert np.mean(counts) == pytest.approx(80.0, abs=5.0 * np.sqrt(80.0 / size))
        return cells.get_data().segments[0].analogsignals[0].magnitude

    np.testing.assert_array_equal(potentials(False), potentials(True))
