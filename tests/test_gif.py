"""
GIF_cond_exp: adaptation against closed forms, escape against NumPy and renewal arithmetic.

Random tests have a fixed seed, and fail for one seed in 10^4.
"""

import numpy as np
import pyNN.laconeu as sim
import pytest
import scipy.stats
from one_cell import simulate
from pyNN import errors
from pyNN.parameters import Sequence
from pyNN_laconeu.kernels import numerics

TAUS = {"tau_eta": [1.0, 10.0, 100.0], "tau_gamma": [2.0, 30.0, 300.0]}
JUMPS = {"a_eta": [0.3, 0.1, 0.02], "a_gamma": [5.0, 2.0, 0.5]}
VOLLEYS = {"excitatory": ([2.0, 5.0, 5.5, 11.0, 30.0, 31.0, 60.0], [0.6, 0.05, 0.6, 0.01, 0.3, 0.1,
                                                                    0.6]),
           "inhibitory": ([4.0, 30.0, 61.0], [0.2, 0.6, 0.1])}


def kernel(spikes, t, taus, jumps):
    """Sum over spikes and exponentials, [n]: a jump at the spike's own grid point."""
    since = t[:, None] - np.asarray(spikes)[None, :]
    return sum(jump * np.where(since > -1e-9, np.exp(-np.maximum(since, 0.0) / tau), 0.0).sum(1)
               for tau, jump in zip(taus, jumps))


@pytest.mark.parametrize("inputs", [None, VOLLEYS], ids=["", "volleys"])
@pytest.mark.parametrize("dt", [0.1, 0.5, 1.0])
def test_adaptation_follows_its_kernels_given_the_spikes(dt, inputs):
    spikes, signals = simulate(sim.GIF_cond_exp(**TAUS, **JUMPS, i_offset=1.2, lambda0=20.0), dt,
                               400.0, ("i_eta", "v_t"), inputs)
    assert 5 < len(spikes) < 100
    t = np.arange(len(signals["v_t"])) * dt
    expected = kernel(spikes, t, TAUS["tau_eta"], JUMPS["a_eta"])
    assert signals["i_eta"] == pytest.approx(expected, abs=1e-12)
    expected = -48.0 + kernel(spikes, t, TAUS["tau_gamma"], JUMPS["a_gamma"])
    assert signals["v_t"] == pytest.approx(expected, abs=1e-11)


def test_the_adaptation_current_acts_on_v_as_its_integral_says():
    # One exponential, no spikes: i_eta from its initial value decays with 10 ms.
    _, signals = simulate(sim.GIF_cond_exp(tau_eta=[10.0], a_eta=[1.0], lambda0=0.0), 0.1, 100.0,
                          ("v", "i_eta"), i_eta=0.4)
    t = np.arange(1001) * 0.1
    assert signals["i_eta"] == pytest.approx(0.4 * np.exp(-t / 10.0), abs=1e-13)
    # tau_m 20, tau 10, 1 nF
    answer = 0.4 * (np.exp(-t / 10.0) - np.exp(-t / 20.0)) / (1.0 / 20.0 - 1.0 / 10.0)
    assert signals["v"] == pytest.approx(-65.0 - answer, abs=1e-7)


def test_an_initial_v_t_decays_to_v_t_star():
    _, signals = simulate(sim.GIF_cond_exp(tau_gamma=[10.0], a_gamma=[1.0], lambda0=0.0,
                                           v_t_star=-45.0), 0.1, 50.0, ("v_t",), v_t=-40.0)
    t = np.arange(501) * 0.1
    assert signals["v_t"] == pytest.approx(-45.0 + 5.0 * np.exp(-t / 10.0), abs=1e-12)


def test_without_initialize_v_t_begins_at_v_t_star():
    sim.setup(timestep=0.1)
    cells = sim.Population(3, sim.GIF_cond_exp(v_t_star=[-40.0, -48.0, -30.3], lambda0=0.0))
    given = sim.Population(1, sim.GIF_cond_exp(v_t_star=-30.0), initial_values={"v_t": -48.0})
    for population in (cells, given):
        population.record("v_t")
    for segment in (0, 1):
        sim.run(1.0)
        v_t = cells.get_data().segments[segment].analogsignals[0].magnitude
        assert (v_t == [-40.0, -48.0, -30.3]).all()
        v_t = given.get_data().segments[segment].analogsignals[0].magnitude[:, 0]
        assert v_t == pytest.approx(-30.0 - 18.0 * np.exp(-np.arange(11) * 0.1), abs=1e-12)
        sim.reset()


# --- limits ------------------------------------------------------------------------------------

@pytest.mark.parametrize("current", [None, ([3.0, 47.0, 70.0], [0.5, -0.3, 1.5])],
                         ids=["", "steps"])
@pytest.mark.parametrize("dt", [0.1, 0.25, 1.0])
def test_with_lambda0_0_it_never_spikes_and_has_the_membrane_of_if_cond_exp(dt, current):
    _, expected = simulate(sim.IF_cond_exp(v_thresh=1e9, i_offset=3.0), dt, 100.0, inputs=VOLLEYS,
                           current=current)
    spikes, v = simulate(sim.GIF_cond_exp(lambda0=0.0, i_offset=3.0), dt, 100.0, inputs=VOLLEYS,
                         current=current)
    assert len(spikes) == 0 and v["v"].max() > -40.0
    # the same solver, its drives added up in another order: rounding of 100 mV
    assert v["v"] == pytest.approx(expected["v"], abs=1e-11)


@pytest.mark.parametrize("tau_refrac, held", [(0.0, 0), (0.1, 1), (4.0, 40), (2.04, 21)])
def test_with_lambda0_huge_it_spikes_as_soon_as_it_may(tau_refrac, held):
    spikes, signals = simulate(sim.GIF_cond_exp(
        lambda0=1e300, tau_refrac=tau_refrac, a_eta=[0.0], tau_eta=[1.0], a_gamma=[0.0],
        tau_gamma=[1.0]), 0.1, 20.0)
    # clamped for `held` steps, the last of which may not spike
    assert np.rint(spikes / 0.1).astype(int).tolist() == list(range(1, 201, held + 1))
    assert (signals["v"][np.rint(spikes / 0.1).astype(int)] == -65.0).all()


def test_a_sharp_threshold_is_that_of_the_lif():
    expected, _ = simulate(sim.IF_cond_exp(v_thresh=-48.0, tau_refrac=4.0, i_offset=1.3), 0.1,
                           200.0)
    spikes, _ = simulate(sim.GIF_cond_exp(
        delta_v=1e-9, i_offset=1.3, a_eta=[0.0], tau_eta=[1.0], a_gamma=[0.0], tau_gamma=[1.0],
        lambda0=1e4), 0.1, 200.0)
    assert len(expected) > 4
    assert spikes.tolist() == expected.tolist()


def test_it_can_be_made_without_any_adaptation():
    none = {"tau_eta": [], "a_eta": [], "tau_gamma": [], "a_gamma": []}
    zero = {"tau_eta": [1.0], "a_eta": [0.0], "tau_gamma": [1.0], "a_gamma": [0.0]}
    results = [simulate(sim.GIF_cond_exp(lambda0=100.0, i_offset=1.5, **p), 0.1, 200.0,
                        ("v", "i_eta", "v_t")) for p in (none, zero)]
    assert len(results[0][0]) > 5
    assert results[0][0].tolist() == results[1][0].tolist()
    for name in ("v", "i_eta", "v_t"):
        assert results[0][1][name].tolist() == results[1][1][name].tolist()


@pytest.mark.parametrize("n_eta, n_gamma", [(4, 3), (3, 4), (5, 6)])
def test_terms_without_jumps_change_no_bit(n_eta, n_gamma):
    # three terms of each kind have one loop, more of them one for each
    def terms(values, absent, n):
        return [*values, *[absent] * (n - 3)]
    results = [simulate(sim.GIF_cond_exp(
        lambda0=20.0, i_offset=1.5, tau_eta=terms(TAUS["tau_eta"], 5.0, eta),
        a_eta=terms(JUMPS["a_eta"], 0.0, eta), tau_gamma=terms(TAUS["tau_gamma"], 5.0, gamma),
        a_gamma=terms(JUMPS["a_gamma"], 0.0, gamma)), 0.1, 300.0, ("v", "i_eta", "v_t"), VOLLEYS)
        for eta, gamma in ((3, 3), (n_eta, n_gamma))]
    assert len(results[0][0]) > 5
    assert results[0][0].tolist() == results[1][0].tolist()
    for name in ("v", "i_eta", "v_t"):
        assert results[0][1][name].tolist() == results[1][1][name].tolist()


def test_cells_may_have_different_numbers_of_kernels():
    sim.setup(timestep=0.1)
    cells = sim.Population(2, sim.GIF_cond_exp(
        tau_eta=[Sequence([10.0]), Sequence([1.0, 10.0, 100.0])], lambda0=0.0,
        a_eta=[Sequence([1.0]), Sequence([0.0, 1.0, 0.0])]))
    cells.initialize(i_eta=0.5)
    cells.record(["i_eta", "v"])
    sim.run(20.0)
    segment = cells.get_data().segments[0]
    # what initialize() gives goes to the first kernel
    i_eta = segment.filter(name="i_eta")[0].magnitude
    t = np.arange(201) * 0.1
    assert i_eta[:, 0] == pytest.approx(0.5 * np.exp(-t / 10.0), abs=1e-13)
    assert i_eta[:, 1] == pytest.approx(0.5 * np.exp(-t / 1.0), abs=1e-13)


# --- the escape rate ---------------------------------------------------------------------------

def spikes_of(n, t_stop, dt=0.1, seed=1, threads=1, **parameters):
    """[spike times of each cell]."""
    sim.setup(timestep=dt, rng_seed=seed, threads=threads)
    cells = sim.Population(n, sim.GIF_cond_exp(**parameters))
    cells.record("spikes")
    sim.run(t_stop)
    return [train.magnitude for train in cells.get_data().segments[0].spiketrains]


NO_ADAPTATION = {"tau_eta": [1.0], "a_eta": [0.0], "tau_gamma": [1.0], "a_gamma": [0.0]}


@pytest.mark.parametrize("dt", [0.1, 1.0])
def test_a_membrane_at_rest_is_a_poisson_process_with_dead_time(dt):
    # v = v_reset = v_rest = v_t: the rate is lambda0 whatever happens.
    rate, held = 200.0, 4.0
    trains = spikes_of(200, 2000.0, dt, v_t_star=-65.0, lambda0=rate, tau_refrac=held,
                       **NO_ADAPTATION)
    intervals = np.concatenate([np.diff(train) for train in trains])
    steps = np.rint((intervals - held) / dt).astype(int)
    assert steps.min() == 1
    p = -np.expm1(-1e-3 * rate * dt)
    edges = np.unique(scipy.stats.geom.ppf(np.linspace(0.0, 1.0, 21)[1:-1], p))
    observed = np.bincount(np.searchsorted(edges, steps), minlength=len(edges) + 1)
    expected = np.diff(scipy.stats.geom.cdf(edges, p), prepend=0.0, append=1.0) * len(steps)
    # end effects: intervals cut off by the end are the long ones; 1 in 200
    assert scipy.stats.chisquare(observed, expected).pvalue > 1e-4
    counts = np.array([len(train) for train in trains])
    mean = 2000.0 / (held + dt / p)
    assert counts.mean() == pytest.approx(mean, abs=4.0 * np.sqrt(mean / 200))


def drawn(neuron, step, seed, population):
    """The hazard that a neuron which draws at this step takes until its next spike."""
    # 4 is the purpose of the stream
    words = numerics.philox((neuron, step, 0, 0), (seed ^ 4 << 24, population))
    return -numerics.log(((words[0] << 32 | words[1]) // 2 ** 12 + 0.5) * 2.0 ** -52)


def spikes_under(hazard, neuron, seed, population):
    """Steps at which a neuron spikes whose hazard in each step is `hazard` [n_steps]."""
    steps, left = [], drawn(neuron, 0, seed, population)
    for step, amount in enumerate(hazard, 1):
        left -= amount
        if left <= 0.0:
            steps.append(step)
            left = drawn(neuron, step, seed, population)
    return steps


def resting(n, **parameters):
    """Cells that stay at v_t: their rate is lambda0 whatever happens."""
    return sim.Population(n, sim.GIF_cond_exp(
        **{"v_t_star": -65.0, "tau_refrac": 0.0, **NO_ADAPTATION, **parameters}))


def steps_of(population, segment=0):
    """[steps of the spikes of each cell], 0.1 ms each."""
    return [np.rint(train.magnitude / 0.1).astype(int).tolist()
            for train in population.get_data().segments[segment].spiketrains]


@pytest.mark.parametrize("threads", [1, 3])
def test_what_is_drawn_is_a_function_of_seed_population_neuron_and_the_last_spike_s_step(threads):
    n, rate, seed = 301, 1000.0, 5
    sim.setup(timestep=0.1, rng_seed=seed, threads=threads)
    sim.Population(1, sim.IF_cond_exp())  # so that its number among populations is 1
    cells = resting(n, lambda0=rate)
    cells.record("spikes")
    sim.run(10.0)
    expected = [spikes_under(np.full(100, 1e-4 * rate), i, seed, 1) for i in range(n)]
    assert sum(map(len, expected)) > 2000
    assert steps_of(cells) == expected


def test_a_rate_that_changes_between_runs_uses_up_what_is_left():
    # and reset() draws as at first
    rates = np.repeat([1000.0, 0.0, 3000.0, 200.0], 50)
    sim.setup(timestep=0.1, rng_seed=6)
    cells = resting(150)
    cells.record("spikes")
    for _ in (0, 1):
        for rate in rates[::50]:
            cells.set(lambda0=rate)
            sim.run(5.0)
        sim.reset()
    expected = [spikes_under(1e-4 * rates, i, 6, 0) for i in range(150)]
    assert sum(map(len, expected)) > 2000
    assert steps_of(cells, 0) == expected and steps_of(cells, 1) == expected
    assert not any(50 < step <= 100 for steps in expected for step in steps)


def test_cells_made_between_runs_draw_their_first_number_then():
    sim.setup(timestep=0.1, rng_seed=6)
    resting(10)
    sim.run(3.0)
    cells = resting(100, lambda0=1000.0)
    cells.record("spikes")
    sim.run(5.0)
    for i, steps in enumerate(steps_of(cells)):
        expected = 30 + int(np.ceil(drawn(i, 30, 6, 1) / 0.1))
        assert (steps[0] == expected) if expected <= 80 else not steps, i


def test_cutting_a_run_into_pieces_changes_no_bit():
    results = []
    for pieces in ([60.0], [0.1] * 30 + [7.3, 49.7]):
        sim.setup(timestep=0.1, rng_seed=3, threads=2)
        cells = sim.Population(203, sim.GIF_cond_exp(i_offset=1.5, lambda0=20.0, tau_eta=[5.0, 9.0],
                                                     a_eta=[0.1, 0.2]))
        cells.record(["spikes", "v", "i_eta", "v_t"])
        for piece in pieces:
            sim.run(piece)
        segment = cells.get_data().segments[0]
        results.append(([train.magnitude.tolist() for train in segment.spiketrains],
                        [signal.magnitude.tolist() for signal in segment.analogsignals]))
    assert sum(map(len, results[0][0])) > 203
    assert results[0] == results[1]


def test_what_is_left_is_no_variable_of_the_cell():
    sim.setup(timestep=0.1)
    cells = resting(1)
    assert not any("hazard" in name for name in cells.celltype.recordable)
    with pytest.raises(errors.RecordingError, match="hazard_left"):
        cells.record("hazard_left")
    with pytest.raises(errors.NonExistentParameterError, match="hazard_left"):
        cells.initialize(hazard_left=1.0)


def test_after_an_infinite_rate_a_cell_goes_on_as_others_do():
    # (v - v_t) / delta_v overflows, then the hazard
    sim.setup(timestep=0.1, rng_seed=6)
    cells = resting(100, v_t_star=-1e300, delta_v=1e-9, lambda0=1e300)
    cells.record(["spikes", "v"])
    sim.run(1.0)
    cells.set(v_t_star=-65.0, delta_v=0.5, lambda0=1000.0)
    sim.run(9.0)
    expected = [list(range(1, 11)) for _ in range(100)]
    for i, steps in enumerate(expected):
        left = drawn(i, 10, 6, 0)
        for step in range(11, 101):
            left -= 0.1
            if left <= 0.0:
                steps.append(step)
                left = drawn(i, step, 6, 0)
    assert steps_of(cells) == expected
    v = cells.get_data().segments[0].analogsignals[0].magnitude
    assert (v == -65.0).all()


def test_one_number_is_drawn_for_each_spike_and_they_are_exponentially_distributed():
    # at 1 % per step the steps to a spike are geometrically distributed, whatever came before
    n, p = 500, -np.expm1(-0.01)
    sim.setup(timestep=0.1, rng_seed=8)
    cells = resting(n, lambda0=100.0)
    cells.record("spikes")
    sim.run(400.0)
    trains = steps_of(cells)
    edges = np.unique(scipy.stats.geom.ppf(np.linspace(0.0, 1.0, 31)[1:-1], p))
    # of cells with 20 spikes and more the first 20 intervals: what the end cuts off is not missing
    assert min(map(len, trains)) >= 20
    first = np.concatenate([np.diff([0, *train[:20]]) for train in trains])
    for steps in (first, np.array([train[0] for train in trains])):
        observed = np.bincount(np.searchsorted(edges, steps), minlength=len(edges) + 1)
        law = np.diff(scipy.stats.geom.cdf(edges, p), prepend=0.0, append=1.0) * len(steps)
        assert scipy.stats.chisquare(observed, law).pvalue > 1e-4
    mean = n * 4000 * p
    assert sum(map(len, trains)) == pytest.approx(mean, abs=4.0 * np.sqrt(mean))
    numbers = np.array([drawn(i, step, 8, 0) for i, train in enumerate(trains)
                        for step in (0, *train)])
    assert scipy.stats.kstest(numbers, "expon").pvalue > 1e-4


@pytest.mark.parametrize("v", [-66.0, -65.0, -64.0])
def test_the_rate_is_exponential_in_v_minus_v_t(v):
    # a huge capacity holds v
    sim.setup(timestep=0.1, rng_seed=3)
    cells = sim.Population(2000, sim.GIF_cond_exp(
        v_rest=v, v_reset=v, v_t_star=-65.0, delta_v=0.8, lambda0=50.0, tau_refrac=0.0,
        **NO_ADAPTATION), initial_values={"v": v})
    cells.record("spikes")
    sim.run(100.0)
    n = sum(cells.get_spike_counts().values())
    p = -np.expm1(-1e-4 * 50.0 * np.exp((v + 65.0) / 0.8))
    trials = 2000 * 1000
    assert abs(n - trials * p) < 4.0 * np.sqrt(trials * p * (1.0 - p))


def numpy_simulation(n, t_stop, dt, seed, p):
    """[spike times of each cell] under a constant current, by another generator."""
    rng = np.random.default_rng(seed)
    v, refractory = np.full(n, p["v_rest"]), np.zeros(n, int)
    eta, gamma = np.zeros((3, n)), np.zeros((3, n))
    trains = [[] for _ in range(n)]
    decay = np.exp(-dt / p["tau_m"])
    held = int(np.ceil(p["tau_refrac"] / dt - 1e-6))
    fine = np.linspace(0.0, dt, 5)[:, None]
    boole = np.array([7.0, 32.0, 12.0, 32.0, 7.0])[:, None] * dt / 90.0
    for step in range(1, round(t_stop / dt) + 1):
        # variation of constants, the adaptation current by Boole's rule
        drive = sum(eta[k] * np.exp(-fine / p["tau_eta"][k]) for k in range(3))
        push = (boole * np.exp(-(dt - fine) / p["tau_m"]) * (p["i_offset"] - drive)).sum(0)
        v_free = p["v_rest"] + decay * (v - p["v_rest"]) + push / p["cm"]
        ready = refractory == 0
        v = np.where(ready, v_free, p["v_reset"])
        refractory = np.maximum(refractory - 1, 0)
        for k in range(3):
            eta[k] *= np.exp(-dt / p["tau_eta"][k])
            gamma[k] *= np.exp(-dt / p["tau_gamma"][k])
        hazard = 1e-3 * dt * p["lambda0"] * np.exp((v - p["v_t_star"] - gamma.sum(0))
                                                   / p["delta_v"])
        spiking = ready & (rng.random(n) < -np.expm1(-hazard))
        for i in np.flatnonzero(spiking):
            trains[i].append(step * dt)
        v[spiking], refractory[spiking] = p["v_reset"], held
        for k in range(3):
            eta[k, spiking] += p["a_eta"][k]
            gamma[k, spiking] += p["a_gamma"][k]
    return [np.array(train) for train in trains]


@pytest.mark.parametrize("dt", [0.1, 0.5])
def test_rates_and_intervals_are_those_of_an_independent_simulation(dt):
    own = {"i_offset": 1.5, "delta_v": 1.5, "lambda0": 10.0, **TAUS, **JUMPS}
    p = {**sim.GIF_cond_exp.default_parameters, **own}
    n, t_stop = 400, 600.0
    ours = spikes_of(n, t_stop, dt, seed=11, **own)
    theirs = numpy_simulation(n, t_stop, dt, 12, p)
    counts = [np.array([len(train) for train in trains]) for trains in (ours, theirs)]
    assert counts[1].mean() > 10.0
    assert scipy.stats.ttest_ind(*counts).pvalue > 1e-4
    assert scipy.stats.ks_2samp(*([train[0] for train in trains] for trains in (ours, theirs))
                                ).pvalue > 1e-4
    # intervals of one order, so that they are independent of each other
    for k in (0, 1, 2, 8):
        intervals = [[train[k + 1] - train[k] for train in trains if len(train) > k + 1]
                     for trains in (ours, theirs)]
        assert scipy.stats.ks_2samp(*intervals).pvalue > 1e-4, k


def test_seeds_decide_and_threads_do_not():
    own = {"i_offset": 1.5, "delta_v": 1.5, "lambda0": 10.0}
    first = [train.tolist() for train in spikes_of(700, 100.0, **own)]
    assert sum(map(len, first)) > 700
    for threads in (1, 2, 3):
        assert [train.tolist() for train in spikes_of(700, 100.0, threads=threads, **own)] == first
    assert [train.tolist() for train in spikes_of(700, 100.0, seed=2, **own)] != first


def test_cells_and_populations_draw_independently():
    sim.setup(timestep=0.1, rng_seed=1)
    populations = [sim.Population(500, sim.GIF_cond_exp(
        v_t_star=-65.0, lambda0=100.0, tau_refrac=0.0, **NO_ADAPTATION)) for _ in range(2)]
    for cells in populations:
        cells.record("spikes")
    sim.run(50.0)
    raster = np.zeros((1000, 501))
    for k, cells in enumerate(populations):
        for i, train in enumerate(cells.get_data().segments[0].spiketrains):
            raster[500 * k + i, np.rint(train.magnitude / 0.1).astype(int)] = 1.0
    p = -np.expm1(-1e-3 * 0.1 * 100.0)
    pairs = 999 * 500  # neighbours, and the same index in both
    together = (raster[1:] * raster[:-1]).sum()
    assert abs(together - pairs * p * p) < 4.0 * np.sqrt(pairs * p * p)
    together = (raster[:500] * raster[500:]).sum()
    assert abs(together - 250000 * p * p) < 4.0 * np.sqrt(250000 * p * p)
    later = (raster[:, 1:] * raster[:, :-1]).sum()
    assert abs(later - 499000 * p * p) < 4.0 * np.sqrt(499000 * p * p)
