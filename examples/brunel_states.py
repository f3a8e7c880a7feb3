"""
The four states of Brunel's (2000) network: raster and population rate, rates and CVs by theory.

10 000 excitatory and 2500 inhibitory cells (IF_curr_delta), each with 1000 excitatory and 250
inhibitory synapses from cells drawn at random and a Poisson source of its own in place of 1000
external synapses: Fig. 8 of the paper. Inhibition is g times as strong as excitation, the external
input eta times what takes the mean potential to threshold.

    SR        synchronous regular: nearly all cells fire in turns, like clocks
    SI fast   synchronous irregular: a fast rhythm of the network in which a cell rarely takes part
    AI        asynchronous irregular: a nearly constant rate
    SI slow   synchronous irregular at low rates, a slow rhythm

Beside the network stand two theories of its asynchronous state (brunel_theory.py). Brunel's takes
the input of a cell for white noise, as if all trains of spikes were Poisson; unconnected cells with
such input ("alone") are run to check it. Trains of the network are more regular, so that input
fluctuates less at low frequencies, which makes cells more regular still. The self-consistent
theory accounts for that: in AI it has the network's CV, 0.41 (white noise: 0.68; NEST: 0.41).
Neither knows of a rhythm that cells have in common, which makes other CVs in SR and SI fast.

    python examples/brunel_states.py [backend] [--simtime 1000] [--plot states.png]
    python examples/brunel_states.py --state AI --seed 3 --delay 1.5 --size 12500

N. Brunel (2000), J. Comput. Neurosci. 8:183-208, doi:10.1023/A:1008925309027
"""

import numpy as np
from brunel_theory import (
    C_E,
    GAMMA,
    NU_THRESH,
    STATES,
    TAU,
    TAU_REFRAC,
    THETA,
    V_RESET,
    J,
    cv_of_intervals,
    interval_cv,
    mean_and_noise,
    self_consistent,
    stationary_rates,
)
from pyNN.utility import Timer
from ring import command_line, headless_pyplot, load
from scipy.signal import welch

DT = 0.1  # ms
SETTLING = 200.0  # ms before anything is counted
CELL = dict(tau_m=TAU, cm=1.0, tau_refrac=TAU_REFRAC, v_rest=0.0, v_reset=V_RESET,
            v_thresh=THETA, i_offset=0.0)


def build(sim, g, eta, delay=1.5, size=12500, seed=1, **setup):
    """Set `sim` up and return the E and I populations, recording spikes; `delay` in ms."""
    sim.setup(timestep=DT, min_delay=DT, rng_seed=seed, **setup)
    rng = sim.NativeRNG(seed) if sim.__name__.endswith("laconeu") else sim.NumpyRNG(seed)
    n_exc = round(size / (1.0 + GAMMA))
    network = {name: sim.Population(n, sim.IF_curr_delta(**CELL), label=name)
               for name, n in (("E", n_exc), ("I", size - n_exc))}
    for cells in network.values():
        cells.initialize(v=sim.RandomDistribution("uniform", low=0.0, high=THETA, rng=rng))
        cells.record("spikes")
        drive(sim, cells, eta * NU_THRESH * C_E, J)
    for source, n, weight, receptor_type in (("E", C_E, J, "excitatory"),
                                             ("I", int(GAMMA * C_E), -g * J, "inhibitory")):
        for target in network.values():
            sim.Projection(network[source], target, sim.FixedNumberPreConnector(n, rng=rng),
                           sim.StaticSynapse(weight=weight, delay=delay),
                           receptor_type=receptor_type)
    return network


def drive(sim, cells, rate, weight):
    """Give each cell a Poisson source of `rate` Hz."""
    sources = sim.Population(cells.size, sim.SpikeSourcePoisson(rate=rate),
                             label=f"input to {cells.label}")
    sim.Projection(sources, cells, sim.OneToOneConnector(),
                   sim.StaticSynapse(weight=weight, delay=DT),
                   receptor_type="excitatory" if weight > 0.0 else "inhibitory")


def build_alone(sim, g, eta, size=1000, seed=1):
    """Unconnected cells with Poisson input at the rates of theory."""
    sim.setup(timestep=DT, min_delay=DT, rng_seed=seed)
    nu = stationary_rates(g, eta)[-1]
    cells = sim.Population(size, sim.IF_curr_delta(**CELL), label="E")
    cells.record("spikes")
    drive(sim, cells, C_E * (eta * NU_THRESH + nu), J)
    drive(sim, cells, C_E * GAMMA * nu, -g * J)
    return {"E": cells}


def run(sim, network, simtime):
    """Simulate; return the spikes of the E cells in ms after SETTLING, a list of arrays."""
    sim.run(SETTLING + simtime)
    trains = [np.asarray(train.magnitude) - SETTLING
              for train in network["E"].get_data("spikes").segments[0].spiketrains]
    sim.end()
    return [train[train > 0.5 * DT] for train in trains]


def population_rate(trains, simtime, width=DT):
    """Rate (Hz) of a population in bins of `width` ms, whole time steps."""
    edges = np.arange(round(simtime / width) + 1) * width + 0.5 * DT  # spikes are on the grid
    counts, _ = np.histogram(np.concatenate(trains), edges)
    return 1000.0 * counts / (len(trains) * width)


def cv(trains, simtime):
    """CV of the intervals of all cells, which are alike; nan with fewer than 100 intervals."""
    return cv_of_intervals(np.concatenate([np.diff(train) for train in trains]), simtime + DT)


def synchrony(trains, simtime, width=0.5):
    """Modulation depth of the population rate: its relative standard deviation over time in bins of
    `width` ms, without the part that independent Poisson trains would have. 0: asynchronous.

    With n spikes per bin this is sqrt((Fano factor - 1) / mean n), the same for any size.
    """
    n = population_rate(trains, simtime, width) * len(trains) * width / 1000.0
    return np.sqrt(max(n.var() - n.mean(), 0.0)) / n.mean() if n.any() else np.nan


def spectrum(trains, simtime):
    """Power spectrum of the population rate: (frequencies in Hz, power in Hz)."""
    rate = population_rate(trains, simtime)
    return welch(rate - rate.mean(), fs=1000.0 / DT, nperseg=min(len(rate), round(400.0 / DT)))


def rhythm(trains, simtime, delay=1.5):
    """Frequency (Hz) of the highest peak of that spectrum, from 5 Hz to a tenth above 1 / delay;
    what is faster are harmonics."""
    frequencies, power = spectrum(trains, simtime)
    power[(frequencies < 5.0) | (frequencies > 1100.0 / delay)] = 0.0
    return frequencies[np.argmax(power)]


def plot(results, simtime, filename, shown=60):
    """For each state some cells' spikes, the population rate under them, and its spectrum."""
    plt = headless_pyplot()
    windows = {"SR": 30.0, "SI fast": 80.0, "AI": 80.0, "SI slow": 400.0}  # ms
    figure = plt.figure(figsize=(12, 8), layout="constrained")
    for part, (name, trains) in zip(figure.subfigures(2, 2).flat, results.items()):
        axes = part.subplot_mosaic([["raster", "spectrum"], ["rate", "spectrum"]],
                                   width_ratios=(3, 1.2), height_ratios=(2, 1))
        g, eta = STATES[name]
        nu = stationary_rates(g, eta)[-1]
        width = 1.0 if name == "SI slow" else 2 * DT
        rate = population_rate(trains, simtime, width)
        own = self_consistent(g, eta)
        part.suptitle(f"{name}: g {g:g}, eta {eta:g}; {rate.mean():.1f} Hz, CV "
                      f"{cv(trains, simtime):.2f}\nwhite noise {nu:.1f} Hz, CV "
                      f"{interval_cv(*mean_and_noise(nu, g, eta)):.2f}; self-consistent "
                      f"{own.rate:.1f} Hz, CV {own.cv:.2f}", fontsize="medium")
        window = (max(0.0, simtime - windows[name]), simtime)
        axes["raster"].eventplot(trains[:shown], colors="k", linewidths=0.9, linelengths=0.9)
        axes["raster"].set(ylabel="E cell", xlim=window, ylim=(-1, shown), xticklabels=[])
        time = (np.arange(len(rate)) + 0.5) * width
        axes["rate"].fill_between(time, rate, step="mid", lw=0, color="tab:blue")
        axes["rate"].axhline(own.rate, color="tab:red", lw=1.2)
        axes["rate"].set(xlabel="time (ms)", ylabel="rate (Hz)", xlim=window)
        seen = (time > window[0]) & (time < window[1])
        axes["rate"].set_ylim(0.0, 1.05 * max(rate[seen].max(), own.rate))
        frequencies, power = spectrum(trains, simtime)
        axes["spectrum"].loglog(frequencies[2:], power[2:], lw=0.8, color="tab:blue")
        axes["spectrum"].set_ylim(1e-4 * power.max(), 2.0 * power.max())
        axes["spectrum"].set(xlabel="frequency (Hz)", xlim=(5, 1500), title="power (Hz)")
    figure.savefig(filename, dpi=90)
    plt.close(figure)


def check_size(parser, size):
    """Refuse networks with fewer cells than each cell has synapses."""
    least = round(C_E * (1.0 + GAMMA))
    if size < least:
        parser.error(f"--size {size}: each cell has {least} synapses, which takes as many cells")


def main():
    parser = command_line(__doc__, simtime=1000.0)
    parser.add_argument("--state", choices=list(STATES), help="only this one")
    parser.add_argument("--size", type=int, default=12500, help="cells (default: %(default)d)")
    parser.add_argument("--delay", type=float, default=1.5, help="ms (default: %(default)g)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    check_size(parser, options.size)
    sim = load(options.backend)
    results = {}
    print(f"{options.size} cells, delay {options.delay:g} ms, {options.simtime:g} ms of "
          f"pyNN.{options.backend}\n  in brackets: white-noise theory, cells alone with its "
          f"input; self-consistent theory")
    for name in [options.state] if options.state else STATES:
        g, eta = STATES[name]
        nu, own = stationary_rates(g, eta)[-1], self_consistent(g, eta)
        alone = run(sim, build_alone(sim, g, eta, seed=options.seed), options.simtime)
        timer = Timer()
        network = build(sim, g, eta, options.delay, options.size, options.seed)
        build_time = timer.diff()
        trains = results[name] = run(sim, network, options.simtime)
        run_time = timer.diff()
        rates = [population_rate(x, options.simtime).mean() for x in (trains, alone)]
        cvs = [cv(x, options.simtime) for x in (trains, alone)]
        print(f"  {name:8} {rates[0]:6.1f} Hz ({nu:.1f}, {rates[1]:.1f}; {own.rate:.1f})   "
              f"CV {cvs[0]:.2f} ({interval_cv(*mean_and_noise(nu, g, eta)):.2f}, {cvs[1]:.2f}; "
              f"{own.cv:.2f})   "
              f"rhythm {rhythm(trains, options.simtime, options.delay):.0f} Hz   "
              f"synchrony {synchrony(trains, options.simtime):.2f}   "
              f"build {build_time:.2f} s, "
              f"{1000.0 * run_time / (SETTLING + options.simtime):.2f} s per simulated second")
    if options.plot:
        plot(results, options.simtime, options.plot)
        print("Figure saved in", options.plot)


if __name__ == "__main__":
    main()
