"""
HH_cond_exp against DOP853: times of peaks, potential and gates, the f-I curve.

A spike is stamped with the end of the step in which v has begun to fall from its peak.
"""

from functools import cache
from math import exp, expm1

import numpy as np
import pyNN.laconeu as sim
import pytest
from one_cell import Input, simulate, solve

START = {"v": -65.0, "m": 0.0, "h": 1.0, "n": 0.0}  # PyNN's


def vtrap(x):
    """x / (exp(x) - 1)."""
    return 1.0 - x / 2.0 if abs(x) < 1e-7 else x / expm1(x)


def rates(u):
    """(alpha, beta) of m, h and n, 1/ms, u mV above v_offset."""
    return ((1.28 * vtrap((13.0 - u) / 4.0), 1.4 * vtrap((u - 40.0) / 5.0)),
            (0.128 * exp((17.0 - u) / 18.0), 4.0 / (1.0 + exp((40.0 - u) / 5.0))),
            (0.16 * vtrap((15.0 - u) / 5.0), 0.5 * exp((10.0 - u) / 40.0)))


def reference(p, t_stop, dt, inputs=None, current=None, tolerance=1e-10):
    """(times of peaks above v_offset + 30, samples of v, m, h, n)."""
    arriving = Input(p, "exp", inputs, current)

    def slope(t, y, begin, held):
        v, m, h, n = y
        g, pull = arriving.conductance(t, begin)
        g_Na, g_K = p["gbar_Na"] * m ** 3 * h, p["gbar_K"] * n ** 4
        current = (g_Na * (p["e_rev_Na"] - v) + g_K * (p["e_rev_K"] - v) + pull - g * v
                   + p["g_leak"] * (p["e_rev_leak"] - v) + arriving.injected(begin))
        return [current / p["cm"], *(a * (1.0 - x) - b * x for (a, b), x in zip(
            rates(v - p["v_offset"]), (m, h, n)))]

    def climbing(t, y):
        return slope(t, y, max([0.0, *(k for k in arriving.kinks if k <= t + 1e-9)]), False)[0]

    _, samples, tops = solve(slope, list(START.values()), t_stop, dt, arriving.kinks,
                             events=climbing, tolerance=tolerance)
    peaks = [t for t, y in tops if y[0] > p["v_offset"] + 30.0]
    return np.array(peaks), samples


@cache
def current_driven(i_offset, t_stop=200.0):
    """The reference at dt = 0.1 under a constant current."""
    return reference({**sim.HH_cond_exp.default_parameters, "i_offset": i_offset}, t_stop, 0.1)


def between(samples, spikes, peaks, dt):
    """Which samples are 2 ms or more away from any spike."""
    t = np.arange(len(samples)) * dt
    away = np.ones(len(t), bool)
    for spike in (*spikes, *peaks):
        away &= np.abs(t - spike) > 2.0
    assert away.sum() > 50
    return away


@pytest.mark.parametrize("i_offset, n_spikes", [(1.0, 26), (0.5, 16), (0.7, 20)])
def test_spikes_are_within_150_us_of_the_peaks_after_200_ms(i_offset, n_spikes):
    peaks, samples = current_driven(i_offset)
    spikes, signals = simulate(sim.HH_cond_exp(i_offset=i_offset), 0.1, 200.0, START, **START)
    assert len(peaks) == len(spikes) == n_spikes
    late = spikes - peaks
    # stamped with the next grid point, by 0.1 ms at most, and 0.035 ms of drift
    assert late.min() >= 0.0 and late.max() < 0.15
    away = between(samples, spikes, peaks, 0.1)
    # 0.04 ms of phase at 5 mV/ms; gates follow v
    for name, column, most in (("v", 0, 0.3), ("m", 1, 2e-3), ("h", 2, 1e-2), ("n", 3, 1e-2)):
        assert np.abs(signals[name] - samples[:, column])[away].max() < most, name


PULSES = {"excitatory": ([10.0, 20.0, 20.0, 33.0, 50.0, 80.0, 81.0, 82.0, 120.0],
                         [0.02, 0.05, 0.03, 0.3, 0.01, 0.3, 0.3, 0.3, 0.6]),
          "inhibitory": ([15.0, 60.0, 100.0, 121.0], [0.05, 0.1, 0.02, 0.5])}
STEPS = ([5.0, 40.0, 90.0, 91.5, 150.0], [0.5, -0.3, 1.5, 0.0, 0.9])


@pytest.mark.parametrize("n_spikes, parameters, current", [
    (3, {}, None), (16, {"i_offset": 0.5}, None), (11, {}, STEPS)], ids=str)
def test_pulses_of_conductance_and_steps_of_current_are_followed(n_spikes, parameters, current):
    cell = sim.HH_cond_exp(**parameters)
    p = {**cell.default_parameters, **parameters}
    peaks, samples = reference(p, 200.0, 0.1, PULSES, current)
    spikes, signals = simulate(cell, 0.1, 200.0, START, PULSES, current, **START)
    assert len(peaks) == len(spikes) == n_spikes
    late = spikes - peaks
    assert late.min() >= 0.0 and late.max() < 0.15
    away = between(samples, spikes, peaks, 0.1)
    assert np.abs(signals["v"] - samples[:, 0])[away].max() < 0.3
    for column, name in enumerate(START):
        if name != "v":
            assert np.abs(signals[name] - samples[:, column])[away].max() < 1e-2, name


def test_it_converges_with_the_fourth_order():
    errors = []
    samples = reference({**sim.HH_cond_exp.default_parameters, "i_offset": 1.0}, 12.0, 0.01,
                        tolerance=1e-12)[1]
    steps = (0.01, 0.005, 0.0025)
    for dt in steps:
        _, signals = simulate(sim.HH_cond_exp(i_offset=1.0), dt, 12.0, START, **START)
        errors.append([np.abs(signals[name][::round(0.01 / dt)] - samples[:, column]).max()
                       for column, name in enumerate(START)])
    orders = np.log2(np.divide(errors[:-1], errors[1:]))
    assert np.abs(orders - 4.0).max() < 0.1, errors


def test_long_steps_are_made_of_short_substeps():
    v = {dt: simulate(sim.HH_cond_exp(i_offset=1.0), dt, 50.0, **START)[1]["v"]
         for dt in (0.1, 0.5, 1.0)}
    assert np.ptp(v[0.1]) > 100.0  # it spikes
    for dt in (0.5, 1.0):
        # the last bits of step constants; spikes let them grow
        assert v[dt] == pytest.approx(v[0.1][::round(dt / 0.1)], abs=1e-6)


@pytest.mark.parametrize("dt", [0.25, 0.5, 1.0])
def test_no_spike_is_lost_between_the_points_of_a_coarse_grid(dt):
    # v is above v_offset + 30 for less than 1 ms.
    peaks, _ = current_driven(1.0)
    spikes, _ = simulate(sim.HH_cond_exp(i_offset=1.0), dt, 200.0, **START)
    assert len(spikes) == len(peaks)
    assert (spikes > peaks).all() and (spikes - peaks).max() < dt + 0.1


def rate(spikes):
    """Hz: the mean over all intervals but the first."""
    return 1000.0 * (len(spikes) - 2) / (spikes[-1] - spikes[1])


@pytest.mark.parametrize("i_offset", [0.3, 0.7, 1.0, 1.5])
def test_rates_against_current_are_within_1_Hz(i_offset):
    peaks, _ = current_driven(i_offset)
    spikes, _ = simulate(sim.HH_cond_exp(i_offset=i_offset), 0.1, 200.0, **START)
    assert len(spikes) > 8
    assert rate(spikes) == pytest.approx(rate(peaks), abs=1.0)


def test_the_rest_is_where_all_currents_cancel():
    from scipy.optimize import brentq
    p = sim.HH_cond_exp.default_parameters

    def net(v):
        m, h, n = (a / (a + b) for a, b in rates(v - p["v_offset"]))
        return (p["gbar_Na"] * m ** 3 * h * (p["e_rev_Na"] - v) + p["g_leak"] * (
            p["e_rev_leak"] - v) + p["gbar_K"] * n ** 4 * (p["e_rev_K"] - v))
    rest = brentq(net, -80.0, -60.0, xtol=1e-12)
    _, signals = simulate(sim.HH_cond_exp(), 0.1, 3000.0, START, **START)
    assert signals["v"][-1] == pytest.approx(rest, abs=1e-6)
    for name, (a, b) in zip("mhn", rates(rest - p["v_offset"])):
        assert signals[name][-1] == pytest.approx(a / (a + b), abs=1e-7)


# The three removable singularities of the rates, and their neighbours.
@pytest.mark.parametrize("u", [13.0, 40.0, 15.0])
@pytest.mark.parametrize("off", [0.0, 1e-12, -1e-12, 1e-7, -1e-7, 3.9e-4, 4.1e-4, -4.1e-4, 4.9e-4,
                                 5.1e-4, -5.1e-4, 1e-3])
def test_rates_are_regular_at_their_singularities(u, off):
    # v is clamped by a huge capacity: gates then relax with constant rates.
    v = -63.0 + u + off
    _, signals = simulate(sim.HH_cond_exp(cm=1e12), 0.01, 1.0, "mhn", v=v, m=0.3, h=0.6, n=0.1)
    for name, start, (a, b) in zip("mhn", (0.3, 0.6, 0.1), rates(v + 63.0)):
        rest = a / (a + b)
        # 100 relaxations by the Pade-like quotient: 1e-11 seen
        assert signals[name][-1] == pytest.approx(
            rest + (start - rest) * exp(-(a + b) * 1.0), abs=1e-9)


@pytest.mark.parametrize("name, values", [
    ("i_offset", np.linspace(0.0, 2.0, 21)), ("cm", np.linspace(0.1, 0.3, 21))])
def test_a_neighbour_that_spikes_changes_no_bit(name, values):
    """Cells whose step is taken again in halves are packed; the others' is not."""
    def v_of(n, **parameters):
        sim.setup(timestep=0.1)
        cells = sim.Population(n, sim.HH_cond_exp(**{"i_offset": 0.2, **parameters}))
        pulses = sim.Population(1, sim.SpikeSourceArray(spike_times=[5.0, 12.0, 12.1]))
        sim.Projection(pulses, cells, sim.AllToAllConnector(),
                       sim.StaticSynapse(weight=0.02, delay=1.0))
        cells.record("v")
        sim.run(50.0)
        return cells.get_data().segments[0].analogsignals[0].magnitude
    together = v_of(len(values), **{name: values})
    spiking = together > 0.0
    assert (spiking.any(axis=1) & ~spiking.all(axis=1)).any()  # not all at a time
    for k, value in enumerate(values):
        assert (v_of(1, **{name: value})[:, 0] == together[:, k]).all()
