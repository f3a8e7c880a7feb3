"""
STDP on pyNN.laconeu and on pyNN.nest: the same spikes change the weights in the same way.

Spike times are fixed: sources emit given trains, and each cell spikes when a strong input of its
own makes it, at the same step on both backends (the test checks that it does).
"""

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("nest")
nest = pytest.importorskip("pyNN.nest")
laconeu = pytest.importorskip("pyNN.laconeu")

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples"))

import stdp  # noqa: E402
from test_lecture_nest import Replay  # noqa: E402

pytestmark = pytest.mark.compare
DT = 0.1  # ms
N_PRE, N_POST = 7, 5
DEPENDENCES = {
    "additive": lambda sim: sim.AdditiveWeightDependence(w_max=0.02),
    "multiplicative": lambda sim: sim.MultiplicativeWeightDependence(w_max=0.02),
    "mixed": lambda sim: sim.AdditivePotentiationMultiplicativeDepression(w_max=0.02),
    "gutig": lambda sim: sim.GutigWeightDependence(w_max=0.02, mu_plus=0.5, mu_minus=0.5),
}  # pyNN.nest ignores Guetig's mu_plus and mu_minus and always has 0.5


def trains(draw, n, highest):
    """n trains of ms, on the grid of steps, each with two spikes in one step."""
    drawn = [np.sort(draw.integers(10, 10 * highest, 60)) for _ in range(n)]
    return [DT * np.sort(np.append(train, train[30])) - 1e-3 for train in drawn]


def run(sim, dependence, delays):
    """(weights, spikes of the cells in steps) after 1000 ms."""
    draw = np.random.default_rng(3)
    sim.setup(timestep=DT, min_delay=DT, spike_precision="on_grid")
    source = sim.Population(N_PRE, sim.SpikeSourceArray(
        spike_times=trains(draw, N_PRE, 990)))
    driver = sim.Population(N_POST, sim.SpikeSourceArray(
        spike_times=trains(draw, N_POST, 990)))
    cells = sim.Population(N_POST, sim.IF_curr_exp(tau_refrac=0.5, tau_syn_E=0.5))
    cells.record("spikes")
    sim.Projection(driver, cells, sim.OneToOneConnector(), sim.StaticSynapse(weight=80.0,
                                                                            delay=DT))
    weights = draw.uniform(0.0, 0.02, (N_PRE, N_POST))
    plastic = sim.Projection(source, cells, sim.AllToAllConnector(), sim.STDPMechanism(
        sim.SpikePairRule(tau_plus=18.0, tau_minus=25.0, A_plus=0.03, A_minus=0.02),
        DEPENDENCES[dependence](sim), weight=0.01, delay=delays or 9.0))
    plastic.set(weight=weights)  # pyNN.nest takes no array as a parameter of STDPMechanism
    if delays is None:  # NEST keeps post spikes no longer than the delays given at first need
        plastic.set(delay=DT * draw.integers(1, 90, weights.shape))
    sim.run(1000.0)
    found = plastic.get("weight", format="array")
    spikes = sorted(cells.get_data().segments[0].spiketrains,
                    key=lambda train: train.annotations["source_index"])
    sim.end()
    return weights, found, [np.rint(train.magnitude / DT).tolist() for train in spikes]


@pytest.mark.parametrize("delays", [DT, 1.5, 8.0, None])
@pytest.mark.parametrize("dependence", sorted(DEPENDENCES))
def test_weights_are_those_of_nest(dependence, delays):
    before, theirs, their_spikes = run(nest, dependence, delays)
    _, ours, our_spikes = run(laconeu, dependence, delays)
    assert our_spikes == their_spikes
    assert sum(map(len, our_spikes)) > 100
    assert np.abs(ours - before).max() > 1e-3
    # NEST works in units of w_max, and sums traces in another order
    assert ours == pytest.approx(theirs, rel=1e-6, abs=1e-12)


def test_the_lecture_learns_the_same_receptive_fields():
    theirs, ours = (stdp.run(Replay(sim), samples=1) for sim in (nest, laconeu))
    assert ours[0].mean_spike_count() == theirs[0].mean_spike_count()
    assert ours[1].mean_spike_count() > 50
    assert ours[1].mean_spike_count() == pytest.approx(theirs[1].mean_spike_count(), rel=0.01)
    (_, our_weights), (_, their_weights) = ours[3], theirs[3]
    assert np.array_equal(np.isnan(our_weights), np.isnan(their_weights))
    # a spike on the edge of threshold may go either way, and weights of its cell with it
    assert np.nanmean(np.abs(our_weights - their_weights)) < 0.01 * np.nanmean(their_weights)
