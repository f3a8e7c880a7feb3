"""
What holds for every cell type: varied parameters, parameters set between runs, initial values,
recording, and extremes that must not break the arithmetic.

Runs over list_standard_models() and the native cell types: a new type is tested without a new test.
"""

from functools import cache

import numpy as np
import pyNN.laconeu as sim
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyNN.parameters import Sequence

DT = 0.1
N = 4  # cells of each population

TYPES = {name: getattr(sim, name) for name in sim.list_standard_models()
         if getattr(sim, name).receptor_types}
TYPES |= {name: sim.native_cell_type(name) for name in sim.list_native_models()}

# What makes each of them spike now and then: i_offset, and the weight of its input.
DRIVE = {name: (1.2, 0.02) for name in TYPES} | {
    "IF_curr_exp": (0.7, 1.0), "IF_curr_alpha": (1.0, 1.0), "IF_curr_delta": (0.7, 3.0),
    "Izhikevich": (0.008, 2.0), "EIF_cond_exp_isfa_ista": (0.9, 0.02),
    "EIF_cond_alpha_isfa_ista": (0.9, 0.02), "HH_cond_exp": (0.7, 0.02),
    "IF_facets_hardware1": (None, 0.02), "HH_reduced": (60.0, 1.0), "GIF_cond_exp": (1.6, 0.02)}
BASE = {"GIF_cond_exp": {"lambda0": 30.0}, "IF_cond_exp_gsfa_grr": {"q_rr": 300.0}}


def base(name):
    """Parameters of a cell that spikes."""
    offset = {} if DRIVE[name][0] is None else {"i_offset": DRIVE[name][0]}
    return {**BASE.get(name, {}), **offset}


def values_of(name, parameter):
    """N values near the default: not the same, and none that makes no sense."""
    cell = TYPES[name]
    default = base(name).get(parameter, cell.default_parameters[parameter])
    if not np.isscalar(default):
        # Some have fewer kernels than others; taus and jumps of a cell have equally many.
        return [Sequence(np.asarray(default.value) * factor) for factor in (1.0, 1.1, 0.9, 1.3)]
    if cell.units[parameter] == "mV" and parameter not in ("delta_T", "delta_v"):
        return [default + change for change in (0.0, 1.5, -1.0, 0.3)]
    if default == 0.0:
        return [0.0, 0.01, 0.02, 0.005]
    if parameter == "lambda0":  # a spike is drawn or not: little changes nothing
        return [default, 3.0 * default, 0.3 * default, 10.0 * default]
    return [default * factor for factor in (1.0, 1.1, 0.9, 1.003)]


PARAMETERS = [(name, parameter) for name, cell in TYPES.items()
              for parameter in cell.default_parameters]


def build(name, parameters, variables=None):
    """A Population with spikes, a step current and, in `variables`, its signals recorded."""
    sim.setup(timestep=DT, min_delay=DT, threads=1, rng_seed=7)
    cells = sim.Population(N, TYPES[name](**{**base(name), **parameters}))
    cells.record(TYPES[name].recordable if variables is None else variables)
    weight = DRIVE[name][1]
    # nothing is under way at 20 ms
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[
        2.0, 2.3, 5.0, 8.1, 11.0, 16.0, 16.0, 22.0, 25.0, 33.0]))
    for receptor, scale in (("excitatory", 1.0), ("inhibitory", 0.4)):
        sign = -1.0 if receptor == "inhibitory" and not cells.conductance_based else 1.0
        sim.Projection(source, cells, sim.AllToAllConnector(),
                       sim.StaticSynapse(weight=sign * scale * weight, delay=1.0),
                       receptor_type=receptor)
    if cells.celltype.injectable:
        offset = DRIVE[name][0] or 0.5
        sim.StepCurrentSource(times=[3.0, 12.0, 30.0],
                              amplitudes=[0.3 * offset, 0.0, 0.5 * offset]).inject_into(cells)
    return cells


def data(cells, segment=0):
    """{"spikes": [times of each cell], variable: samples [n_samples, n]}."""
    block = cells.get_data().segments[segment]
    return {"spikes": [train.magnitude.tolist() for train in block.spiketrains],
            **{signal.name: signal.magnitude for signal in block.analogsignals}}


@cache
def uniform(name, parameter, k):
    """Data of a population in which every cell has the k-th value."""
    cells = build(name, {parameter: values_of(name, parameter)[k]})
    sim.run(40.0)
    return data(cells)


@pytest.mark.parametrize("name", TYPES)
def test_the_cells_of_these_tests_spike(name):
    cells = build(name, {})
    sim.run(40.0)
    assert all(len(train) >= 2 for train in data(cells)["spikes"])


@pytest.mark.parametrize("name, parameter", PARAMETERS)
def test_each_cell_of_a_varied_population_equals_the_same_cell_in_a_uniform_one(name, parameter):
    cells = build(name, {parameter: values_of(name, parameter)})
    sim.run(40.0)
    varied = data(cells)
    assert set(varied) == set(TYPES[name].recordable)
    for k in range(N):
        alone = uniform(name, parameter, k)
        assert varied["spikes"][k] == alone["spikes"][k]
        for variable in varied.keys() - {"spikes"}:
            assert np.array_equal(varied[variable][:, k], alone[variable][:, k]), variable


@pytest.mark.parametrize("name, parameter", PARAMETERS)
def test_every_parameter_can_be_set_between_two_runs(name, parameter):
    values = values_of(name, parameter)
    cells = build(name, {})
    sim.run(20.0)
    # Views, too: the first cell has the default already.
    cells[1:].set(**{parameter: values[1:]})
    got = cells.get(parameter, simplify=False)
    assert list(got) == list(values)
    states = {variable: state.copy() for variable, state in cells.state.items()}
    sim.run(20.0)
    changed = data(cells)
    # One that had these values from the beginning, and gets the first one's state at 20 ms.
    cells = build(name, {parameter: values})
    sim.run(20.0)
    for variable, state in states.items():
        cells.state[variable][:] = state
    sim.run(20.0)
    expected = data(cells)
    for k in range(N):
        late = [[t for t in both["spikes"][k] if t > 20.0 + 1e-9] for both in (changed, expected)]
        assert late[0] == late[1]
    for variable in changed.keys() - {"spikes"}:
        assert np.array_equal(changed[variable][201:], expected[variable][201:]), variable


@pytest.mark.parametrize("name", TYPES)
def test_parameters_matter(name):
    for parameter in TYPES[name].default_parameters:
        first, *others = (uniform(name, parameter, k) for k in range(N))
        same = all(first["spikes"] == other["spikes"] and all(
            np.array_equal(first[v], other[v]) for v in first if v != "spikes")
            for other in others)
        assert not same, parameter


@pytest.mark.parametrize("name", TYPES)
def test_every_state_variable_can_be_initialized_and_is_restored_by_reset(name):
    cells = build(name, {})
    defaults = TYPES[name].default_initial_values
    assert set(defaults) <= set(cells.initializable)
    assert set(TYPES[name].recordable) - {"spikes"} <= set(cells.initializable)
    for variable in cells.initializable:
        scale = {"mV": 2.0, "mV/ms": 2.0}.get(TYPES[name].units.get(variable), 0.01)
        start = defaults.get(variable, 0.0) + scale * np.array([0.0, 1.0, 2.0, 0.5])
        plain = build(name, {})
        sim.run(20.0)
        before = data(plain)
        cells = build(name, {})
        cells[1:].initialize(**{variable: start[1:]})
        sim.run(20.0)
        first = data(cells)
        # the one sample that shows it as given
        if variable in first:
            assert first[variable][0] == pytest.approx(start, abs=1e-12)
        changed = [first["spikes"][k] != before["spikes"][k] or any(
            not np.array_equal(first[v][1:, k], before[v][1:, k]) for v in first if v != "spikes")
            for k in range(N)]
        assert changed[1:] == [True] * (N - 1), variable
        assert not changed[0], variable
        sim.reset()
        sim.run(20.0)
        again = data(cells, 1)
        assert again["spikes"] == first["spikes"]
        for v in first.keys() - {"spikes"}:
            assert np.array_equal(again[v], first[v]), v


@pytest.mark.parametrize("name", TYPES)
def test_every_variable_can_be_recorded_alone_in_a_view_and_less_often(name):
    cells = build(name, {})
    sim.run(20.0)
    everything = data(cells)
    units = {"spikes": "ms", **TYPES[name].units}
    for variable in TYPES[name].recordable:
        cells = build(name, {}, variables=[])
        if variable == "spikes":
            cells[1:3].record("spikes")
            sim.run(20.0)
            trains = cells.get_data().segments[0].spiketrains
            assert [train.magnitude.tolist() for train in trains] == everything["spikes"][1:3]
            continue
        cells[1:4:2].record(variable, sampling_interval=0.3)
        sim.run(20.0)
        signal, = cells.get_data().segments[0].analogsignals
        assert signal.name == variable
        assert float(signal.sampling_period) == pytest.approx(0.3)
        assert units[variable] in ("", "dimensionless") or signal.units.dimensionality.string == (
            units[variable])
        assert np.array_equal(signal.magnitude, everything[variable][::3][:, 1:4:2])


# --- extremes ----------------------------------------------------------------------------------

def spread(low, high):
    """Numbers from low to high, each order of magnitude as often as the next."""
    return st.floats(np.log10(low), np.log10(high)).map(lambda x: float(10.0 ** x))


def both_signs(high):
    """0, or +- 1e-3 .. high."""
    return st.one_of(st.just(0.0), spread(1e-3, high), spread(1e-3, high).map(lambda x: -x))


RANGES = {
    "cm": spread(1e-3, 10.0), "tau_m": spread(0.01, 1000.0), "tau_w": spread(0.05, 5000.0),
    "delta_T": st.one_of(st.just(0.0), spread(1e-6, 20.0)), "v_spike": st.floats(-40.0, 60.0),
    "v_reset": st.floats(-90.0, -60.0), "v_rest": st.floats(-90.0, -40.0),
    "v_thresh": st.floats(-55.0, -40.0), "tau_refrac": st.one_of(st.just(0.0), spread(1e-3, 20.0)),
    "tau_syn_E": spread(0.01, 1000.0), "tau_syn_I": spread(0.01, 1000.0),
    "e_rev_E": st.floats(-20.0, 20.0), "e_rev_I": st.floats(-100.0, -60.0),
    "e_rev_sfa": st.floats(-100.0, -60.0), "e_rev_rr": st.floats(-100.0, -60.0),
    "tau_sfa": spread(0.01, 1000.0), "tau_rr": spread(0.01, 1000.0),
    "q_sfa": spread(1e-3, 1e6), "q_rr": spread(1e-3, 1e6),
    "i_offset": both_signs(100.0), "a": both_signs(100.0), "b": both_signs(10.0),
    "g_leak": spread(1e-2, 1e4), "gbar_Na": spread(1e-3, 1000.0), "gbar_K": spread(1e-3, 1000.0),
    "v_offset": st.floats(-80.0, -40.0), "e_rev_Na": st.floats(30.0, 80.0),
    "e_rev_K": st.floats(-110.0, -70.0), "e_rev_leak": st.floats(-90.0, -40.0),
    "lambda0": spread(1e-6, 1e12), "delta_v": spread(1e-6, 20.0), "v_t_star": st.floats(-60.0, 0.0),
    "v_half_Na": st.floats(-40.0, 0.0), "k_Na": spread(0.1, 30.0),
    "v_half_K": st.floats(-40.0, 0.0), "k_K": spread(0.1, 30.0), "tau_K": spread(0.01, 100.0),
}
# g_leak is in nS for the FACETS hardware, in uS elsewhere.
IN_MICROSIEMENS = {"g_leak": spread(1e-5, 10.0)}
KERNELS = {"tau_eta": spread(0.01, 1000.0), "a_eta": both_signs(10.0),
           "tau_gamma": spread(0.01, 1000.0), "a_gamma": both_signs(100.0)}
STIFF_TYPES = [name for name in TYPES if name != "Izhikevich"]  # Euler: as unstable as published


@st.composite
def extreme(draw, name):
    """(parameters of N cells, dt, weights of both receptors, steps of current)."""
    parameters = {}
    ranges = {**RANGES, **(IN_MICROSIEMENS if name.startswith("HH") else {})}
    for parameter in TYPES[name].default_parameters:
        if parameter in KERNELS:
            parameters[parameter] = [Sequence(draw(st.lists(
                KERNELS[parameter], min_size=2, max_size=2))) for _ in range(N)]
        else:
            parameters[parameter] = [draw(ranges[parameter]) for _ in range(N)]
    if name == "HH_reduced":
        parameters["v_thresh"] = [-20.0] * N
    conductance = st.one_of(st.just(0.0), spread(1e-3, 1000.0))
    return (parameters, draw(spread(0.01, 5.0)),
            [draw(conductance), draw(conductance)], [draw(both_signs(100.0)) for _ in range(2)])


def run_extreme(name, parameters, dt, weights, currents):
    """(data, population) after 60 steps with two volleys and two steps of current."""
    sim.setup(timestep=dt, min_delay=dt, threads=1)
    cells = sim.Population(N, TYPES[name](**parameters))
    cells.record(TYPES[name].recordable)
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[5 * dt, 6 * dt, 30 * dt]))
    for receptor, weight in zip(("excitatory", "inhibitory"), weights):
        sign = -1.0 if receptor == "inhibitory" and not cells.conductance_based else 1.0
        sim.Projection(source, cells, sim.AllToAllConnector(),
                       sim.StaticSynapse(weight=sign * weight, delay=dt), receptor_type=receptor)
    if any(currents):
        sim.StepCurrentSource(times=[10 * dt, 20 * dt], amplitudes=currents).inject_into(cells)
    sim.run(60 * dt)
    return data(cells)


@pytest.mark.parametrize("name", STIFF_TYPES)
def test_extreme_parameters_give_finite_numbers(name):
    @settings(max_examples=60, deadline=None, derandomize=True, database=None,
              suppress_health_check=list(HealthCheck))
    @given(extreme(name))
    def check(case):
        for variable, samples in run_extreme(name, *case).items():
            if variable != "spikes":
                assert np.isfinite(samples).all(), (variable, samples)
    check()


BOUNDED = ["IF_cond_exp", "IF_cond_alpha", "IF_cond_exp_gsfa_grr", "IF_facets_hardware1",
           "HH_cond_exp"]


@pytest.mark.parametrize("name", BOUNDED)
def test_without_currents_v_stays_between_the_reversal_potentials(name):
    @settings(max_examples=60, deadline=None, derandomize=True, database=None,
              suppress_health_check=list(HealthCheck))
    @given(extreme(name))
    def check(case):
        parameters, dt, weights, _ = case
        if "i_offset" in parameters:
            parameters["i_offset"] = [0.0] * N
        v = run_extreme(name, parameters, dt, weights, [0.0, 0.0])["v"]
        levels = np.array([values for parameter, values in parameters.items()
                           if parameter.startswith(("e_rev", "v_rest", "v_reset"))]
                          + [[TYPES[name].default_initial_values["v"]] * N, [0.0] * N])
        # what quadrature may err by where conductances rise by decades within a step
        assert (v >= levels.min(0) - 0.1).all() and (v <= levels.max(0) + 0.1).all()
    check()


@pytest.mark.parametrize("name", ["EIF_cond_exp_isfa_ista", "EIF_cond_alpha_isfa_ista"])
def test_no_sample_of_an_adaptive_exponential_cell_is_above_v_spike(name):
    @settings(max_examples=60, deadline=None, derandomize=True, database=None,
              suppress_health_check=list(HealthCheck))
    @given(extreme(name))
    def check(case):
        v = run_extreme(name, *case)["v"]
        top = np.where(np.array(case[0]["delta_T"]) > 0.0, case[0]["v_spike"],
                       case[0]["v_thresh"])
        assert (v[1:] <= top + 1e-9).all()
    check()
