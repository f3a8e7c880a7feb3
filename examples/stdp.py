"""
Receptive fields learned by STDP: 60 cells listen to 60 sources tuned to a direction.

The tuned Poisson input of ring.py reaches 60 IF_cond_alpha cells through plastic synapses that
start from random weights. The rule is pair-based, with multiplicative weight dependence (Rubin,
Lee and Sompolinsky 2001, doi:10.1103/PhysRevLett.86.364): sources that fire just before a cell
does become strong, those that fire after it weak. Every cell becomes tuned to the direction shown,
and fires ever more.

The fields are what learning looks like on its way. Under this rule all weights tend to nearly the
same, A+ tau+ / (A+ tau+ + A- tau-) of w_max, whatever the rates, and busy sources merely arrive
first: after 100 s (--simtime 100000) the fields have faded. stdp_weights.py shows the rule whose
differences last.

    python examples/stdp.py [backend] [--plot stdp.png]
"""

import numpy as np
from ring import DT, POSITION, N, command_line, headless_pyplot, load, selectivity, tuned_rates

RULE = dict(tau_plus=30.0, tau_minus=40.0, A_plus=0.01, A_minus=0.012)  # ms, of w_max
W_MAX = 0.5  # uS
SAMPLES = 40  # of the weights, in the course of the run


def build(sim, rates=None, simtime=20000.0, seed=42):
    """Set `sim` up; return input, output (both recording spikes) and the plastic projection."""
    rates = tuned_rates(base=0.5, gain=6.0) if rates is None else rates  # Hz
    sim.setup(timestep=DT, rng_seed=seed)
    source = sim.Population(N, sim.SpikeSourcePoisson(rate=rates, duration=simtime), label="input")
    output = sim.Population(N, sim.IF_cond_alpha(), label="output")
    stdp = sim.STDPMechanism(
        timing_dependence=sim.SpikePairRule(**RULE),
        weight_dependence=sim.MultiplicativeWeightDependence(w_min=0.0, w_max=W_MAX),
        delay=1.5,
    )
    connections = sim.Projection(source, output, sim.FixedProbabilityConnector(0.9), stdp)
    connections.set(weight=0.15 * np.random.RandomState(seed).rand(N, N))
    for population in (source, output):
        population.record("spikes")
    return source, output, connections


def run_and_sample(sim, connections, simtime, samples):
    """Run; return (times in ms, weights in uS [time, source, cell], NaN where no synapse is).

    pyNN.laconeu records weights as it records potentials; other backends are stopped and asked.
    """
    every = simtime / samples
    if abs(every / DT - round(every / DT)) > 1e-9:
        raise ValueError(f"simtime {simtime} ms: not {samples} times a multiple of {DT} ms")
    times = every * np.arange(samples + 1)
    if hasattr(connections, "record"):
        connections.record("weight", sampling_interval=every)
        sim.run(simtime)
        signal = connections.get_data().segments[0].analogsignals[0]
        pairs = (signal.array_annotations[side + "synaptic_index"] for side in ("pre", "post"))
        weights = np.full((samples + 1, connections.pre.size, connections.post.size), np.nan)
        weights[(slice(None), *pairs)] = signal.magnitude
        return times, weights
    weights = [connections.get("weight", format="array")]
    for _ in range(samples):
        sim.run(every)
        weights.append(connections.get("weight", format="array"))
    return times, np.array(weights)


def run(sim, rates=None, simtime=20000.0, seed=42, samples=SAMPLES):
    """Simulate; return both populations, and times and weights as run_and_sample() does."""
    source, output, connections = build(sim, rates, simtime, seed)
    times, weights = run_and_sample(sim, connections, simtime, samples)
    sim.end()
    return source, output, times, weights


def fields(weights):
    """Mean weight of each source's synapses, [..., source], from weights [..., source, cell]."""
    return np.nanmean(weights, axis=-1)


def plot(times, weights, filename):
    """The weights before, during and after; the mean field as it grows; their distribution."""
    plt = headless_pyplot()
    degrees, shown = 360 * POSITION, (0, len(times) // 2, len(times) - 1)
    figure, axes = plt.subplot_mosaic([["0", "1", "2"], ["field", "growth", "weights"]],
                                      figsize=(12, 7), layout="constrained")
    for panel, (when, at) in enumerate(zip(("before", "during", "after"), shown)):
        axis = axes[str(panel)]
        image = axis.imshow(weights[at].T, origin="lower", vmin=0.0, vmax=np.nanmax(weights[-1]),
                            extent=(0, 360, 0, N), aspect="auto")
        axis.set(xlabel="direction of the source (degrees)", ylabel="cell",
                 title=f"{when}: {times[at] / 1e3:g} s")
        label = f"{times[at] / 1e3:g} s"
        axes["field"].plot(degrees, fields(weights[at]), label=label)
        axes["weights"].hist(weights[at][np.isfinite(weights[at])], np.linspace(0, W_MAX, 51),
                             histtype="step", label=label)
    figure.colorbar(image, ax=[axes["0"], axes["1"], axes["2"]], label="weight (uS)")
    axes["field"].set(xlabel="direction of the source (degrees)", ylabel="weight (uS)",
                      title="mean over the cells", ylim=(0, None))
    axes["field"].legend(frameon=False)
    axes["growth"].imshow(fields(weights).T, origin="lower", aspect="auto",
                          extent=(0, times[-1] / 1e3, 0, 360), norm=image.norm)
    axes["growth"].set(xlabel="time (s)", ylabel="direction (degrees)",
                       title="the mean field in the course of time")
    axes["weights"].set(xlabel="weight (uS)", ylabel="synapses", title="distribution",
                        xlim=(0, 0.6 * W_MAX))
    axes["weights"].legend(frameon=False)
    for axis in (*(axes[name].xaxis for name in ("0", "1", "2", "field")), axes["growth"].yaxis):
        axis.set_ticks((0, 90, 180, 270, 360))
    figure.savefig(filename, dpi=90)
    plt.close(figure)


def main():
    options = command_line(__doc__, simtime=20000.0).parse_args()
    source, output, times, weights = run(load(options.backend), simtime=options.simtime)
    print(f"STDP, {options.simtime:g} ms of pyNN.{options.backend}")
    print(f"  input   mean spike count {source.mean_spike_count():7.1f}")
    print(f"  output  mean spike count {output.mean_spike_count():7.1f}")
    tuned = np.abs(POSITION - 0.5) < 0.125
    for name, at in (("before", 0), ("during", len(times) // 2), ("after", -1)):
        print(f"  {name:6s}  mean weight of the best tuned sources "
              f"{np.nanmean(weights[at][tuned]):.4f} uS, of the others "
              f"{np.nanmean(weights[at][~tuned]):.4f} uS, "
              f"selectivity {selectivity(fields(weights[at])):.2f}")
    if options.plot:
        plot(times, weights, options.plot)
        print("Figure saved in", options.plot)


if __name__ == "__main__":
    main()
