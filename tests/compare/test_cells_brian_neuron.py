"""
Hodgkin-Huxley cells against Brian 2, in the words of its users; and cells against pyNN.neuron.
"""

import numpy as np
import pytest

laconeu = pytest.importorskip("pyNN.laconeu")

pytestmark = pytest.mark.compare


def rates(spikes):
    """Hz of each cell: the mean over all intervals but the first; 0 for fewer than 4 spikes."""
    return np.array([1000.0 * (len(train) - 2) / (train[-1] - train[1]) if len(train) > 3 else 0.0
                     for train in spikes])


def simulate(sim, cell, dt, t_stop, **initial):
    """[spike times of each cell]."""
    sim.setup(timestep=dt, min_delay=dt)
    cells = sim.Population(*cell(sim))
    cells.initialize(**initial)
    cells.record("spikes")
    sim.run(t_stop)
    trains = [np.asarray(train.magnitude) for train in cells.get_data().segments[0].spiketrains]
    sim.end()
    return trains


def test_the_f_i_curve_of_the_traub_miles_cell_is_that_of_brian():
    b2 = pytest.importorskip("brian2")
    b2.prefs.codegen.target = "numpy"
    b2.start_scope()
    b2.defaultclock.dt = 0.02 * b2.ms
    currents = np.linspace(0.0, 1.5, 16)
    area = 20000 * b2.umetre ** 2
    namespace = {
        "Cm": 1 * b2.ufarad * b2.cm ** -2 * area, "gl": 5e-5 * b2.siemens * b2.cm ** -2 * area,
        "El": -65 * b2.mV, "EK": -90 * b2.mV, "ENa": 50 * b2.mV, "VT": -63 * b2.mV,
        "g_na": 100 * b2.msiemens * b2.cm ** -2 * area,
        "g_kd": 30 * b2.msiemens * b2.cm ** -2 * area}
    cells = b2.NeuronGroup(len(currents), """
        dv/dt = (gl*(El-v) - g_na*(m*m*m)*h*(v-ENa) - g_kd*(n*n*n*n)*(v-EK) + I)/Cm : volt
        dm/dt = 0.32*(mV**-1)*4*mV/exprel((13*mV-v+VT)/(4*mV))/ms*(1-m)
            - 0.28*(mV**-1)*5*mV/exprel((v-VT-40*mV)/(5*mV))/ms*m : 1
        dn/dt = 0.032*(mV**-1)*5*mV/exprel((15*mV-v+VT)/(5*mV))/ms*(1.-n)
            - 0.5*exp((10*mV-v+VT)/(40*mV))/ms*n : 1
        dh/dt = 0.128*exp((17*mV-v+VT)/(18*mV))/ms*(1.-h)
            - 4./(1+exp((40*mV-v+VT)/(5*mV)))/ms*h : 1
        I : amp
        """, threshold="v > -33*mV", refractory="v > -33*mV", method="rk4",
        namespace=namespace)
    cells.v, cells.h, cells.I = -65 * b2.mV, 1.0, currents * b2.nA
    monitor = b2.SpikeMonitor(cells)
    network = b2.Network(cells, monitor)
    network.run(200 * b2.ms)
    theirs = rates([np.asarray(train / b2.ms) for train in monitor.spike_trains().values()])
    # area 20000 um2: 5e-5 S/cm2 are 0.01 uS, 1 uF/cm2 are 0.2 nF; all else is PyNN's default
    ours = rates(simulate(laconeu, lambda sim: (len(currents), sim.HH_cond_exp(
        gbar_Na=20.0, gbar_K=6.0, g_leak=0.01, cm=0.2, v_offset=-63.0, i_offset=currents)),
        0.1, 200.0, v=-65.0, h=1.0, m=0.0, n=0.0))
    assert (ours > 0).sum() > 10 and ours[0] == theirs[0] == 0.0
    np.testing.assert_allclose(ours, theirs, rtol=0.0, atol=1.0)


# NEURON stamps where v rises through a threshold, by the time step, and integrates by backward
# Euler. Rates are to be compared, not steps.
@pytest.mark.parametrize("name, closeness, parameters", [
    ("HH_cond_exp", 0.02, {"i_offset": [0.5, 0.7, 1.0]}),
    ("EIF_cond_exp_isfa_ista", 0.01, {"i_offset": [0.8, 1.0, 1.5]}),
    ("EIF_cond_alpha_isfa_ista", 0.01, {"i_offset": [0.8, 1.0, 1.5]}),
    ("IF_cond_exp_gsfa_grr", 0.01, {"i_offset": [1.5, 2.0, 3.0]})])
def test_rates_are_those_of_neuron(name, closeness, parameters):
    neuron = pytest.importorskip("pyNN.neuron")
    both = [rates(simulate(sim, lambda sim: (3, getattr(sim, name)(**parameters)), 0.01, 300.0))
            for sim in (laconeu, neuron)]
    assert (both[0] > 10.0).all()
    np.testing.assert_allclose(*both, rtol=closeness)
