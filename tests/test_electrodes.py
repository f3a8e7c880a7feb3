"""Current sources: when a current acts, on which cells, and what is refused.

The level during each step is read off v, whose response is exact: the step tables below are
those of pyNN.nest 3.10 (on_grid) and pyNN.neuron 9.0.2, see standardmodels/electrodes.py.
"""

import copy
import time

import neo
import numpy as np
import pyNN.laconeu as sim
import pyNN.random
import pytest
import quantities as pq
import scipy.stats
from pyNN import errors
from pyNN.parameters import ParameterSpace, Sequence

TAU_M, CM = 20.0, 1.0


def membrane(n=1, dt=0.1, new=True):
    if new:
        sim.setup(timestep=dt)
    p = sim.Population(n, sim.IF_curr_exp(tau_m=TAU_M, cm=CM, v_rest=0.0, v_reset=0.0,
                                          v_thresh=1e6), initial_values={"v": 0.0}, label="cells")
    p.record("v")
    return p


def potential(p):
    """v [n_samples, n_cells] of the last segment."""
    return p.get_data("v").segments[-1].analogsignals[0].magnitude


def levels(p, cell=0):
    """The current into a cell during each step, nA, from its potential."""
    v = potential(p)[:, cell]
    decay = np.exp(-sim.get_time_step() / TAU_M)
    return (v[1:] - decay * v[:-1]) / ((1 - decay) * TAU_M / CM)


def changes(p, cell=0):
    """[(step, level from then on)] of the current into a cell, from its potential."""
    level = np.round(levels(p, cell), 6) + 0.0
    starts = np.flatnonzero(np.diff(level, prepend=0.0))
    return [(int(k), float(level[k])) for k in starts]


def dc(start, stop):
    return sim.DCSource(start=start, stop=stop, amplitude=1.0)


def steps(times, amplitudes=(1.0, 2.0, 3.0, 4.0, 5.0)):
    return sim.StepCurrentSource(times=times, amplitudes=amplitudes[:len(times)])


# --- when --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dt, make, expected", [
    # on the grid: the step that begins at `start` is the first with current
    (0.1, lambda: dc(2.0, 5.0), [(20, 1.0), (50, 0.0)]),
    (0.5, lambda: dc(2.0, 5.0), [(4, 1.0), (10, 0.0)]),
    (0.1, lambda: dc(0.1, 5.0), [(1, 1.0), (50, 0.0)]),
    (0.1, lambda: dc(2.0, 2.0), []),
    # from t = 0 on, as NEURON and PyNN's documentation have it
    (0.1, lambda: dc(0.0, 5.0), [(0, 1.0), (50, 0.0)]),
    (0.1, lambda: sim.DCSource(), [(0, 1.0)]),
    (0.5, lambda: steps([0.0, 2.0, 5.0]), [(0, 1.0), (4, 2.0), (10, 3.0)]),
    (0.1, lambda: steps([0.0, 0.1, 0.2, 0.3]), [(0, 1.0), (1, 2.0), (2, 3.0), (3, 4.0)]),
    # between grid points: the nearest
    (0.1, lambda: dc(2.04, 5.06), [(20, 1.0), (51, 0.0)]),
    (0.5, lambda: dc(2.24, 5.26), [(4, 1.0), (11, 0.0)]),
    (0.1, lambda: steps([0.04, 2.04, 5.06]), [(0, 1.0), (20, 2.0), (51, 3.0)]),
    (0.1, lambda: steps([0.06, 2.24, 5.26]), [(1, 1.0), (22, 2.0), (53, 3.0)]),
    (0.5, lambda: steps([0.06, 2.24, 5.26]), [(0, 1.0), (4, 2.0), (11, 3.0)]),
    (0.5, lambda: steps([2.25, 5.75]), [(4, 1.0), (12, 2.0)]),
    # several within one step: the last
    (0.1, lambda: steps([2.01, 2.02, 2.03, 2.04, 5.0]), [(20, 4.0), (50, 5.0)]),
    (0.1, lambda: steps([0.0, 0.01, 0.02, 5.0]), [(0, 3.0), (50, 4.0)]),
    (0.1, lambda: steps([]), []),
])
def test_a_current_acts_from_the_nearest_grid_point_on(dt, make, expected):
    p = membrane(dt=dt)
    p.inject(make())
    sim.run(8.0)
    assert changes(p) == expected


@pytest.mark.parametrize("change, expected", [
    (dict(amplitude=3.0), [(10, 1.0), (30, 3.0), (50, 0.0)]),
    (dict(start=4.0, stop=6.0), [(10, 1.0), (30, 0.0), (40, 1.0), (60, 0.0)]),
    (dict(stop=2.0), [(10, 1.0), (30, 0.0)]),
])
def test_a_dc_source_changed_between_runs_changes_at_once(change, expected):
    p = membrane()
    source = dc(1.0, 5.0)
    source.inject_into(p)
    sim.run(3.0)
    source.set_parameters(**change)
    sim.run(5.0)
    assert changes(p) == expected


@pytest.mark.parametrize("times, expected", [
    ([1.0, 4.0, 6.0], [(20, 1.0), (30, 7.0), (40, 8.0), (60, 9.0)]),
    ([3.0, 4.0, 6.0], [(20, 1.0), (30, 7.0), (40, 8.0), (60, 9.0)]),
    ([5.0, 6.0, 7.0], [(20, 1.0), (30, 0.0), (50, 7.0), (60, 8.0), (70, 9.0)]),
    ([0.0, 1.0, 2.0], [(20, 1.0), (30, 9.0)]),
])
def test_new_steps_set_between_runs_hold_as_if_always_there(times, expected):
    p = membrane()
    source = steps([2.0, 5.0])
    source.inject_into(p)
    sim.run(3.0)
    source.set_parameters(times=times, amplitudes=[7.0, 8.0, 9.0])
    sim.run(5.0)
    assert changes(p) == expected


def test_a_source_made_or_injected_between_runs_acts_from_then_on():
    p = membrane(2)
    source = sim.DCSource(amplitude=1.0)
    source.inject_into(p[0:1])
    sim.run(3.0)
    source.inject_into(p[1:2])
    steps([0.0, 5.0]).inject_into(p[0:1])
    sim.run(5.0)
    assert changes(p, 0) == [(0, 1.0), (30, 2.0), (50, 3.0)]
    assert changes(p, 1) == [(30, 1.0)]


def test_runs_in_parts_and_reset_repeat_the_current():
    p = membrane()
    steps([0.04, 1.0, 2.17]).inject_into(p)
    for duration in (0.1, 0.9, 0.1, 3.9):
        sim.run(duration)
    expected = changes(p)
    sim.reset()
    sim.run(5.0)
    assert changes(p) == expected == [(0, 1.0), (10, 2.0), (22, 3.0)]


def test_forty_thousand_steps_are_taken_in_one_go():
    sim.setup(timestep=0.5)
    times = np.arange(0, 20_000, 0.5)
    amplitudes = 1.0 * (np.sin(2 * np.pi * times / 200) > 0.8)
    began = time.perf_counter()
    source = sim.StepCurrentSource(times=times, amplitudes=amplitudes)
    np.testing.assert_array_equal(source.levels(0, 40_000), amplitudes)
    assert time.perf_counter() - began < 0.1
    np.testing.assert_array_equal(source.levels(39_990, 20)[10:], amplitudes[-1])


# --- sines -------------------------------------------------------------------------------------


def sine(step, dt, amplitude=1.0, offset=0.0, frequency=10.0, phase=0.0):
    """The level during steps `step` after the start."""
    return offset + amplitude * np.sin(2e-3 * np.pi * frequency * dt * step + np.radians(phase))


WAVE = dict(amplitude=0.7, offset=-0.2, frequency=130.0, phase=35.0)


@pytest.mark.parametrize("dt, start, stop, on", [
    (0.1, 0.0, 8.0, (0, 80)),
    (0.1, 2.0, 5.0, (20, 50)),
    (0.5, 2.0, 5.0, (4, 10)),
    # between grid points: from the nearest on, which is also where the phase counts from
    (0.1, 2.04, 5.06, (20, 51)),
    (0.5, 2.26, 5.24, (5, 10)),
    (0.1, 2.0, 2.0, (20, 20)),
    (0.1, 2.0, np.inf, (20, 80)),
])
def test_a_sine_is_sampled_when_a_step_begins_and_its_phase_counts_from_start(dt, start, stop, on):
    p = membrane(dt=dt)
    p.inject(sim.ACSource(start=start, stop=stop, **WAVE))
    sim.run(8.0)
    step = np.arange(round(8.0 / dt))
    expected = np.where((on[0] <= step) & (step < on[1]), sine(step - on[0], dt, **WAVE), 0.0)
    np.testing.assert_allclose(levels(p), expected, rtol=0.0, atol=1e-11)  # v / 20 Mohm / (1 - d)


def test_the_defaults_are_those_of_pynn():
    sim.setup()
    np.testing.assert_allclose(sim.ACSource().levels(0, 2000), sine(np.arange(2000), 0.1),
                               rtol=0.0, atol=1e-13)


def test_a_membrane_follows_a_sine_as_the_closed_form_says():
    dt, n = 0.1, 3000
    p = membrane(dt=dt)
    p.inject(sim.ACSource(**WAVE))
    sim.run(n * dt)
    # v_n = R (1 - d) sum over j < n of d^(n-1-j) I_j, a geometric series for a held sine
    k, d = np.arange(n + 1), np.exp(-dt / TAU_M)
    turn = np.exp(2e-3j * np.pi * WAVE["frequency"] * dt)
    wave = np.exp(1j * np.radians(WAVE["phase"])) * (turn ** k - d ** k) / (turn - d)
    expected = TAU_M / CM * (WAVE["amplitude"] * (1 - d) * wave.imag
                             + WAVE["offset"] * (1 - d ** k))
    np.testing.assert_allclose(potential(p)[:, 0], expected, rtol=0.0, atol=1e-11)


def test_a_held_sine_approaches_the_continuous_one_with_the_step():
    omega = 2e-3 * np.pi * 20.0
    errors_at = []
    for dt in (0.2, 0.1, 0.05):
        p = membrane(dt=dt)
        p.inject(sim.ACSource(amplitude=1.0, frequency=20.0))
        sim.run(100.0)
        t = dt * np.arange(round(100.0 / dt) + 1)
        exact = (TAU_M / CM / (1 + (omega * TAU_M) ** 2)
                 * (np.sin(omega * t) + omega * TAU_M * (np.exp(-t / TAU_M) - np.cos(omega * t))))
        errors_at.append(np.abs(potential(p)[:, 0] - exact).max())
    # held from the beginning of a step it is half a step late: first order
    assert errors_at[1] < 0.5 * 0.1 * omega * TAU_M / CM
    np.testing.assert_allclose(np.divide(errors_at[:-1], errors_at[1:]), 2.0, atol=0.02)


def test_whole_turns_of_phase_make_no_difference_and_a_quarter_turn_is_a_cosine():
    sim.setup()
    once = sim.ACSource(**WAVE).levels(0, 5000)
    for turns in (360.0, -720.0):
        again = sim.ACSource(**{**WAVE, "phase": WAVE["phase"] + turns}).levels(0, 5000)
        np.testing.assert_array_equal(again, once)
    assert sim.ACSource(phase=90.0, amplitude=0.3).levels(0, 1) == [0.3]
    assert sim.ACSource(phase=180.0, amplitude=0.3, offset=0.1).levels(0, 1) == [0.1]


def test_the_highest_frequency_is_half_the_steps_per_second():
    sim.setup(timestep=0.1)
    highest = sim.ACSource(frequency=5000.0, phase=90.0)
    np.testing.assert_allclose(highest.levels(0, 6), [1, -1, 1, -1, 1, -1])
    with pytest.raises(errors.InvalidParameterValueError, match="ACSource.*frequency.*5001"):
        highest.frequency = 5001.0
    sim.setup(timestep=0.5)
    with pytest.raises(errors.InvalidParameterValueError, match="frequency.*1000 Hz"):
        sim.ACSource(frequency=1100.0)


# --- noise -------------------------------------------------------------------------------------


def noise(**parameters):
    return sim.NoisyCurrentSource(**{"mean": 0.3, "stdev": 0.5, **parameters})


@pytest.mark.parametrize("dt, interval, start, stop, first, every, last", [
    (0.1, 0.5, 1.0, 4.0, 10, 5, 40),
    (0.1, 0.1, 0.0, 4.0, 0, 1, 40),
    (0.5, 1.5, 1.0, 6.0, 2, 3, 12),
    # start and stop between grid points: the nearest; the last interval may be cut short
    (0.1, 0.7, 1.04, 3.96, 10, 7, 40),
    (0.1, 0.3, 0.96, 2.2, 10, 3, 22),
])
def test_a_level_of_noise_holds_for_its_dt_the_first_from_start_on(dt, interval, start, stop,
                                                                   first, every, last):
    p = membrane(dt=dt)
    p.inject(noise(start=start, stop=stop, dt=interval))
    sim.run(8.0)
    at, value = np.transpose(changes(p))
    assert at.tolist() == [*range(first, last, every), last]
    assert value[-1] == 0.0 and len(set(value)) == len(value)


@pytest.mark.parametrize("dt, interval", [(0.1, 0.1), (0.1, 1.0), (0.5, 2.5)])
def test_the_noise_has_the_mean_and_deviation_asked_for_whatever_its_dt(dt, interval):
    sim.setup(timestep=dt)
    every, n = round(interval / dt), 100_000
    level = noise(dt=interval).levels(0, n * every).reshape(n, every)
    assert (level == level[:, :1]).all()
    x = level[:, 0]
    assert scipy.stats.kstest(x, "norm", (0.3, 0.5)).pvalue > 0.01
    assert abs(x.mean() - 0.3) < 4 * 0.5 / np.sqrt(n)
    assert abs(x.std() - 0.5) < 4 * 0.5 / np.sqrt(2 * n)
    for lag in (1, 2, 5):  # standard error 1 / sqrt(n)
        assert abs(np.corrcoef(x[lag:], x[:-lag])[0, 1]) < 4 / np.sqrt(n)


def test_the_noise_of_a_membrane_has_the_variance_that_theory_gives():
    dt, interval, n_cells = 0.1, 1.0, 1000
    p = membrane(n_cells, dt=dt)
    for cell in p:
        cell.inject(noise(dt=interval))
    sim.run(200.0)  # ten time constants
    v = potential(p)[-1]
    # each interval adds R (1 - a) of its level, a = exp(-interval / tau); stationary AR(1)
    a = np.exp(-interval / TAU_M)
    stdev = TAU_M / CM * 0.5 * np.sqrt((1 - a) / (1 + a))
    assert abs(v.std() - stdev) < 4 * stdev / np.sqrt(2 * n_cells)
    assert abs(v.mean() - TAU_M / CM * 0.3) < 4 * stdev / np.sqrt(n_cells) + 0.3e-3


def test_the_cells_of_one_source_share_its_noise_and_those_of_two_do_not():
    p, q = membrane(3), membrane(2, new=False)
    shared = noise()
    shared.inject_into(p[:2] + q[1:])
    noise().inject_into(p[2:])
    sim.run(200.0)
    one, other = levels(p), levels(p, 2)
    np.testing.assert_array_equal(potential(p)[:, 0], potential(p)[:, 1])
    np.testing.assert_array_equal(potential(p)[:, 0], potential(q)[:, 1])
    assert abs(np.corrcoef(one, other)[0, 1]) < 4 / np.sqrt(one.size)


@pytest.mark.parametrize("make", [lambda: None, lambda: sim.NativeRNG(3),
                                  lambda: sim.NumpyRNG(3)], ids=["none", "native", "numpy"])
def test_the_noise_is_the_same_for_threads_pieces_recording_and_reset(make):
    def run(pieces=(30.0,), threads=1, recorded=False, reset=False):
        sim.setup(timestep=0.1, threads=threads)
        p = membrane(300, new=False)
        source = noise(start=2.0, dt=0.3, rng=make())
        source.inject_into(p[1:])
        if recorded:
            source.record()
        for piece in pieces:
            sim.run(piece)
            if recorded:
                source.get_data()
        if reset:
            sim.reset()
            sim.run(30.0)
        return potential(p).tobytes()

    expected = run()
    for options in (dict(threads=2), dict(threads=3), dict(pieces=[0.1] * 25 + [17.3, 10.2]),
                    dict(recorded=True), dict(reset=True), dict(pieces=[1.7], reset=True),
                    dict(pieces=[29.9, 0.1], threads=2, recorded=True, reset=True)):
        assert run(**options) == expected, options


def test_levels_do_not_depend_on_the_slices_that_are_asked_for():
    draw = np.random.RandomState(1)
    for make in (lambda: noise(dt=0.7, start=1.0), lambda: noise(dt=0.7, rng=sim.NumpyRNG(5)),
                 lambda: sim.ACSource(start=3.0, **WAVE)):
        sim.setup()
        whole = make().levels(0, 4000)
        sim.setup()
        source = make()
        for first, last in np.sort(draw.randint(0, 4001, (50, 2))):
            np.testing.assert_array_equal(source.levels(first, last - first), whole[first:last])


def test_the_seed_of_setup_or_of_a_native_rng_decides_the_noise():
    def of(rng_seed=42, rng=None, before=0):
        sim.setup(rng_seed=rng_seed)
        for _ in range(before):
            sim.DCSource()
        return noise(rng=rng).levels(0, 1000)

    def differ(a, b):
        return abs(np.corrcoef(a, b)[0, 1]) < 4 / np.sqrt(1000)

    np.testing.assert_array_equal(of(), of())
    assert differ(of(), of(rng_seed=43)) and differ(of(), of(before=1))
    native = of(rng=sim.NativeRNG(7))
    np.testing.assert_array_equal(native, of(rng=sim.NativeRNG(7), rng_seed=43))
    np.testing.assert_array_equal(native, of(rng_seed=7))
    np.testing.assert_array_equal(of(), of(rng=pyNN.random.NativeRNG()))
    np.testing.assert_array_equal(native, of(rng=pyNN.random.NativeRNG(7)))
    # all bits of a long seed count
    long = [of(rng=sim.NativeRNG(seed)) for seed in (7, 7 + 2**32, 7 + 2**64, 7 + 2**127)]
    assert all(differ(a, b) for k, a in enumerate(long) for b in long[:k])


def test_a_numpy_rng_gives_the_deviates_that_it_would_have_drawn():
    sim.setup()
    expected = 0.3 + 0.5 * sim.NumpyRNG(11).next(2000, "normal", {"mu": 0.0, "sigma": 1.0})
    rng = sim.NumpyRNG(11)
    source, later = noise(rng=rng), noise(rng=rng)
    drawn = rng.next(2000, "normal", {"mu": 0.3, "sigma": 0.5})
    np.testing.assert_array_equal(source.levels(1000, 1000), expected[1000:])
    np.testing.assert_array_equal(source.levels(0, 1000), expected[:1000])
    # what the generator is used for afterwards is independent of the noise
    for other in (later.levels(0, 2000), drawn):
        assert abs(np.corrcoef(expected, other)[0, 1]) < 4 / np.sqrt(2000)
    assert source.rng is rng
    source.rng = sim.NumpyRNG(12)
    assert not (source.levels(0, 100) == expected[:100]).any()
    source.set_parameters(rng=sim.NumpyRNG(11), mean=0.0)
    np.testing.assert_allclose(source.levels(0, 100), expected[:100] - 0.3, atol=1e-15)
    source.set_parameters(rng=None)
    assert source.rng is None and not (source.levels(0, 100) + 0.3 == expected[:100]).any()


def test_the_default_dt_of_noise_is_the_time_step_and_others_are_multiples():
    for dt in (0.01, 0.1, 0.5):
        sim.setup(timestep=dt)
        assert noise().dt == dt
        assert len(set(noise().levels(0, 50))) == 50
        assert noise(dt=3 * dt).dt == 3 * dt
    sim.setup(timestep=0.1)
    assert len(set(noise(dt=1e300).levels(0, 1000))) == 1
    source = noise(dt=0.3)
    for bad in (0.25, 0.05, 0.0, -0.1, 0.149, np.nan, np.inf):
        with pytest.raises(errors.InvalidParameterValueError, match=f"dt = {bad}"):
            noise(dt=bad)
        with pytest.raises(errors.InvalidParameterValueError, match="NoisyCurrentSource"):
            source.dt = bad
    assert source.dt == 0.3


def test_other_generators_are_refused_before_anything_has_changed():
    sim.setup()
    source = noise()
    n_sources = len(sim.simulator.state.network.current_sources)
    for bad in (3, "NumpyRNG", np.random.RandomState(1), sim.NumpyRNG):
        with pytest.raises(TypeError, match="NoisyCurrentSource: rng"):
            noise(rng=bad)
        with pytest.raises(TypeError, match="NoisyCurrentSource: rng"):
            source.set_parameters(mean=1.0, rng=bad)
    with pytest.raises(errors.InvalidParameterValueError, match="rng.*-1"):
        noise(rng=pyNN.random.NativeRNG(-1))
    rng = sim.NumpyRNG(1)
    with pytest.raises(errors.InvalidParameterValueError, match="stdev"):
        noise(stdev=-1.0, rng=rng)
    with pytest.raises(errors.InvalidParameterValueError, match="stdev"):
        source.set_parameters(stdev=-1.0, rng=rng)
    assert source.mean == 0.3 and source.rng is None
    assert rng.next() == sim.NumpyRNG(1).next()
    assert len(sim.simulator.state.network.current_sources) == n_sources


# --- every kind of source ----------------------------------------------------------------------

KINDS = {
    "dc": (lambda: sim.DCSource(amplitude=0.5), dict(amplitude=1.5)),
    "step": (lambda: sim.StepCurrentSource(times=[0.0, 1.0, 4.0], amplitudes=[1.0, 0.5, 2.0]),
             dict(amplitudes=[1.0, 3.0, 5.0])),
    "ac": (lambda: sim.ACSource(start=0.5, **WAVE), dict(amplitude=0.1, frequency=50.0)),
    "noise": (lambda: noise(dt=0.4), dict(mean=2.0, stdev=0.1)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_set_between_two_runs_holds_from_the_next_step_on(kind):
    make, change = KINDS[kind]
    p = membrane()
    source = make()
    source.inject_into(p)
    before = source.levels(0, 60)
    sim.run(3.0)
    source.set_parameters(**change)
    after = source.levels(0, 60)
    assert before[30] != after[30]
    sim.run(3.0)
    np.testing.assert_allclose(levels(p), np.append(before[:30], after[30:]), atol=1e-11)
    for name, value in change.items():
        assert np.array_equal(getattr(source, name), value)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_source_takes_views_assemblies_and_ids(kind):
    make, _ = KINDS[kind]
    p, q = membrane(4), membrane(2, new=False)
    sources = [make() for _ in range(3)]
    sources[0].inject_into(p[1:2] + q)
    p[2].inject(sources[1])
    sources[2].inject_into([p[3], q[0]])
    sim.run(6.0)
    one, two, three = (source.levels(0, 60) for source in sources)
    for cells, expected in ((p, [0 * one, one, two, three]), (q, [one + three, one])):
        for k, level in enumerate(expected):
            np.testing.assert_allclose(levels(cells, k), level, rtol=0.0, atol=1e-11)


INJECTABLE = [name for name in sim.list_standard_models() if getattr(sim, name).injectable]


@pytest.mark.parametrize("name", INJECTABLE)
def test_cells_of_every_type_feel_a_current_from_the_step_it_begins_with(name):
    sim.setup(timestep=0.1)
    p = sim.Population(2, getattr(sim, name)())
    p.record("v")
    sim.DCSource(amplitude=0.01, start=2.0).inject_into(p[1:])
    sim.run(4.0)
    quiet, fed = potential(p).T
    np.testing.assert_array_equal(quiet[:21], fed[:21])
    assert fed[21] > quiet[21]


def test_every_type_is_either_injectable_or_a_spike_source():
    others = set(sim.list_standard_models()) - set(INJECTABLE)
    assert "IF_curr_exp" in INJECTABLE and all(name.startswith("SpikeSource") for name in others)


# --- on which cells ----------------------------------------------------------------------------


def test_any_group_of_cells_takes_a_current():
    p, q = membrane(4), membrane(3, new=False)
    for group in (p, q[1:], p[0], [p[3], q[0]], p[1:3] + q[2:], p.all_cells[2:3], iter([q[1]])):
        sim.DCSource(amplitude=1.0).inject_into(group)
    q[0].inject(sim.DCSource(amplitude=10.0))
    p[1:2].inject(sim.DCSource(amplitude=10.0))
    (p[1:2] + q[1:2]).inject(sim.DCSource(amplitude=10.0))
    sim.run(1.0)
    assert [changes(p, k)[0][1] for k in range(4)] == [2.0, 22.0, 3.0, 2.0]
    assert [changes(q, k)[0][1] for k in range(3)] == [11.0, 12.0, 2.0]


def test_a_second_injection_into_a_cell_adds_to_the_first():
    p = membrane(2)
    source = dc(1.0, 5.0)
    source.inject_into(p)
    sim.run(3.0)
    source.inject_into(p[1:2])
    sim.run(3.0)
    assert changes(p, 0) == [(10, 1.0), (50, 0.0)]
    assert changes(p, 1) == [(10, 1.0), (30, 2.0), (50, 0.0)]


def test_spike_sources_strangers_and_cells_of_old_networks_are_refused():
    old = membrane()
    p = membrane()
    sources = sim.Population(2, sim.SpikeSourceArray(), label="sources")
    source = sim.DCSource()
    for group in (sources, sources[0:1], sources[0], [p[0], sources[0]], p + sources):
        with pytest.raises(TypeError, match="'sources'.*SpikeSourceArray"):
            source.inject_into(group)
    with pytest.raises(TypeError, match="'sources'"):
        sources.inject(source)
    for group in (3, [3], "p", [None], None):
        with pytest.raises(TypeError):
            source.inject_into(group)
    with pytest.raises(ValueError, match="setup"):
        source.inject_into(old)
    with pytest.raises(ValueError, match="more than once"):
        source.inject_into([p[0], p[0]])
    with pytest.raises(NotImplementedError):
        source.inject_into(p, location="soma")
    assert source.targets == []


# --- parameters --------------------------------------------------------------------------------


def test_parameters_are_read_and_set_as_attributes():
    sim.setup()
    source = sim.DCSource(amplitude=2, start=1.0)
    assert (source.amplitude, source.start, source.stop) == (2.0, 1.0, 1e12)
    source.amplitude = 3.0
    source.stop = 5.0
    assert source.amplitude == 3.0 and source.stop == 5.0
    assert isinstance(source.get_parameters(), ParameterSpace)
    assert source.get_parameters()["stop"].evaluate(simplify=True) == 5.0
    step = sim.StepCurrentSource(times=Sequence([0.0, 1.0]), amplitudes=(1, 2))
    assert step.times.tolist() == [0.0, 1.0] and step.amplitudes.dtype == np.float64
    step.times[:] = 7.0
    assert step.times.tolist() == [0.0, 1.0]
    step.times = np.array([1, 2])
    assert step.times.tolist() == [1.0, 2.0]
    with pytest.raises(AttributeError, match="set_parameters"):
        step.set(times=[1.0])
    with pytest.raises(errors.NonExistentParameterError, match="valid parameters"):
        float(step.amplitude)
    assert not hasattr(step, "_nothing") and copy.copy(step).times.tolist() == [1.0, 2.0]


def test_the_callers_arrays_are_copied():
    sim.setup()
    times = np.array([0.0, 1.0])
    source = sim.StepCurrentSource(times=times, amplitudes=times)
    times[:] = 9.0
    assert source.times.tolist() == [0.0, 1.0]


@pytest.mark.parametrize("parameters, words", [
    (dict(amplitude=np.nan), "amplitude.*nan"),
    (dict(amplitude=np.inf), "amplitude.*inf"),
    (dict(amplitude="1"), "amplitude"),
    (dict(amplitude=[1.0, 2.0]), "amplitude"),
    (dict(amplitude=None), "amplitude"),
    (dict(start=-1.0), "start.*-1.0"),
    (dict(start=np.nan), "start"),
    (dict(start=np.inf), "start"),
    (dict(start=3.0, stop=2.0), "stop.*2.0.*start = 3.0"),
    (dict(stop=np.nan), "stop"),
])
def test_bad_parameters_of_a_dc_source_are_refused(parameters, words):
    sim.setup()
    n_sources = len(sim.simulator.state.network.current_sources)
    with pytest.raises(errors.InvalidParameterValueError, match="DCSource.*" + words):
        sim.DCSource(**parameters)
    assert len(sim.simulator.state.network.current_sources) == n_sources
    source = sim.DCSource(amplitude=0.5, start=1.0, stop=2.5)
    with pytest.raises(errors.InvalidParameterValueError, match=words):
        source.set_parameters(**parameters)
    assert (source.amplitude, source.start, source.stop) == (0.5, 1.0, 2.5)


@pytest.mark.parametrize("kind, name, value", [
    *(("ACSource", name, value)
      for name in ("amplitude", "offset", "frequency", "phase", "start")
      for value in (np.nan, np.inf, "1", None, [1.0, 2.0])),
    *(("NoisyCurrentSource", name, value)
      for name in ("mean", "stdev", "dt", "start") for value in (np.nan, np.inf, "1", None)),
    ("NoisyCurrentSource", "stdev", -0.1),
    *((kind, name, value) for kind in ("ACSource", "NoisyCurrentSource")
      for name, value in (("start", -1.0), ("stop", 0.5), ("stop", np.nan))),
])
def test_bad_parameters_of_a_sine_or_noise_are_refused(kind, name, value):
    sim.setup()
    n_sources = len(sim.simulator.state.network.current_sources)
    good = {"start": 1.0, "stop": 2.5}
    with pytest.raises(errors.InvalidParameterValueError, match=f"{kind}.*{name}"):
        getattr(sim, kind)(**{**good, name: value})
    assert len(sim.simulator.state.network.current_sources) == n_sources
    source = getattr(sim, kind)(**good)
    kept = {each: getattr(source, each) for each in source.default_parameters}
    with pytest.raises(errors.InvalidParameterValueError, match=f"{kind}.*{name}"):
        source.set_parameters(**{name: value})
    assert {each: getattr(source, each) for each in source.default_parameters} == kept


@pytest.mark.parametrize("parameters, words", [
    (dict(times=[2.0, 1.0], amplitudes=[1.0, 2.0]), "times.*2.0, 1.0.*increase"),
    (dict(times=[1.0, 1.0], amplitudes=[1.0, 2.0]), "times.*increase"),
    (dict(times=[1.0, 2.0], amplitudes=[1.0]), "times.*2 values.*1"),
    (dict(times=[1.0, 2.0, 3.0]), "times.*3 values"),
    (dict(times=[-1.0, 2.0], amplitudes=[1.0, 2.0]), "times.*-1.0"),
    (dict(times=[0.0, np.nan], amplitudes=[1.0, 2.0]), "times.*nan"),
    (dict(times=[0.0, np.inf], amplitudes=[1.0, 2.0]), "times.*inf"),
    (dict(times=[0.0, 1.0], amplitudes=[1.0, np.nan]), "amplitudes.*nan"),
    (dict(times=3.0, amplitudes=1.0), "times"),
    (dict(times=["a", "b"], amplitudes=[1.0, 2.0]), "times"),
])
def test_bad_parameters_of_a_step_source_are_refused(parameters, words):
    sim.setup()
    with pytest.raises(errors.InvalidParameterValueError, match="StepCurrentSource.*" + words):
        sim.StepCurrentSource(**parameters)
    source = sim.StepCurrentSource(times=[1.0, 2.0], amplitudes=[3.0, 4.0])
    with pytest.raises(errors.InvalidParameterValueError, match=words):
        source.set_parameters(**parameters)
    assert source.times.tolist() == [1.0, 2.0] and source.amplitudes.tolist() == [3.0, 4.0]


def test_an_unknown_parameter_is_refused():
    sim.setup()
    with pytest.raises(errors.NonExistentParameterError):
        sim.DCSource(current=1.0)
    for make, _ in KINDS.values():
        with pytest.raises(errors.NonExistentParameterError):
            make().set_parameters(current=1.0)


def test_step_times_are_read_back_as_they_act():
    sim.setup(timestep=0.1)
    source = sim.StepCurrentSource(times=[0.41, 0.42, 0.86], amplitudes=[0.5, -0.5, 0.25])
    assert source.times.tolist() == [0.4, 0.9] and source.amplitudes.tolist() == [-0.5, 0.25]
    source.amplitudes = [1.0, 2.0]
    assert source.levels(3, 8).tolist() == [0, 1, 1, 1, 1, 1, 2, 2]


# --- recording ---------------------------------------------------------------------------------


def test_the_current_is_recorded_as_it_was_injected():
    p = membrane()
    source = dc(0.3, 0.7)
    source.inject_into(p)
    source.record()
    sim.run(1.0)
    signal = source.get_data()
    assert isinstance(signal, neo.AnalogSignal) and str(signal.dimensionality) == "nA"
    assert signal.magnitude[:, 0].tolist() == [0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0]
    assert float(signal.t_start) == 0.0 and float(signal.sampling_period) == pytest.approx(0.1)
    source.set_parameters(amplitude=5.0, stop=1.2)
    sim.run(0.5)
    assert source.get_data().magnitude[:, 0].tolist() == (
        [0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 5, 5, 0, 0, 0, 0])
    sim.reset()
    sim.run(0.5)
    assert source.get_data().magnitude[:, 0].tolist() == [0, 0, 0, 5, 5, 5]


def test_a_source_that_is_not_recorded_has_no_data():
    sim.setup()
    with pytest.raises(ValueError, match="DCSource.*record"):
        sim.DCSource().get_data()


def test_recording_between_two_runs_starts_then():
    p = membrane()
    source = steps([0.0, 1.2])
    source.inject_into(p)
    sim.run(1.0)
    source.record()
    sim.run(0.3)
    signal = source.get_data()
    assert float(signal.t_start) == 1.0 and signal.magnitude[:, 0].tolist() == [1, 1, 2, 2]


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_source_is_recorded_through_runs_changes_reset_and_end(kind):
    make, change = KINDS[kind]
    p = membrane()
    source = make()
    source.inject_into(p)
    source.record()
    before = source.levels(0, 61)
    sim.run(2.0)
    sim.run(1.0)
    np.testing.assert_array_equal(source.get_data().magnitude[:, 0], before[:31])
    source.set_parameters(**change)
    after = source.levels(0, 61)
    sim.run(3.0)
    expected = np.append(before[:30], after[30:])
    np.testing.assert_array_equal(source.get_data().magnitude[:, 0], expected)
    # a sample is the current from then on, which the membrane feels
    np.testing.assert_allclose(levels(p), expected[:-1], rtol=0.0, atol=1e-11)
    sim.reset()
    sim.run(1.0)
    np.testing.assert_array_equal(source.get_data().magnitude[:, 0], after[:11])
    sim.end()
    sim.setup(timestep=0.5)
    sim.run(5.0)
    signal = source.get_data()
    np.testing.assert_array_equal(signal.magnitude[:, 0], after[:11])
    assert signal.units == neo.AnalogSignal([0.0], "nA", sampling_rate=1 / pq.ms).units
    np.testing.assert_allclose(signal.times.rescale("ms").magnitude, 0.1 * np.arange(11))


def test_several_sources_are_recorded_each_for_itself():
    p = membrane()
    sources = [make() for make, _ in KINDS.values()]
    for source in sources:
        source.inject_into(p)
        source.record()
    sim.run(6.0)
    recorded = [source.get_data().magnitude[:-1, 0] for source in sources]
    for source, signal in zip(sources, recorded):
        np.testing.assert_array_equal(signal, source.levels(0, 60))
    np.testing.assert_allclose(levels(p), sum(recorded), rtol=0.0, atol=1e-11)
