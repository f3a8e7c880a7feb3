"""
IF_cond_exp_gsfa_grr and IF_facets_hardware1 against DOP853 with spikes on the grid.
"""

import numpy as np
import pyNN.laconeu as sim
import pytest
from one_cell import Input, simulate, solve

NO_SPIKES = 1e9  # mV, as threshold


def reference(p, dt, t_stop, inputs, current, v):
    """(spike times, samples of v, g_s, g_r), g_s and g_r in nS, by DOP853."""
    arriving = Input(p, "exp", inputs, current)
    adapting = "tau_sfa" in p

    def slope(t, y, begin, held):
        v, g_s, g_r = y
        g, pull = arriving.conductance(t, begin)
        total = p["cm"] / p["tau_m"] * (p["v_rest"] - v) + arriving.injected(begin) + pull - g * v
        if not adapting:
            return [0.0 if held else total / p["cm"], 0.0, 0.0]
        total += 1e-3 * (g_s * (p["e_rev_sfa"] - v) + g_r * (p["e_rev_rr"] - v))
        return [0.0 if held else total / p["cm"], -g_s / p["tau_sfa"], -g_r / p["tau_rr"]]

    refractory = dt * np.ceil(p["tau_refrac"] / dt - 1e-6)
    return solve(slope, [v, 0.0, 0.0], t_stop, dt, arriving.kinks,
                 on_grid=lambda y: y[0] >= p["v_thresh"], refractory=refractory,
                 reset=lambda y: [p["v_reset"], y[1] + p.get("q_sfa", 0.0),
                                  y[2] + p.get("q_rr", 0.0)])[:2]


VOLLEYS = {"excitatory": ([2.0, 5.0, 5.5, 11.0, 30.0, 31.0, 60.0, 80.0, 95.0],
                          [0.6, 0.05, 0.6, 0.01, 0.3, 0.1, 0.6, 0.4, 0.2]),
           "inhibitory": ([4.0, 30.0, 61.0, 90.0], [0.2, 0.6, 0.1, 0.6])}
STEPS = ([3.0, 47.0, 70.0], [0.5, -0.3, 1.5])


@pytest.mark.parametrize("n_spikes, parameters, inputs, current", [
    (9, {}, VOLLEYS, None),
    (11, {"i_offset": 1.5}, VOLLEYS, STEPS),
    (6, {"i_offset": 3.0}, None, None),
    (11, {"i_offset": 3.0, "q_rr": 0.0, "tau_sfa": 20.0, "e_rev_sfa": -90.0}, None, None),
    (10, {"q_rr": 300.0, "tau_rr": 5.0, "e_rev_rr": -70.0, "tau_refrac": 2.0}, VOLLEYS, STEPS),
    (40, {"q_sfa": 100.0, "q_rr": 30.0, "tau_rr": 30.0, "tau_sfa": 30.0, "tau_syn_E": 30.0,
          "tau_refrac": 0.0}, VOLLEYS, None),
], ids=str)
def test_gsfa_grr_follows_its_equations_and_opens_its_conductances_in_nS(
        n_spikes, parameters, inputs, current):
    cell = sim.IF_cond_exp_gsfa_grr(**parameters)
    p = {**cell.default_parameters, **parameters}
    spikes, signals = simulate(cell, 0.1, 100.0, ("v", "g_s", "g_r"), inputs, current, v=-65.0)
    expected, samples = reference(p, 0.1, 100.0, inputs, current, -65.0)
    assert len(expected) == n_spikes
    assert spikes == pytest.approx(expected, abs=1e-9)
    # 1e-5 mV is for 0.6 uS; q_rr opens 3 uS more at a spike.
    assert np.abs(signals["v"] - samples[:, 0]).max() < (1e-5 if p["q_rr"] <= 600.0 else 2e-5)
    # exact: sums of some 30 exponentials, of up to 1e5 nS
    assert signals["g_s"] == pytest.approx(samples[:, 1], rel=1e-9, abs=1e-9)
    assert signals["g_r"] == pytest.approx(samples[:, 2], rel=1e-9, abs=1e-9)


def test_each_spike_adds_q_sfa_and_q_rr_at_its_own_grid_point():
    spikes, signals = simulate(sim.IF_cond_exp_gsfa_grr(i_offset=3.0), 0.1, 100.0, ("g_s", "g_r"))
    assert len(spikes) == 6
    t = np.arange(1001) * 0.1
    for name, jump, tau in (("g_s", 15.0, 100.0), ("g_r", 3000.0, 2.0)):
        expected = sum(jump * np.exp(-(t - spike) / tau) * (t > spike - 0.05) for spike in spikes)
        assert signals[name] == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("initial", [{"g_s": 15.0}, {"g_r": 3000.0}])
def test_initial_conductances_act_in_nS(initial):
    (name, nS), = initial.items()
    _, signals = simulate(sim.IF_cond_exp_gsfa_grr(tau_sfa=1e9, tau_rr=1e9), 0.1, 200.0, v=-65.0,
                          **initial)
    g, leak = 1e-3 * nS, 1.0 / 20.0
    rest = (leak * -65.0 + g * -75.0) / (leak + g)
    t = np.arange(2001) * 0.1
    assert signals["v"] == pytest.approx(rest + (-65.0 - rest) * np.exp(-(leak + g) * t), abs=1e-5)


# Where both loops exist in one text, their rounding is the same; without jumps g_s and g_r are 0.
@pytest.mark.parametrize("inputs, current", [(None, None), (VOLLEYS, None), (VOLLEYS, STEPS)],
                         ids=["constant", "volleys", "volleys and steps"])
@pytest.mark.parametrize("dt", [0.1, 0.25, 1.0])
def test_without_adaptation_gsfa_grr_is_if_cond_exp(dt, inputs, current):
    p = {"i_offset": 1.1, "tau_refrac": 2.0}
    plain, expected = simulate(sim.IF_cond_exp(**p), dt, 100.0, inputs=inputs, current=current)
    spikes, v = simulate(sim.IF_cond_exp_gsfa_grr(**p, q_sfa=0.0, q_rr=0.0), dt, 100.0,
                         inputs=inputs, current=current)
    assert len(plain) > 2 and spikes.tolist() == plain.tolist()
    assert v["v"].tolist() == expected["v"].tolist()


@pytest.mark.parametrize("n_spikes, parameters", [
    (58, {}), (58, {"g_leak": 20.0}), (9, {"g_leak": 100.0, "tau_syn_E": 5.0}),
    (71, {"v_reset": -60.0, "v_thresh": -50.0, "e_rev_I": -65.0, "v_rest": -63.0})], ids=str)
def test_facets_cells_are_within_1e_5_mV(n_spikes, parameters):
    # The capacity is 0.2 nF, so 0.12 uS are to it what 0.6 uS are to 1 nF.
    inputs = {receptor: (times, [0.2 * w for w in weights])
              for receptor, (times, weights) in VOLLEYS.items()}
    cell = sim.IF_facets_hardware1(**parameters)
    p = {**cell.default_parameters, **parameters}
    p |= {"cm": 0.2, "tau_m": 0.2 / (1e-3 * p["g_leak"]), "tau_refrac": 1.0, "e_rev_E": 0.0}
    spikes, v = simulate(cell, 0.1, 100.0, inputs=inputs, v=-65.0)
    expected, samples = reference(p, 0.1, 100.0, inputs, None, -65.0)
    assert len(expected) == n_spikes
    assert spikes == pytest.approx(expected, abs=1e-9)
    assert np.abs(v["v"] - samples[:, 0]).max() < 1e-5


@pytest.mark.parametrize("dt", [0.1, 0.5])
def test_facets_is_if_cond_exp_with_what_the_hardware_fixes(dt):
    equal = {"cm": 0.2, "tau_m": 0.2 / (1e-3 * 40.0), "tau_refrac": 1.0, "e_rev_E": 0.0,
             "tau_syn_E": 30.0, "tau_syn_I": 30.0, "v_reset": -80.0, "e_rev_I": -80.0,
             "v_rest": -65.0, "v_thresh": -55.0}
    plain, expected = simulate(sim.IF_cond_exp(**equal), dt, 100.0, inputs=VOLLEYS, v=-65.0)
    spikes, v = simulate(sim.IF_facets_hardware1(), dt, 100.0, inputs=VOLLEYS, v=-65.0)
    assert len(plain) > 10 and spikes.tolist() == plain.tolist()
    assert v["v"].tolist() == expected["v"].tolist()
