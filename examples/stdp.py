"""
Receptive fields learned by STDP: 60 cells listen to 60 sources tuned to a direction.

The tuned Poisson input of ring.py reaches 60 IF_cond_alpha cells through plastic synapses that
start from random weights. Sources that fire together before the cell does grow strong, so every
cell becomes tuned to the direction shown.

    python examples/stdp.py [backend] [--plot stdp.png]
"""

import numpy as np
from ring import DT, POSITION, N, command_line, headless_pyplot, load, tuned_rates


def build(sim, rates=None, simtime=20000.0, seed=42):
    """Set `sim` up; return input, output (both recording spikes) and the plastic projection."""
    rates = tuned_rates(base=0.5, gain=6.0) if rates is None else rates  # Hz
    sim.setup(timestep=DT, rng_seed=seed)
    source = sim.Population(N, sim.SpikeSourcePoisson(rate=rates, duration=simtime), label="input")
    output = sim.Population(N, sim.IF_cond_alpha(), label="output")
    stdp = sim.STDPMechanism(
        timing_dependence=sim.SpikePairRule(tau_plus=30.0, tau_minus=40.0,
                                            A_plus=0.01, A_minus=0.012),
        weight_dependence=sim.MultiplicativeWeightDependence(w_min=0.0, w_max=0.5),
        delay=1.5,
    )
    connections = sim.Projection(source, output, sim.FixedProbabilityConnector(0.9), stdp)
    connections.set(weight=0.15 * np.random.RandomState(seed).rand(N, N))
    for population in (source, output):
        population.record("spikes")
    return source, output, connections


def run(sim, rates=None, simtime=20000.0, seed=42):
    """Simulate; return both populations, and the weights before and after (NaN: no synapse)."""
    source, output, connections = build(sim, rates, simtime, seed)
    before = connections.get("weight", format="array")
    sim.run(simtime)
    after = connections.get("weight", format="array")
    sim.end()
    return source, output, before, after


def plot(before, after, filename):
    """The weights before and after, and their mean over the cells."""
    plt = headless_pyplot()
    figure, axes = plt.subplots(1, 3, figsize=(12, 3.5), layout="constrained")
    for axis, weights, title in zip(axes, (before, after), ("before", "after")):
        image = axis.imshow(weights.T, origin="lower", vmin=0.0, vmax=np.nanmax(after))
        axis.set(xlabel="source", ylabel="cell", title=title)
        axes[2].plot(360 * POSITION, np.nanmean(weights, axis=1), label=title)
    figure.colorbar(image, ax=axes[1], label="weight (uS)")
    axes[2].set(xlabel="preferred direction of the source (degrees)", ylabel="mean weight (uS)")
    axes[2].legend(frameon=False)
    figure.savefig(filename, dpi=120)
    plt.close(figure)


def main():
    options = command_line(__doc__, simtime=20000.0).parse_args()
    source, output, before, after = run(load(options.backend), simtime=options.simtime)
    print(f"STDP, {options.simtime:g} ms of pyNN.{options.backend}")
    print(f"  input   mean spike count {source.mean_spike_count():7.1f}")
    print(f"  output  mean spike count {output.mean_spike_count():7.1f}")
    tuned = np.abs(POSITION - 0.5) < 0.125
    for name, weights in (("before", before), ("after", after)):
        print(f"  {name:6s}  mean weight of the best tuned sources "
              f"{np.nanmean(weights[tuned]):.4f} uS, of the others "
              f"{np.nanmean(weights[~tuned]):.4f} uS")
    if options.plot:
        plot(before, after, options.plot)
        print("Figure saved in", options.plot)


if __name__ == "__main__":
    main()
