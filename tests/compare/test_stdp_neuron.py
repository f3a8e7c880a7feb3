"""
STDP on pyNN.laconeu and on pyNN.neuron: where the two mean the same, the same weights; where they
do not, the difference is what pyNN.neuron's pairing makes of the same spikes.

pyNN.neuron's mechanisms collect the changes of post spikes and apply them at the next pre spike,
all with the weight that was transmitted last, and limit the sum. For additive changes that is the
same. Its Vogels2011Rule pairs each spike with the last one of the other side only, and takes rho
per ms.
"""

import sys
from math import exp
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("neuron")
neuron = pytest.importorskip("pyNN.neuron")
laconeu = pytest.importorskip("pyNN.laconeu")

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

pytestmark = pytest.mark.compare
DT = 0.1  # ms
RULE = {"tau_plus": 18.0, "tau_minus": 25.0, "A_plus": 0.01, "A_minus": 0.012}
FRACTIONS = [0.0, 0.3, 0.5, 0.9, 1.0]
DELAY = 10  # steps


def spikes():
    """(pre, drive): steps without coincidences at the synapse, for any fraction of the delay."""
    draw = np.random.default_rng(0)
    pre = np.sort(draw.choice(np.arange(20, 9000, 2), 60, replace=False))
    drive = np.sort(draw.choice(np.arange(21, 9000, 60), 60, replace=False))
    # the last one transmits everything
    return np.append(pre, 9500), drive


def run(sim, timing, dependence, fraction, weight=0.5):
    """(final weight, post spikes in steps)"""
    pre, drive = spikes()
    sim.setup(timestep=DT, min_delay=DT)
    source, driver = (sim.Population(1, sim.SpikeSourceArray(spike_times=DT * times))
                      for times in (pre, drive))
    cell = sim.Population(1, sim.IF_curr_exp(tau_refrac=5.0, tau_syn_E=0.5))
    cell.record("spikes")
    sim.Projection(driver, cell, sim.AllToAllConnector(), sim.StaticSynapse(weight=800.0, delay=DT))
    plastic = sim.Projection(source, cell, sim.AllToAllConnector(), sim.STDPMechanism(
        timing(sim), dependence(sim), weight=weight, delay=DELAY * DT,
        dendritic_delay_fraction=fraction))
    sim.run(1000.0)
    found = plastic.get("weight", format="array")[0, 0]
    train = cell.get_data().segments[0].spiketrains[0].magnitude
    sim.end()
    return found, np.rint(train / DT).astype(int).tolist()


def compared(timing, dependence, fraction, theirs_timing=None):
    """Weights of both after the same spikes, and these (pre, post) in steps."""
    ours, post = run(laconeu, timing, dependence, fraction)
    theirs, their_post = run(neuron, theirs_timing or timing, dependence, fraction)
    assert post == their_post and len(post) == 60
    dendritic = int(np.floor(fraction * DELAY + 0.5))
    arrivals = spikes()[0] + DELAY - dendritic, np.array(post) + dendritic
    # NEURON would take coincidences in another order
    assert not np.isin(*arrivals).any()
    return ours, theirs, arrivals


def collecting(weight, arrivals, changes):
    """What pyNN.neuron does; changes: of a kind of spike (weight, ms since each of the other)."""
    events = sorted([(step, "pre") for step in arrivals[0]] + [(step, "post")
                                                               for step in arrivals[1]])
    collected, seen = 0.0, {"pre": [], "post": []}
    for step, kind in events:
        collected += changes[kind](weight, [DT * (step - s) for s in seen[
            "post" if kind == "pre" else "pre"]])
        seen[kind].append(step)
        if kind == "pre":
            weight, collected = min(max(weight + collected, 0.0), 1.0), 0.0
    return weight


def pair(sim):
    return sim.SpikePairRule(**RULE)


@pytest.mark.parametrize("fraction", FRACTIONS)
def test_additive_weights_are_those_of_neuron(fraction):
    ours, theirs, _ = compared(pair, lambda sim: sim.AdditiveWeightDependence(), fraction)
    assert abs(ours - 0.5) > 0.1
    # NEURON moves pre spikes forward by 1e-9 ms
    assert ours == pytest.approx(theirs, rel=1e-6)


@pytest.mark.parametrize("fraction", FRACTIONS)
@pytest.mark.parametrize("name, mu", [("MultiplicativeWeightDependence", (1, 1)),
                                      ("AdditivePotentiationMultiplicativeDepression", (0, 1))])
def test_other_weights_differ_by_when_changes_are_applied(name, mu, fraction):
    ours, theirs, arrivals = compared(pair, lambda sim: getattr(sim, name)(), fraction)
    changes = {
        "pre": lambda w, since: -RULE["A_minus"] * w ** mu[1] * sum(
            exp(-t / RULE["tau_minus"]) for t in since),
        "post": lambda w, since: RULE["A_plus"] * (1.0 - w) ** mu[0] * sum(
            exp(-t / RULE["tau_plus"]) for t in since)}
    assert theirs == pytest.approx(collecting(0.5, arrivals, changes), rel=1e-6)
    # of second order in the amplitudes, one percent of the weight in each of 60 pairs
    assert ours == pytest.approx(theirs, abs=0.02) and ours != pytest.approx(theirs, rel=1e-6)


@pytest.mark.parametrize("fraction", FRACTIONS)
def test_vogels_rule_differs_by_its_pairs_and_the_unit_of_rho(fraction):
    tau, eta, rho = 20.0, 0.004, 60.0
    ours, theirs, arrivals = compared(
        lambda sim: sim.Vogels2011Rule(tau=tau, eta=eta, rho=rho),
        lambda sim: sim.AdditiveWeightDependence(), fraction,
        lambda sim: sim.Vogels2011Rule(tau=tau, eta=eta, rho=rho / 1000.0))
    alpha = 2.0 * rho / 1000.0 * tau

    def nearest(since):
        return exp(-since[-1] / tau) if since else 0.0

    def all_pairs(since):
        return sum(exp(-t / tau) for t in since)

    for found, trace in ((theirs, nearest), (ours, all_pairs)):
        changes = {"pre": lambda w, since, trace=trace: eta * (trace(since) - alpha),
                   "post": lambda w, since, trace=trace: eta * trace(since)}
        assert found == pytest.approx(collecting(0.5, arrivals, changes), rel=1e-6)
    assert 0.1 < ours < 0.9 and abs(ours - theirs) > 1e-3
