"""
Tsodyks-Markram and stochastic synapses on pyNN.laconeu and on pyNN.nest, spike by spike.
"""

import numpy as np
import pytest

pytest.importorskip("nest")
nest = pytest.importorskip("pyNN.nest")
laconeu = pytest.importorskip("pyNN.laconeu")

pytestmark = pytest.mark.compare
DT = 0.1  # ms
SPIKES = [10, 110, 160, 210, 600, 610, 1500]  # steps


def conductance(sim, synapse_type, tau_syn=5.0):
    """gsyn_exc of a cell that receives SPIKES, and the amplitude of each."""
    sim.setup(timestep=DT, min_delay=DT, spike_precision="on_grid")
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=DT * np.array(SPIKES)))
    cell = sim.Population(1, sim.IF_cond_exp(tau_syn_E=tau_syn, v_thresh=1e6))
    cell.record("gsyn_exc")
    sim.Projection(source, cell, sim.AllToAllConnector(), synapse_type)
    sim.run(160.0)
    g = cell.get_data().segments[0].filter(name="gsyn_exc")[0].magnitude[:, 0]
    sim.end()
    return g, (g[1:] - g[:-1] * np.exp(-DT / tau_syn))[np.array(SPIKES) + 4]


@pytest.mark.parametrize("parameters", [
    {"U": 0.3, "tau_rec": 80.0, "tau_facil": 40.0}, {"U": 0.5, "tau_rec": 800.0, "tau_facil": 0.0},
    {"U": 0.04, "tau_rec": 100.0, "tau_facil": 1000.0}])
def test_tsodyks_markram_transmits_what_nest_transmits(parameters):
    (g, ours), (their_g, theirs) = (
        conductance(sim, sim.TsodyksMarkramSynapse(weight=0.01, delay=0.5, **parameters))
        for sim in (laconeu, nest))
    # NEST integrates the conductance to 1e-6 relative
    assert ours == pytest.approx(theirs, rel=1e-6, abs=1e-9)
    assert g == pytest.approx(their_g, rel=1e-5, abs=1e-9)


def test_a_site_counts_with_the_whole_weight():
    parameters = {"weight": 0.01, "delay": 0.5, "U": 1.0, "n": 5, "tau_rec": 0.01}
    ours, theirs = (conductance(sim, sim.MultiQuantalSynapse(**parameters))[1]
                    for sim in (laconeu, nest))
    assert ours == pytest.approx(0.05)
    # without initialize(a=n) NEST starts with one site
    assert theirs[1:] == pytest.approx(0.05, rel=1e-6)


def test_a_certain_transmission_is_a_static_one():
    parameters = {"weight": 0.01, "delay": 0.5, "p": 1.0}
    ours, theirs = (conductance(sim, sim.SimpleStochasticSynapse(**parameters))[1]
                    for sim in (laconeu, nest))
    assert ours == pytest.approx(theirs, rel=1e-6)
