"""
EIF_cond_*_isfa_ista against DOP853, which locates each spike in time, and against the LIF.

The engine finds the spike within the step and stamps it with the step's end: on the average a
stamp is half a step late, so it is stamp - dt / 2 that is compared.
"""

import numpy as np
import pyNN.laconeu as sim
import pytest
from one_cell import Input, simulate, solve

CELLS = {"EIF_cond_exp_isfa_ista": "exp", "EIF_cond_alpha_isfa_ista": "alpha"}

PULSES = {"excitatory": ([10.0, 20.0, 20.0, 33.0, 50.0, 80.0, 81.0, 82.0, 120.0],
                         [0.02, 0.05, 0.03, 0.08, 0.01, 0.03, 0.03, 0.03, 0.1]),
          "inhibitory": ([15.0, 60.0, 100.0, 121.0], [0.05, 0.1, 0.02, 0.05])}
STEPS = ([5.0, 40.0, 90.0, 91.5, 150.0], [0.5, -0.3, 1.5, 0.0, 0.9])


def reference(name, parameters, dt, t_stop, v, inputs=None, current=None, w=0.0):
    """(spike times, v and w [t_stop / dt + 1, 2])."""
    p = {**getattr(sim, name).default_parameters, **parameters}
    arriving = Input(p, CELLS[name], inputs, current)
    leak = p["cm"] / p["tau_m"]
    # From 16 slopes above v_thresh on, v takes less than tau_m exp(-16) = 1e-6 ms to anywhere: no
    # need to be steeper. The solver also must not find v infinite while it looks beyond v_spike.
    top = min(p["v_spike"] + 0.5 * p["delta_T"], p["v_thresh"] + 16.0 * p["delta_T"])

    def slope(t, y, begin, held):
        v, w = y
        dw = (1e-3 * p["a"] * (v - p["v_rest"]) - w) / p["tau_w"]
        if held:
            return [0.0, dw]
        g, pull = arriving.conductance(t, begin)
        upstroke = p["delta_T"] * np.exp((min(v, top) - p["v_thresh"]) / p["delta_T"])
        current = leak * (p["v_rest"] - v + upstroke) - w + arriving.injected(begin)
        return [(current + pull - g * v) / p["cm"], dw]

    spikes, samples, _ = solve(slope, [v, w], t_stop, dt, arriving.kinks,
                               crossing=lambda t, y: y[0] - p["v_spike"],
                               reset=lambda y: [p["v_reset"], y[1] + p["b"]],
                               refractory=p["tau_refrac"])
    return spikes, samples


def both(name, parameters, dt=0.1, t_stop=200.0, v=-70.6, inputs=None, current=None):
    """(our spikes, the reference's, error of v, error of w, samples far from any spike)."""
    cell = getattr(sim, name)(**parameters)
    spikes, signals = simulate(cell, dt, t_stop, ("v", "w"), inputs, current, v=v, w=0.0)
    expected, samples = reference(name, parameters, dt, t_stop, v, inputs, current)
    t = np.arange(len(samples)) * dt
    # The upstroke multiplies errors; 2 ms before a spike it has not begun. What follows it is late
    # by the error of the spike time.
    away = np.ones(len(t), bool)
    free = 1.0 + parameters.get("tau_refrac", cell.default_parameters["tau_refrac"])
    for spike in (*spikes, *expected):
        away &= (t < spike - 2.0) | (t > spike + free)
    assert away.sum() > 20
    return (spikes, expected, np.abs(signals["v"] - samples[:, 0]),
            np.abs(signals["w"] - samples[:, 1]), away)


CURRENT_DRIVEN = {
    "adapting": (8, {"i_offset": 1.0}),
    "refractory for 2 ms": (8, {"i_offset": 1.0, "tau_refrac": 2.0}),
    "refractory for 0.77 ms": (8, {"i_offset": 1.0, "tau_refrac": 0.77}),
    "not refractory": (8, {"i_offset": 1.0, "tau_refrac": 0.0}),
    "bursting": (32, {"i_offset": 0.8, "v_reset": -47.2, "tau_w": 20.0}),
    "fast from a high reset": (52, {"i_offset": 1.0, "v_reset": -47.2, "tau_w": 20.0}),
    "v_spike 0": (8, {"i_offset": 1.0, "v_spike": 0.0}),
    "v_spike 20, steep": (9, {"i_offset": 1.0, "v_spike": 20.0, "delta_T": 0.5}),
    "without adaptation": (30, {"i_offset": 1.5, "a": 0.0, "b": 0.0, "tau_refrac": 0.0}),
    "little capacity": (5, {"i_offset": 0.21, "cm": 0.1, "tau_m": 10.0, "v_rest": -58.0,
                               "v_thresh": -50.0, "a": 2.0, "tau_w": 120.0, "b": 0.1,
                               "v_reset": -46.0}),
}


@pytest.mark.parametrize("case", CURRENT_DRIVEN)
@pytest.mark.parametrize("name", CELLS)
def test_spikes_are_stamped_in_the_step_where_the_reference_has_them(name, case):
    n_spikes, parameters = CURRENT_DRIVEN[case]
    spikes, expected, v_error, w_error, away = both(name, parameters)
    assert len(spikes) == len(expected) == n_spikes
    # Half a step: in the right one. Errors of 30 spike times have added up to 1.4e-3 ms, which
    # shows beside a grid point.
    assert np.abs(spikes - 0.05 - expected).max() <= 0.052
    assert v_error[away].max() < 0.05  # those 1.4e-3 ms, where v moves at 20 mV/ms
    assert w_error[away].max() < 1e-4  # as much of b as those are of tau_w
    before = np.arange(len(v_error)) * 0.1 < expected[0] - 2.0
    assert v_error[before].max() < 5e-5


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("extra, current", [
    ({}, None), ({"i_offset": 1.0}, None), ({}, STEPS), ({"tau_refrac": 2.04}, STEPS),
    ({"tau_syn_E": 0.3, "tau_syn_I": 0.5, "i_offset": 0.5}, None),
    ({"tau_syn_E": 0.3, "tau_syn_I": 0.5, "i_offset": 0.5}, STEPS)],
    ids=lambda value: "steps of current" if value is STEPS else str(value))
def test_spikes_and_signals_are_right_under_pulses_of_conductance(name, extra, current):
    spikes, expected, v_error, w_error, away = both(name, extra, inputs=PULSES, current=current)
    assert len(spikes) == len(expected)
    # half a step: in the right one; and 0.05 ms
    assert np.abs(spikes - 0.05 - expected).max(initial=0.0) <= 0.1
    assert v_error[away].max() < 1.0  # 0.05 ms at 20 mV/ms
    assert w_error[away].max() < 5e-4
    before = np.arange(len(v_error)) * 0.1 < (expected[0] if expected.size else 999.0) - 2.0
    assert v_error[before].max() < 5e-3  # a third of tau_syn per step


def test_the_usual_scenario_has_the_spikes_known_for_it():
    spikes, _ = simulate(sim.EIF_cond_exp_isfa_ista(i_offset=1.0, tau_refrac=2.0, v_spike=-40.0),
                         0.01, 200.0, v=-65.0)
    known = [10.015, 25.515, 43.168, 63.410, 86.649, 113.112, 142.663, 174.760]
    assert spikes == pytest.approx(known, abs=0.011)  # a step of 0.01


def test_potentials_converge_with_the_third_order_up_to_the_first_spike():
    errors = []
    for dt in (0.1, 0.05, 0.025):
        _, expected, v_error, _, _ = both("EIF_cond_exp_isfa_ista", {"i_offset": 1.0}, dt, 12.0,
                                          v=-65.0)
        before = np.arange(len(v_error)) * dt < expected[0] - 1.0
        errors.append(v_error[before].max())
    assert errors[-1] > 1e-11  # mV: else the order is that of rounding
    assert (np.log2(np.divide(errors[:-1], errors[1:])) > 2.7).all(), errors


def test_spikes_within_a_step_converge_with_the_second_order_or_faster():
    # v after the last spike has the errors of all spike times before.
    errors = []
    for dt in (0.1, 0.05, 0.025):
        spikes, expected, v_error, _, _ = both("EIF_cond_exp_isfa_ista", {"i_offset": 1.0}, dt)
        assert len(spikes) == len(expected)
        t = np.arange(len(v_error)) * dt
        between = (t > expected[-2] + 5.0) & (t < expected[-1] - 5.0)
        errors.append(v_error[between].max())
    # Where in its step a spike falls changes with the step too, so no single ratio is 4.
    assert errors[0] / errors[2] > 8.0, errors


# --- limits ------------------------------------------------------------------------------------

LIF = {"cm": 1.0, "tau_m": 20.0, "v_rest": -65.0, "v_reset": -65.0, "v_thresh": -50.0,
       "e_rev_E": 0.0, "e_rev_I": -70.0, "tau_syn_E": 5.0, "tau_syn_I": 5.0, "tau_refrac": 2.0}
LIF_INPUT = {"excitatory": ([2.0, 5.0, 30.0, 60.0, 61.0], [0.01, 0.1, 0.05, 0.6, 0.01]),
             "inhibitory": ([40.0, 70.0], [0.1, 0.3])}


# Third order against fourth and sixth: 0.6 uS take 6 % of v in a step of 0.1 ms.
@pytest.mark.parametrize("tau_refrac", [0.0, 0.1, 2.0, 2.04])
@pytest.mark.parametrize("dt", [0.1, 0.5])
@pytest.mark.parametrize("name, lif, longest_error", [
    ("EIF_cond_exp_isfa_ista", "IF_cond_exp", 2e-4),
    ("EIF_cond_alpha_isfa_ista", "IF_cond_alpha", 2e-4)])
def test_without_slope_and_adaptation_it_is_the_lif(name, lif, longest_error, dt, tau_refrac):
    p = {**LIF, "tau_refrac": tau_refrac, "i_offset": 0.9}
    expected, v_lif = simulate(getattr(sim, lif)(**p), dt, 100.0, inputs=LIF_INPUT)
    # v_spike plays no part then, wherever it is
    for v_spike in (-40.0, -60.0, 30.0):
        cell = getattr(sim, name)(**p, delta_T=0.0, a=0.0, b=0.0, v_spike=v_spike)
        spikes, v = simulate(cell, dt, 100.0, inputs=LIF_INPUT, v=-65.0)
        assert len(expected) > 4
        assert spikes.tolist() == expected.tolist()
        assert np.abs(v["v"] - v_lif["v"]).max() < longest_error


def test_a_tiny_slope_is_nearly_the_lif():
    # The sharp threshold is reached within the step, so that spikes are up to a step early.
    p = {**LIF, "i_offset": 0.9}
    expected, v_lif = simulate(sim.IF_cond_exp(**p), 0.01, 100.0, inputs=LIF_INPUT)
    spikes, v = simulate(sim.EIF_cond_exp_isfa_ista(**p, delta_T=1e-3, a=0.0, b=0.0), 0.01, 100.0,
                         inputs=LIF_INPUT, v=-65.0)
    assert len(spikes) == len(expected)
    assert np.abs(spikes - expected).max() < 0.01 * len(expected)
    until = round(expected[0] / 0.01) - 1
    assert np.abs(v["v"] - v_lif["v"])[:until].max() < 1e-6


def test_adaptation_goes_on_in_a_cell_that_never_spikes():
    # Linear then: v and w follow the matrix exponential.
    from scipy.linalg import expm
    p = {**sim.EIF_cond_exp_isfa_ista.default_parameters, "delta_T": 0.0, "i_offset": 0.2}
    _, signals = simulate(sim.EIF_cond_exp_isfa_ista(delta_T=0.0, i_offset=0.2), 0.1, 100.0,
                          ("v", "w"), v=-70.6, w=0.0)
    matrix = np.array([[-1.0 / p["tau_m"], -1.0 / p["cm"]],
                       [1e-3 * p["a"] / p["tau_w"], -1.0 / p["tau_w"]]])
    rest = -np.linalg.solve(matrix, [0.2 / p["cm"], 0.0])
    for step in (1, 10, 333, 1000):
        x = rest + expm(matrix * 0.1 * step) @ (-rest)
        assert signals["v"][step] == pytest.approx(-70.6 + x[0], abs=1e-6)
        assert signals["w"][step] == pytest.approx(x[1], abs=1e-9)
