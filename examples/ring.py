"""
Ring model: a population that sharpens its tuning with feed-forward inhibition.

60 Poisson sources stand on a ring and prefer one direction each; a stimulus at 180 degrees
makes those near it fire most. They excite 60 conductance-based cells through a circular
(Toeplitz) weight matrix, first alone, then together with 60 inhibitory cells that see nearly
the whole ring. Excitation takes 8 ms and the detour over the inhibitory cells 3 + 5 ms, so
that both arrive together.

Tuning on a ring is the model of Ben-Yishai, Bar-Or and Sompolinsky (1995),
doi:10.1073/pnas.92.9.3844; inhibition that is fed forward, and less tuned, sharpens it in Troyer
et al. (1998), doi:10.1523/JNEUROSCI.18-15-05908.1998.

The lecture does not print its weights. These were chosen so that only the best tuned sources
can fire a cell alone, and so that 3 s give about the lecture's mean spike counts (input 6.7,
excitatory 44, inhibitory 134).

    python examples/ring.py                         # pyNN.laconeu
    python examples/ring.py nest --plot ring.png    # any other backend, and the figure
"""

import argparse
from importlib import import_module

import numpy as np

N = 60
DT = 0.5  # ms
POSITION = np.linspace(0, 1, N)  # preferred direction, in turns

# weight at the centre (uS) and width B of each weight profile
INPUT_TO_EXCITATORY = dict(weight=0.4, width=0.8)
INPUT_TO_INHIBITORY = dict(weight=0.23, width=2.0)
INHIBITORY_TO_EXCITATORY = dict(weight=0.021, width=2.0)


def tuned_rates(base=1.5, gain=3.2, theta=0.5, width=0.61803):
    """Rates (Hz) of the 60 sources: `base` plus a bump of height `gain` around `theta`."""
    return base + gain * np.exp((np.cos(2 * np.pi * (POSITION - theta)) - 1) / width**2)


def ring_weights(weight, width):
    """60 x 60 weights (uS, pre x post) that depend on the distance along the ring only."""
    distance = np.arange(N) / N
    profile = weight * np.exp((np.cos(2 * np.pi * distance) - 1) / width**2)
    shift = np.arange(N)[None, :] - np.arange(N)[:, None]
    return profile[shift % N]


def build(sim, inhibition=True, simtime=3000.0, seed=42):
    """Set `sim` up and return the populations by name, recording their spikes."""

    def project(pre, post, profile, delay, receptor_type="excitatory"):
        connections = sim.Projection(
            pre, post, sim.AllToAllConnector(), sim.StaticSynapse(), receptor_type=receptor_type
        )
        connections.set(weight=ring_weights(**profile))
        connections.set(delay=delay)

    sim.setup(timestep=DT, rng_seed=seed)
    source = sim.SpikeSourcePoisson(rate=tuned_rates(), duration=simtime)
    network = {
        "input": sim.Population(N, source, label="input"),
        "excitatory": sim.Population(N, sim.IF_cond_alpha(), label="excitatory"),
    }
    project(network["input"], network["excitatory"], INPUT_TO_EXCITATORY, 8.0)
    if inhibition:
        network["inhibitory"] = sim.Population(N, sim.IF_cond_alpha(), label="inhibitory")
        project(network["input"], network["inhibitory"], INPUT_TO_INHIBITORY, 3.0)
        project(network["inhibitory"], network["excitatory"], INHIBITORY_TO_EXCITATORY, 5.0,
                receptor_type="inhibitory")
    for population in network.values():
        population.record("spikes")
    return network


def run(sim, inhibition=True, simtime=3000.0, seed=42):
    """Simulate; return {population: (spike count of each cell, its spike trains)}."""
    network = build(sim, inhibition, simtime, seed)
    sim.run(simtime)
    sim.end()
    result = {}
    for name, population in network.items():
        counts = population.get_spike_counts()
        counts = np.array([counts[cell] for cell in population.all_cells])
        result[name] = counts, population.get_data().segments[0].spiketrains
    return result


def selectivity(counts):
    """Length of the population vector: 0 for no tuning, 1 if all spikes are at one place."""
    return abs(np.sum(counts * np.exp(2j * np.pi * POSITION))) / max(counts.sum(), 1)


def plot(alone, inhibited, simtime, filename):
    """Rasters on the left, the tuning of each population on the right."""
    plt = headless_pyplot()
    rows = [
        ("input", inhibited["input"], "tab:gray"),
        ("excitatory, no inhibition", alone["excitatory"], "tab:orange"),
        ("excitatory, with inhibition", inhibited["excitatory"], "tab:red"),
        ("inhibitory", inhibited["inhibitory"], "tab:blue"),
    ]
    degrees = 360 * POSITION
    figure, axes = plt.subplots(
        4, 2, figsize=(10, 8.5), sharex="col", width_ratios=(2.4, 1), layout="constrained"
    )
    for (raster, tuning), (title, (counts, trains), colour) in zip(axes, rows):
        draw_raster(raster, trains, degrees, ms=2.5, color=colour)
        raster.set(title=title, ylabel="preferred direction\n(degrees)", xlim=(0, simtime))
        raster.set(yticks=(0, 90, 180, 270, 360), ylim=(-8, 368))
        tuning.plot(degrees, 1e3 * counts / simtime, ".-", color=colour)
        tuning.set(title=f"selectivity {selectivity(counts):.2f}", ylabel="rate (Hz)")
        tuning.set(xticks=(0, 90, 180, 270, 360))
        tuning.set_ylim(bottom=0)
    axes[0, 1].plot(degrees, tuned_rates(), "k--", lw=1, label="imposed rate")
    axes[0, 1].set_ylim(top=1.3 * axes[0, 1].get_ylim()[1])
    axes[0, 1].legend(frameon=False, loc="upper left", fontsize="small")
    axes[-1, 0].set_xlabel("time (ms)")
    axes[-1, 1].set_xlabel("preferred direction (degrees)")
    figure.savefig(filename, dpi=100)
    plt.close(figure)


def draw_raster(axis, trains, heights=None, **style):
    """A mark for each spike, at heights[index of its cell] (default: the index itself)."""
    for train in trains:
        index = train.annotations["source_index"]
        height = index if heights is None else heights[index]
        axis.plot(train.magnitude, np.full(len(train), height), "|", **style)


def command_line(description, simtime):
    """The arguments that all examples share: the backend, --simtime and --plot."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("backend", nargs="?", default="laconeu",
                        help="name under pyNN: laconeu (default), nest, neuron, ...")
    parser.add_argument("--simtime", type=float, default=simtime,
                        help="biological time in ms (default: %(default)g)")
    parser.add_argument("--plot", metavar="FILE.png",
                        help="save the figure under this name; needs matplotlib")
    return parser


def headless_pyplot():
    """matplotlib.pyplot drawing into files, imported only where a figure is wanted."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    return plt


def load(backend):
    """The backend as a module: load("nest") is pyNN.nest."""
    return import_module("pyNN." + backend)


def main():
    options = command_line(__doc__, simtime=3000.0).parse_args()
    sim = load(options.backend)
    alone = run(sim, inhibition=False, simtime=options.simtime)
    inhibited = run(sim, inhibition=True, simtime=options.simtime)
    for title, result in (("without inhibition", alone), ("with inhibition", inhibited)):
        print(f"Ring model {title}, {options.simtime:g} ms of pyNN.{options.backend}")
        for name, (counts, _) in result.items():
            print(f"  {name:<10}  mean spike count {counts.mean():6.1f}   "
                  f"mean rate {1e3 * counts.mean() / options.simtime:5.1f} Hz   "
                  f"selectivity {selectivity(counts):.2f}")
    if options.plot:
        plot(alone, inhibited, options.simtime, options.plot)
        print("Figure saved in", options.plot)


if __name__ == "__main__":
    main()
