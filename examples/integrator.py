"""
Tuned integrator: 60 cells weigh the same 60 noisy sources by ever more.

The tuned Poisson input of ring.py reaches 60 IF_cond_alpha cells, all to all. The weight from
source i to cell j is 0.6 uS * rate_i / max(rate) * j / 59: cell 0 hears nothing, cell 59 sums
the input weighted by how well each source knows the stimulus.

    python examples/integrator.py [backend] [--plot integrator.png]
"""

import numpy as np
from ring import DT, POSITION, N, command_line, headless_pyplot, load, tuned_rates


def build(sim, rates=None, simtime=20000.0, seed=42):
    """Set `sim` up; return the input and the output population, recording spikes."""
    rates = tuned_rates() if rates is None else rates  # Hz
    sim.setup(timestep=DT, rng_seed=seed)
    source = sim.Population(N, sim.SpikeSourcePoisson(rate=rates, duration=simtime), label="input")
    output = sim.Population(N, sim.IF_cond_alpha(), label="output")
    connections = sim.Projection(
        source, output, connector=sim.AllToAllConnector(), synapse_type=sim.StaticSynapse()
    )
    weights = 0.6 * rates[:, None] / rates.max() * np.linspace(0, 1, N)[None, :]
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
    """Rates of the input along the ring, and of the output against the weight."""
    plt = headless_pyplot()
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    left.bar(360 * POSITION, 1e3 * spike_counts(source) / simtime, 5, color="tab:gray")
    left.plot(360 * POSITION, tuned_rates(), "k--", label="imposed rate")
    left.set(xlabel="preferred direction (degrees)", ylabel="rate (Hz)", title="input")
    left.legend(frameon=False)
    right.plot(0.6 * np.linspace(0, 1, N), 1e3 * spike_counts(output) / simtime, ".-")
    right.set(xlabel="weight of the best source (uS)", ylabel="rate (Hz)", title="output")
    figure.savefig(filename, dpi=120)
    plt.close(figure)


def main():
    options = command_line(__doc__, simtime=20000.0).parse_args()
    source, output = run(load(options.backend), simtime=options.simtime)
    print(f"Integrator, {options.simtime:g} ms of pyNN.{options.backend}")
    print(f"  input   mean spike count {source.mean_spike_count():7.1f}")
    print(f"  output  mean spike count {output.mean_spike_count():7.1f}, "
          f"strongest cell {spike_counts(output)[-1]}")
    if options.plot:
        plot(source, output, options.simtime, options.plot)
        print("Figure saved in", options.plot)


if __name__ == "__main__":
    main()
