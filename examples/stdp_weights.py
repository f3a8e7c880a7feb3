"""
Two rules of STDP, two distributions of weights: the additive one parts them, the other does not.

The cell of Song, Miller and Abbott (2000), doi:10.1038/78829, with half of its excitatory synapses,
each twice as strong: 500 Poisson sources of 20 Hz through plastic synapses, 200 inhibitory ones of
10 Hz. Weights start anywhere between 0 and w_max. A pair of spikes changes a weight by

    additive         + A+ w_max             - A- w_max           held between 0 and w_max
    multiplicative   + A+ (w_max - w)       - A- w

With the additive rule, depression as a whole outweighs potentiation by 5 %, but a strong synapse
takes part in firing the cell, and so is potentiated more: synapses compete, end at either limit,
and the cell comes down to a moderate rate. With the multiplicative rule each weight has a place
to return to, near A+ / (A+ + A-) of w_max: one narrow peak, no competition (van Rossum, Bi and
Turrigiano 2000, doi:10.1523/JNEUROSCI.20-23-08812.2000).

    python examples/stdp_weights.py [backend] [--plot stdp_weights.png]
"""

import numpy as np
from pyNN.random import NumpyRNG, RandomDistribution
from ring import DT, command_line, headless_pyplot, load
from stdp import run_and_sample

A_PLUS, A_MINUS = 0.01, 0.0105
N_SYNAPSES, W_MAX = 500, 0.0003  # uS
RULES = {"additive": "AdditiveWeightDependence",
         "multiplicative": "MultiplicativeWeightDependence"}
SAMPLES = 50  # of the weights, in the course of the run
CELL = dict(cm=0.2, tau_m=20.0, tau_refrac=1.0, tau_syn_E=5.0, tau_syn_I=5.0, v_rest=-70.0,
            v_reset=-60.0, v_thresh=-54.0, e_rev_E=0.0, e_rev_I=-70.0)


def build(sim, rule, seed=42):
    """Set `sim` up; return the cell, recording spikes, and its plastic projection."""
    sim.setup(timestep=DT, rng_seed=seed)
    excitation = sim.Population(N_SYNAPSES, sim.SpikeSourcePoisson(rate=20.0))
    inhibition = sim.Population(200, sim.SpikeSourcePoisson(rate=10.0))
    cell = sim.Population(1, sim.IF_cond_exp(**CELL), label="cell")
    stdp = sim.STDPMechanism(
        timing_dependence=sim.SpikePairRule(tau_plus=20.0, tau_minus=20.0,
                                            A_plus=A_PLUS, A_minus=A_MINUS),
        weight_dependence=getattr(sim, RULES[rule])(w_min=0.0, w_max=W_MAX),
        weight=RandomDistribution("uniform", low=0.0, high=W_MAX, rng=NumpyRNG(seed)),
        delay=DT,
    )
    plastic = sim.Projection(excitation, cell, sim.AllToAllConnector(), stdp,
                             receptor_type="excitatory")
    sim.Projection(inhibition, cell, sim.AllToAllConnector(),
                   sim.StaticSynapse(weight=0.0005, delay=DT), receptor_type="inhibitory")
    cell.record("spikes")
    return cell, plastic


def run(sim, simtime=200000.0, seed=42):
    """{rule: (times in ms, weights in units of w_max [time, synapse], spike times in ms)}."""
    result = {}
    for rule in RULES:
        cell, plastic = build(sim, rule, seed)
        times, weights = run_and_sample(sim, plastic, simtime, SAMPLES)
        spikes = np.array(cell.get_data().segments[0].spiketrains[0].magnitude)
        sim.end()
        result[rule] = times, weights[:, :, 0] / W_MAX, spikes
    return result


def late_rate(times, spikes):
    """Rate of the cell (Hz) in the second half."""
    return 1e3 * np.sum(spikes > times[-1] / 2) / (times[-1] / 2)


def plot(result, filename):
    """Each rule's distribution before and after, and in the course of time; the cell's rates."""
    plt = headless_pyplot()
    figure, axes = plt.subplots(len(RULES), 3, figsize=(12, 6.5), layout="constrained")
    bins = np.linspace(0.0, 1.0, 26)
    for (left, middle, right), (rule, (times, weights, spikes)) in zip(axes, result.items()):
        seconds = times / 1e3
        left.hist(weights[0], bins, color="0.8", label="before")
        left.hist(weights[-1], bins, histtype="step", lw=1.5, label=f"after {seconds[-1]:g} s")
        left.set(xlabel="weight / w_max", ylabel="synapses", xlim=(0, 1), title=rule)
        left.legend(frameon=False)
        density = np.array([np.histogram(sample, bins)[0] for sample in weights]).T
        image = middle.imshow(density, origin="lower", aspect="auto", vmax=80,
                              extent=(0, seconds[-1], 0, 1))
        middle.set(xlabel="time (s)", ylabel="weight / w_max", title="distribution")
        figure.colorbar(image, ax=middle, label="synapses", extend="max")
        counts, edges = np.histogram(spikes / 1e3, 50, range=(0, seconds[-1]))
        right.stairs(counts / np.diff(edges), edges)
        right.set(xlabel="time (s)", ylabel="rate (Hz)", xlim=(0, seconds[-1]),
                  ylim=(0, None), title="the cell")
    figure.savefig(filename, dpi=90)
    plt.close(figure)


def main():
    options = command_line(__doc__, simtime=200000.0).parse_args()
    result = run(load(options.backend), options.simtime)
    print(f"Weights under STDP, {options.simtime:g} ms of pyNN.{options.backend}")
    for rule, (times, weights, spikes) in result.items():
        last = weights[-1]
        print(f"  {rule:14}  mean {last.mean():.3f} w_max, standard deviation {last.std():.3f}, "
              f"{100 * np.mean(last < 0.1):.0f} % below 0.1, {100 * np.mean(last > 0.9):.0f} % "
              f"above 0.9; rate {late_rate(times, spikes):.1f} Hz")
    print(f"  A+ / (A+ + A-)  {A_PLUS / (A_PLUS + A_MINUS):.3f}")
    if options.plot:
        plot(result, options.plot)
        print("Figure saved in", options.plot)


if __name__ == "__main__":
    main()
