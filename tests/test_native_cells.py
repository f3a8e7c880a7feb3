"""
The native cell types. Reference for HH_reduced: scipy's DOP853 at 1e-11, threshold by event.
"""

import numpy as np
import pyNN.laconeu as sim
import pytest
from scipy.integrate import solve_ivp

P = sim.HH_reduced.default_parameters


def reference(i, t_stop, times, v=-65.0, n=0.0):
    """(spike times, v at `times`) of the default cell under a constant current of i nA."""
    def slope(t, y):
        v, n = y
        m = 1.0 / (1.0 + np.exp((P["v_half_Na"] - v) / P["k_Na"]))
        n_rest = 1.0 / (1.0 + np.exp((P["v_half_K"] - v) / P["k_K"]))
        return [(P["gbar_Na"] * m * (P["e_rev_Na"] - v) + P["gbar_K"] * n * (P["e_rev_K"] - v)
                 + P["g_leak"] * (P["e_rev_leak"] - v) + i) / P["cm"], (n_rest - n) / P["tau_K"]]

    def above(t, y):
        return y[0] - P["v_thresh"]
    above.direction = 1
    solution = solve_ivp(slope, (0.0, t_stop), [v, n], method="DOP853", rtol=1e-11, atol=1e-11,
                         t_eval=times, events=above, max_step=0.2)
    return solution.t_events[0], solution.y[0]


def run(dt, i, t_stop):
    sim.setup(timestep=dt)
    cell = sim.Population(1, sim.native_cell_type("HH_reduced")(i_offset=i))
    cell.record(["spikes", "v", "n"])
    sim.run(t_stop)
    segment = cell.get_data().segments[0]
    return segment.spiketrains[0].magnitude, segment.filter(name="v")[0].magnitude[:, 0]


@pytest.mark.parametrize("i", [5.0, 10.0, 40.0])
def test_the_reduced_hodgkin_huxley_cell_spikes_with_the_reference(i):
    spikes, v = run(0.1, i, 100.0)
    expected, _ = reference(i, 100.0, None)
    assert len(spikes) == len(expected) > 5
    # On the grid after the crossing; the rest is the error of 2nd order, which adds up.
    assert (spikes - expected).min() > -0.05 and (spikes - expected).max() < 0.15


def test_the_reduced_hodgkin_huxley_cell_is_integrated_to_second_order():
    # With steps no longer than a substep the step is the substep.
    errors = []
    for dt in (0.01, 0.005, 0.0025):
        _, v = run(dt, 10.0, 12.0)
        times = np.arange(len(v)) * dt
        errors.append(np.abs(v - reference(10.0, 12.0, np.minimum(times, 12.0))[1]).max())
    assert errors[0] < 0.5  # mV, in the upstroke
    orders = np.log2(np.divide(errors[:-1], errors[1:]))
    assert (orders > 1.8).all(), (errors, orders)


def test_the_rate_grows_with_the_current():
    counts = [len(run(0.1, i, 200.0)[0]) for i in (0.0, 6.0, 10.0, 20.0, 40.0)]
    assert counts[0] == 0 and (np.diff(counts) > 0).all()


def test_native_types_are_listed_and_found_by_name():
    assert sim.list_native_models() == ["HH_reduced"]
    assert sim.native_cell_type("HH_reduced") is sim.HH_reduced
    with pytest.raises(ValueError, match="'hh'.*HH_reduced"):
        sim.native_cell_type("hh")


def test_every_native_type_has_units_and_takes_input():
    for name in sim.list_native_models():
        cell_class = sim.native_cell_type(name)
        sim.setup()
        cells = sim.Population(2, cell_class())
        assert set(cell_class.units) >= {*cell_class.default_parameters,
                                         *cell_class.recordable} - {"spikes"}
        source = sim.Population(1, sim.SpikeSourceArray(spike_times=[5.0]))
        for receptor in cells.receptor_types:
            sim.Projection(source, cells, sim.AllToAllConnector(),
                           sim.StaticSynapse(weight=1.0, delay=1.0), receptor_type=receptor)
        cells.record(cell_class.recordable)
        sim.run(20.0)
        for signal in cells.get_data().segments[0].analogsignals:
            assert np.ptp(signal.magnitude) > 0.0 and np.isfinite(signal.magnitude).all()


@pytest.mark.parametrize("parameter", ["cm", "k_Na", "k_K", "tau_K", "tau_syn_E"])
def test_parameters_without_sense_are_refused(parameter):
    sim.setup()
    with pytest.raises(Exception, match=f"{parameter} = 0.0"):
        sim.Population(1, sim.HH_reduced(**{parameter: 0.0}))
