"""
Synchrony detector: spikes sent at once are heard at once only where the delays agree.

60 buffer cells fire together, driven by a current that is on for a fifth of every 200 ms.
60 relay cells repeat a buffer's spike when Poisson noise helps them. Each relay reaches each of
60 detectors, with delays 6 + |N(0, sigma_j)| ms whose spread sigma_j grows from 0 (detector 0)
to 25 ms (detector 59): the more dispersed the delays, the fewer volleys a detector sees. Koenig,
Engel and Singer (1996), doi:10.1016/S0166-2236(96)80019-1, call such a cell coincidence detector.

The second network adds 60 inhibitory cells, which hear the relays late (delays 2 + |N(0, 50)|)
and silence one detector each. After it has been set up, the first network's detectors are
compared with the second's, from the populations themselves: their data must outlive setup().

    python examples/synchrony.py [backend] [--plot synchrony.png]
"""

import numpy as np
from integrator import spike_counts
from ring import DT, N, command_line, draw_raster, headless_pyplot, load, tuned_rates

DISPERSION = np.linspace(0, 25, N)  # ms, one per detector
MAX_DELAY = 250.0  # ms


def build(sim, inhibition=False, simtime=20000.0, seed=42):
    """Set `sim` up; return the populations by name, recording their spikes."""
    sim.setup(timestep=DT, max_delay=MAX_DELAY, rng_seed=seed)
    rng = np.random.RandomState(seed)
    noise = sim.SpikeSourcePoisson(rate=tuned_rates(base=4.0), duration=simtime)
    network = {"noise": sim.Population(N, noise, label="noise")}
    for name in ("buffer", "relay", "detector") + inhibition * ("inhibitory",):
        network[name] = sim.Population(N, sim.IF_cond_alpha(), label=name)

    times = np.arange(0, simtime, DT)
    volley = 1.0 * (np.sin(2 * np.pi * times / 200) > 0.8)  # nA
    sim.StepCurrentSource(times=times, amplitudes=volley).inject_into(network["buffer"])

    for name, weight in (("buffer", 0.3), ("noise", 0.15)):
        sim.Projection(network[name], network["relay"], sim.OneToOneConnector(),
                       sim.StaticSynapse(weight=weight))

    def listen(name, weight, delays):
        connections = sim.Projection(
            network["relay"], network[name], sim.AllToAllConnector(), sim.StaticSynapse()
        )
        connections.set(weight=np.full((N, N), weight))
        connections.set(delay=delays)

    listen("detector", 0.06, 6 + np.abs(rng.normal(0, DISPERSION, size=(N, N))))
    if inhibition:
        listen("inhibitory", 0.25, 2 + np.abs(rng.normal(0, 50, size=(N, N))))
        sim.Projection(network["inhibitory"], network["detector"], sim.OneToOneConnector(),
                       sim.StaticSynapse(weight=5.4, delay=1.0), receptor_type="inhibitory")
    for population in network.values():
        population.record("spikes")
    return network


def run(sim, inhibition=False, simtime=20000.0, seed=42):
    """Simulate; return the populations, whose data are read after end()."""
    network = build(sim, inhibition, simtime, seed)
    sim.run(simtime)
    sim.end()
    return network


def plot(excitatory, inhibited, simtime, filename):
    """A second of spikes of both networks, and how often their detectors fire by dispersion."""
    plt = headless_pyplot()
    figure, axes = plt.subplot_mosaic([["before", "rate"], ["after", "rate"]], figsize=(11, 7),
                                      height_ratios=(3, 4), layout="constrained")
    start = 200.0 * (simtime // 400)
    networks = {"without inhibition": excitatory, "with inhibition": inhibited}
    colours = dict(buffer="tab:gray", relay="tab:green", detector="tab:orange",
                   inhibitory="tab:blue")
    for axis, (title, network) in zip((axes["before"], axes["after"]), networks.items()):
        names = [name for name in ("buffer", "relay", "inhibitory", "detector") if name in network]
        for floor, name in enumerate(names):
            draw_raster(axis, network[name].get_data().segments[0].spiketrains,
                        70 * floor + np.arange(N), ms=3, color=colours[name])
        axis.set(xlim=(start, min(start + 1000.0, simtime)), xlabel="time (ms)", title=title)
        axis.set(ylim=(-8, 70 * len(names)), ylabel="cells")
        axis.set_yticks(70 * np.arange(len(names)) + 30, names)
    for (label, network), colour in zip(networks.items(), ("tab:orange", "tab:blue")):
        axes["rate"].plot(DISPERSION, 1e3 * spike_counts(network["detector"]) / simtime, "o",
                          ms=4, color=colour, label=label)
    axes["rate"].axhline(5.0, color="0.6", ls=":", label="volleys")
    axes["rate"].set(xlabel="dispersion of the delays (ms)", ylabel="rate of the detector (Hz)",
                     ylim=(-0.1, 5.3), title="the detectors of the two networks")
    axes["rate"].legend(frameon=False)
    figure.savefig(filename, dpi=100)
    plt.close(figure)


def report(title, network):
    """Print the mean spike counts and those of the detectors at either end; return the latter."""
    counts = {name: spike_counts(population) for name, population in network.items()}
    means = ", ".join(f"{name} {count.mean():.1f}" for name, count in counts.items())
    detector = counts["detector"]
    print(f" {title}, mean spike counts: {means}")
    print(f"  detectors: 10 least dispersed {detector[:10].mean():.1f}, "
          f"10 most dispersed {detector[-10:].mean():.1f}")
    return detector


def main():
    options = command_line(__doc__, simtime=20000.0).parse_args()
    sim = load(options.backend)
    print(f"Synchrony detector, 2 x {options.simtime:g} ms of pyNN.{options.backend}")
    excitatory = run(sim, inhibition=False, simtime=options.simtime)
    before = report("without inhibition", excitatory)
    inhibited = run(sim, inhibition=True, simtime=options.simtime)
    report("with inhibition", inhibited)

    after = spike_counts(excitatory["detector"])
    if np.array_equal(before, after):
        lost = 1 - spike_counts(inhibited["detector"]).sum() / max(after.sum(), 1)
        print(f" both read now: inhibition takes {100 * lost:.0f} % of the detectors' spikes")
    else:
        print(" the first network's data were spoiled by the second setup() of this backend")
    if options.plot:
        plot(excitatory, inhibited, options.simtime, options.plot)
        print("Figure saved in", options.plot)


if __name__ == "__main__":
    main()
