"""
Tuned integrator: 60 cells weigh the same 60 noisy sources by ever more.

The tuned Poisson input of ring.py reaches 60 IF_cond_alpha cells, all to all. The weight from
source i to cell j is 0.6 uS * rate_i / max(rate) * j / 59: cell 0 hears nothing, cell 59 sums
the input weighted by how well each source knows the stimulus. All spikes
together come 7 ms apart on average, and the membrane remembers them for 20 ms: such a cell counts
its input, whereas those of synchrony.py hear what comes at once. Koenig, Engel and Singer (1996),
doi:10.1016/S0166-2236(96)80019-1, compare the two.

    python examples/integrator.py [backend] [--plot integrator.png]
"""

import numpy as np
from ring import DT, POSITION, N, command_line, draw_raster, headless_pyplot, load, tuned_rates

WEIGHT = 0.6  # uS, of the best tuned source onto the last cell


def build(sim, rates=None, simtime=20000.0, seed=42):
    """Set `sim` up; return the input and the output population, recording spikes."""
    rates = tuned_rates() if rates is None else rates  # Hz
    sim.setup(timestep=DT, rng_seed=seed)
    source = sim.Population(N, sim.SpikeSourcePoisson(rate=rates, duration=simtime), label="input")
    output = sim.Population(N, sim.IF_cond_alpha(), label="output")
    connections = sim.Projection(
        source, output, connector=sim.AllToAllConnector(), synapse_type=sim.StaticSynapse()
    )
    weights = WEIGHT * rates[:, None] / rates.max() * np.linspace(0, 1, N)[None, :]
    connections.set(weight=weights)
    for population in (source, output):
        population.record("spikes")
    return source, output


def spike_counts(population):
    """Spikes of each cell, in the order of the cells."""
    counts = population.get_spike_counts()
    return np.array([counts[cell] for cell in population.all_cells])


def run(sim, rates=None, simtime=20000.0, seed=42):
    """Simulate; return the two populations, whose data are read after end()."""
    source, output = build(sim, rates, simtime, seed)
    sim.run(simtime)
    sim.end()
    return source, output


def plot(source, output, simtime, filename):
    """Rasters of the last second; rates of the input along the ring, of the output by weight."""
    plt = headless_pyplot()
    figure, ((input_raster, output_raster), (left, right)) = plt.subplots(
        2, 2, figsize=(10, 6.5), layout="constrained")
    degrees, weights = 360 * POSITION, WEIGHT * np.linspace(0, 1, N)
    for axis, population, heights, name, colour in (
        (input_raster, source, degrees, "preferred direction (degrees)", "tab:gray"),
        (output_raster, output, weights, "weight of the best source (uS)", "tab:blue"),
    ):
        trains = population.get_data().segments[0].spiketrains
        draw_raster(axis, trains, heights, ms=4, color=colour)
        axis.set(xlim=(max(0.0, simtime - 1000.0), simtime), xlabel="time (ms)", ylabel=name,
                 ylim=(-0.02 * heights[-1], 1.02 * heights[-1]), title=population.label)
    for axis in (input_raster.yaxis, left.xaxis):
        axis.set_ticks((0, 90, 180, 270, 360))
    left.bar(degrees, 1e3 * spike_counts(source) / simtime, 5, color="tab:gray")
    left.plot(degrees, tuned_rates(), "k--", label="imposed rate")
    left.set(xlabel="preferred direction (degrees)", ylabel="rate (Hz)")
    left.legend(frameon=False)
    right.plot(weights, 1e3 * spike_counts(output) / simtime, ".-")
    right.set(xlabel="weight of the best source (uS)", ylabel="rate (Hz)")
    figure.savefig(filename, dpi=100)
    plt.close(figure)


def main():
    options = command_line(__doc__, simtime=20000.0).parse_args()
    source, output = run(load(options.backend), simtime=options.simtime)
    print(f"Integrator, {options.simtime:g} ms of pyNN.{options.backend}")
    print(f"  input   mean spike count {source.mean_spike_count():7.1f}")
    counts = spike_counts(output)
    firing = np.flatnonzero(counts)
    print(f"  output  mean spike count {counts.mean():7.1f}, strongest cell {counts[-1]}")
    if len(firing):
        print(f"  weakest weight that makes a cell fire: {WEIGHT * firing[0] / (N - 1):.3f} uS")
    if options.plot:
        plot(source, output, options.simtime, options.plot)
        print("Figure saved in", options.plot)


if __name__ == "__main__":
    main()
