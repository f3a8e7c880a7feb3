"""Current sources: when a current acts, on which cells, and what is refused.

The level during each step is read off v, whose response is exact: the step tables below are
those of pyNN.nest 3.10 (on_grid) and pyNN.neuron 9.0.2, see standardmodels/electrodes.py.
"""

import copy
import time

import neo
import numpy as np
import pyNN.laconeu as sim
import pytest
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


def changes(p, cell=0):
    """[(step, level from then on)] of the current into a cell, from its potential."""
    v = p.get_data("v").segments[-1].analogsignals[0].magnitude[:, cell]
    decay = np.exp(-sim.get_time_step() / TAU_M)
    level = (v[1:] - decay * v[:-1]) / ((1 - decay) * TAU_M / CM)
    level = np.round(level, 6) + 0.0
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
    with pytest.raises(errors.NonExistentParameterError):
        sim.DCSource().set_parameters(current=1.0)


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
