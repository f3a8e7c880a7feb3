"""Small networks of which every bit is known: it is the same on any machine.

Each runs on every instruction set that this installation has and the processor can, on 1, 2 and 3
threads. EXPECTED is what it gave where this was written; `python -m pyNN_laconeu.command.selftest`
prints what it gives here.
"""

import hashlib
import json
import os
import subprocess
import sys

import numpy as np
from pyNN.random import NumpyRNG

import pyNN_laconeu as sim

THREADS = (1, 2, 3)
DURATION = 200.0  # ms
N = 41  # cells of each type; no number of threads divides it
# Weights that make each type fire at some 10 to 100 Hz (nA, uS; mV for IF_curr_delta).
WEIGHTS = {"IF_curr_exp": 0.8, "IF_curr_alpha": 1.0, "IF_curr_delta": 1.5, "Izhikevich": 4.0,
           "IF_cond_exp": 0.01, "IF_cond_alpha": 0.06, "IF_cond_exp_gsfa_grr": 0.03,
           "IF_facets_hardware1": 0.002, "EIF_cond_exp_isfa_ista": 0.015,
           "EIF_cond_alpha_isfa_ista": 0.01, "HH_cond_exp": 0.03, "GIF_cond_exp": 0.05}
# Network -> spikes, digest. To be written anew with every intended change of a result.
EXPECTED = {"cells": [11630, "7cbeebe9a743c998"], "synapses": [820, "2d56f2aa264e5e97"]}


def cells():
    """Every standard cell type, with noise, Poisson input and inhibition of its own kind."""
    rng = NumpyRNG(1)
    noise = sim.Population(20, sim.SpikeSourcePoisson(rate=100.0))
    for name, weight in WEIGHTS.items():
        neurons = sim.Population(N, getattr(sim, name)(), label=name)
        sign = 1.0 if neurons.celltype.conductance_based else -1.0
        sim.Projection(noise, neurons, sim.FixedProbabilityConnector(0.5, rng=rng),
                       sim.StaticSynapse(weight=weight, delay=0.7))
        sim.Projection(neurons, neurons, sim.FixedProbabilityConnector(0.1, rng=rng),
                       sim.StaticSynapse(weight=sign * weight, delay=1.3),
                       receptor_type="inhibitory")
        sim.NoisyCurrentSource(mean=0.0, stdev=0.01).inject_into(neurons)
        neurons.record(["spikes", "v"])
        yield neurons


def synapses():
    """Learning, facilitating and unreliable connections."""
    rng = NumpyRNG(2)
    noise = sim.Population(N, sim.SpikeSourcePoisson(rate=60.0))
    neurons = sim.Population(N, sim.IF_cond_exp(tau_refrac=2.0))
    plastic = sim.STDPMechanism(
        timing_dependence=sim.SpikePairRule(A_plus=0.02, A_minus=0.024),
        weight_dependence=sim.AdditiveWeightDependence(w_max=0.02), weight=0.01, delay=1.5)
    connector = sim.FixedProbabilityConnector(0.5, rng=rng)
    learnt = sim.Projection(noise, neurons, connector, plastic)
    for kind in (sim.TsodyksMarkramSynapse(U=0.3, tau_rec=100.0, tau_facil=50.0, weight=0.01),
                 sim.SimpleStochasticSynapse(p=0.4, weight=0.01)):
        sim.Projection(neurons, neurons, connector, kind, receptor_type="inhibitory")
    neurons.record(["spikes", "v", "gsyn_exc"])
    yield neurons
    yield learnt


NETWORKS = {"cells": cells, "synapses": synapses}


def result(network, threads):
    """[number of spikes, digest of every spike, sample and learnt weight] of one run."""
    sim.setup(timestep=0.1, threads=threads, rng_seed=7)
    parts = list(NETWORKS[network]())
    sim.run(DURATION)
    n_spikes, digest = 0, hashlib.sha256()
    for part in parts:
        if isinstance(part, sim.Projection):
            weights = np.nan_to_num(part.get("weight", format="array"))  # nan: not connected
            digest.update(np.ascontiguousarray(weights, "<f8"))
            continue
        segment = part.get_data().segments[0]
        channels, times = segment.spiketrains.multiplexed
        n_spikes += len(times)
        digest.update(np.ascontiguousarray(channels, "<i8"))
        digest.update(np.ascontiguousarray(times.magnitude, "<f8"))
        for signal in segment.analogsignals:
            digest.update(np.ascontiguousarray(signal.magnitude, "<f8"))
    return [n_spikes, digest.hexdigest()[:16]]


def results():
    """{network: [result for each number of threads]} on the instruction set in use."""
    return {network: [result(network, threads) for threads in THREADS] for network in NETWORKS}


def begin(variant):
    """A process at work on the results on one instruction set; `judged` reads it."""
    return subprocess.Popen([sys.executable, "-m", __name__], text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, env=os.environ | {"LACONEU_ISA": variant})


def judged(process):
    """What a process of `begin` found: [(passed, what)] with one line for each network."""
    output, errors = process.communicate()
    if process.returncode != 0:
        last = (errors.strip().splitlines() or ["no message"])[-1]
        return [(False, f"ended with status {process.returncode}: {last}")]
    lines = []
    for network, found in json.loads(output).items():
        expected = EXPECTED[network]
        wrong = [f"{threads} threads gave {n_spikes} spikes, {digest}"
                 for threads, (n_spikes, digest) in zip(THREADS, found)
                 if [n_spikes, digest] != expected]
        lines.append((not wrong, f"{network}, {', '.join(map(str, THREADS))} threads: " + (
            f"not {expected[0]} spikes, {expected[1]}: {'; '.join(wrong)}" if wrong
            else f"{expected[0]} spikes, {expected[1]}")))
    return lines


if __name__ == "__main__":
    print(json.dumps(results()))
