"""Networks that use all that threads share, for ThreadSanitizer to watch.

It reports each access to memory that two threads make with nothing to order them, whether or not
anything came of it this time; the exit status is then 66. The kernels must be built with
LACONEU_SANITIZE=thread, and its library loaded first:

    LD_PRELOAD="$(gcc -print-file-name=libtsan.so)" python tests/check_races.py

Spikes and samples must also be the same with 2 and with 3 threads.
"""

import sys

import numpy as np
import pyNN.laconeu as sim
from pyNN.random import NumpyRNG
from pyNN_laconeu.kernels import engine

DELAYS = (0.1, 0.2, 0.5, 1.5)  # ms; half of all but the first is an interval, in "exp"


def network(threads, shape, delay, more):
    """Cells with this postsynaptic response; sources in lists and without; rows and bundles.

    more: "plastic" or "junctions" makes some, or None.
    """
    sim.setup(timestep=0.1, threads=threads)
    rng = NumpyRNG(seed=1)
    exc = sim.Population(301, getattr(sim, f"IF_curr_{shape}")(i_offset=0.9))
    inh = sim.Population(77, getattr(sim, "IF_curr_delta" if shape == "delta" else
                                     f"IF_cond_{shape}")(i_offset=0.9))
    noise = sim.Population(exc.size, sim.SpikeSourcePoisson(rate=800.0))
    sim.Projection(noise, exc, sim.OneToOneConnector(), sim.StaticSynapse(weight=0.3, delay=0.3))
    clock = sim.Population(9, sim.SpikeSourceArray(spike_times=np.arange(0.0, 60.0, 1.7)))
    gamma = sim.Population(9, sim.SpikeSourceGamma(alpha=2.0, beta=100.0))
    for pre in (exc, inh, clock, gamma):
        for post in (exc, inh):
            inhibitory = pre is inh and post is exc or pre is inh and shape == "delta"
            sim.Projection(pre, post, sim.FixedProbabilityConnector(0.1, rng=rng),
                           sim.StaticSynapse(weight=-0.05 if inhibitory else 0.01, delay=delay),
                           receptor_type="inhibitory" if pre is inh else "excitatory")
    depressing = sim.Projection(exc, inh, sim.FixedProbabilityConnector(0.1, rng=rng),
                                sim.TsodyksMarkramSynapse(weight=0.001, delay=delay))
    depressing.record("x", connections=[0, 5], sampling_interval=0.2)
    if more == "plastic":
        sim.Projection(exc, exc, sim.FixedProbabilityConnector(0.1, rng=rng), sim.STDPMechanism(
            timing_dependence=sim.SpikePairRule(A_plus=0.01, A_minus=0.01),
            weight_dependence=sim.AdditiveWeightDependence(w_max=0.1), weight=0.01, delay=delay))
    elif more == "junctions":
        sim.Projection(exc, exc, sim.FixedProbabilityConnector(0.01, rng=rng),
                       sim.ElectricalSynapse(weight=0.001))
    exc.record(["spikes", "v"])
    inh.record(["spikes", "v"])
    for duration in (20.0, 0.1, 0.3, 10.0):
        sim.run(duration)
    return [(
        [train.magnitude.tolist() for train in segment.spiketrains],
        segment.filter(name="v")[0].magnitude.tobytes())
        for segment in (cells.get_data().segments[0] for cells in (exc, inh))]


def main():
    with open(engine.__file__, "rb") as module:
        if b"__tsan_read" not in module.read():
            sys.exit("the kernels were not built with LACONEU_SANITIZE=thread")
    for shape in ("exp", "alpha", "delta"):
        for delay in DELAYS:
            for more in (None, "plastic", "junctions"):
                two, three = (network(threads, shape, delay, more) for threads in (2, 3))
                n_spikes = sum(len(train) for trains, _ in two for train in trains)
                if two != three or n_spikes < 100:
                    sys.exit(f"{shape}, {delay} ms, {more}: {n_spikes} spikes, or not the same "
                             "with 3 threads")
    print(f"{3 * len(DELAYS) * 3} networks, 2 and 3 threads: the same spikes and potentials")


if __name__ == "__main__":
    main()
