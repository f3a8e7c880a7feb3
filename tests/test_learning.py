"""
What plastic synapses learn, as the papers that proposed the rules report it.
"""

import numpy as np
import pyNN.laconeu as sim
import pytest


def song_abbott(dependence, simtime):
    """Weights, in units of their maximum, of 200 synapses from Poisson sources to one cell.

    The cell and its input are those of Song, Miller and Abbott (2000), doi:10.1038/78829, with a
    fifth of the synapses, each five times as strong, and twice the amplitude.
    """
    sim.setup(timestep=0.1, rng_seed=1)
    strongest = 0.00075  # uS
    source = sim.Population(200, sim.SpikeSourcePoisson(rate=20.0))
    inhibition = sim.Population(200, sim.SpikeSourcePoisson(rate=10.0))
    cell = sim.Population(1, sim.IF_cond_exp(
        tau_m=20.0, cm=0.2, v_rest=-70.0, v_thresh=-54.0, v_reset=-60.0, e_rev_E=0.0,
        e_rev_I=-70.0, tau_syn_E=5.0, tau_syn_I=5.0, tau_refrac=1.0))
    rule = sim.STDPMechanism(sim.SpikePairRule(A_plus=0.01, A_minus=0.0105),
                             dependence(w_max=strongest), weight=strongest / 2)
    plastic = sim.Projection(source, cell, sim.AllToAllConnector(), rule,
                             receptor_type="excitatory")
    sim.Projection(inhibition, cell, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.0005),
                   receptor_type="inhibitory")
    sim.run(simtime)
    return np.array(plastic.get("weight", format="list", with_address=False)) / strongest


def test_additive_weights_become_bimodal():
    weights = song_abbott(sim.AdditiveWeightDependence, 100000.0)
    lowest, low, middle, high, highest = np.histogram(weights, bins=5, range=(0, 1))[0]
    # seed 1: 126, 10, 5, 5, 54
    assert lowest > 5 * max(low, middle) and highest > 5 * max(middle, high)
    assert lowest + highest > 0.8 * weights.size


def test_multiplicative_weights_stay_unimodal():
    # van Rossum, Bi and Turrigiano (2000), doi:10.1523/JNEUROSCI.20-23-08812.2000
    weights = song_abbott(sim.MultiplicativeWeightDependence, 20000.0)
    counts = np.histogram(weights, bins=5, range=(0, 1))[0]
    assert counts[2] > 0.9 * weights.size and counts[0] == counts[4] == 0


@pytest.mark.parametrize("rho", [3.0, 10.0])
def test_inhibitory_plasticity_brings_the_rate_to_its_target(rho):
    # Vogels et al. (2011), doi:10.1126/science.1211095
    sim.setup(timestep=0.1, rng_seed=1)
    excitation = sim.Population(400, sim.SpikeSourcePoisson(rate=20.0))
    inhibition = sim.Population(100, sim.SpikeSourcePoisson(rate=20.0))
    cells = sim.Population(20, sim.IF_curr_exp(tau_m=20.0))
    cells.record("spikes")
    sim.Projection(excitation, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.075))
    rule = sim.STDPMechanism(sim.Vogels2011Rule(eta=0.005, rho=rho),
                             sim.AdditiveWeightDependence(w_max=-5.0), weight=0.0, delay=0.5)
    plastic = sim.Projection(inhibition, cells, sim.AllToAllConnector(), rule,
                             receptor_type="inhibitory")
    sim.run(10000.0)
    before = cells.mean_spike_count()
    sim.run(15000.0)
    found = (cells.mean_spike_count() - before) / 15.0
    # Inhibition delays the spikes that it meets, so that pairs are fewer than by chance: the rate
    # settles a little above. Without plasticity it is above 30 Hz.
    assert found == pytest.approx(rho, rel=0.12)
    assert -5.0 < plastic.get("weight", format="array").min()
