"""
The phase diagram of Brunel's (2000) network: rate, CV and synchrony over inhibition and input.

A network of brunel_states.py for each g (inhibition relative to excitation) and eta (external
input relative to threshold), in processes of their own, with both delays of 1.5 and 3 ms. Over
the maps lie the borders of theory (brunel_theory.py), where the state of constant rate loses its
stability; below the dotted line theory also knows a silent state.

The networks are smaller than the paper's (--size), but each cell has all its 1250 synapses, so
that theory is the same; only the cells share more of their input, and the network's rate fluctuates
more. Synchrony is the modulation depth of the population rate, the standard deviation in bins of
0.5 ms, relative to the mean, without what independent Poisson trains would have.

    python examples/brunel_phase_diagram.py --plot phases.png      # a few minutes on two cores
    python examples/brunel_phase_diagram.py --size 12500 --simtime 1000 --plot phases.png
    python examples/brunel_phase_diagram.py --delay 1.5 --n-g 5 --n-eta 4 --workers 1

N. Brunel (2000), J. Comput. Neurosci. 8:183-208, doi:10.1023/A:1008925309027
"""

import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context

import numpy as np
from brunel_states import build, check_size, cv, population_rate, run, synchrony
from brunel_theory import BANDS, STATES, stationary_rates, strongest
from ring import command_line, headless_pyplot, load

MEASURES = ("rate", "CV", "synchrony")
G_RANGE, ETA_RANGE = (2.5, 8.0), (0.6, 3.9)  # of the networks
G_SHOWN, ETA_SHOWN = (2.25, 8.25), (0.45, 4.05)  # in the figure: half a step of 12 x 12 more
LEAST_RATE = 0.5  # Hz; below it a network counts as silent


def available_cores():
    """The number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def measure(backend, g, eta, delay, size, simtime, seed=1):
    """Rate (Hz), CV and synchrony of one network; the last two are nan if it is silent."""
    # One thread: the other cores are other processes'.
    sim, setup = load(backend), {"threads": 1} if backend in ("laconeu", "nest") else {}
    trains = run(sim, build(sim, g, eta, delay, size, seed, **setup), simtime)
    rate = population_rate(trains, simtime).mean()
    if rate < LEAST_RATE:
        return rate, np.nan, np.nan
    return rate, cv(trains, simtime), synchrony(trains, simtime)


def scan(backend, gs, etas, delays, size, simtime, workers):
    """Measures of all networks: array (delay, measure, eta, g). Shows a progress bar.

    The result does not depend on `workers`.
    """
    from tqdm import tqdm  # a progress bar in the terminal

    result = np.full((len(delays), len(MEASURES), len(etas), len(gs)), np.nan)
    # spawn: a simulator with threads does not survive a fork
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        jobs = {pool.submit(measure, backend, g, eta, delay, size, simtime): (i, j, k)
                for i, delay in enumerate(delays)
                for j, eta in enumerate(etas) for k, g in enumerate(gs)}
        for job in tqdm(as_completed(jobs), total=len(jobs), unit="network"):
            i, j, k = jobs[job]
            result[i, :, j, k] = job.result()
    return result


def theory(delay, n=50):
    """gs, etas, {kind of synchrony: largest gain}, numbers of stationary rates; over (eta, g)."""
    gs = np.linspace(*G_SHOWN, n)
    # more densely where the region of SI slow is thin
    etas = np.union1d(np.linspace(*ETA_SHOWN, n), np.linspace(0.8, 1.0, n))
    gains = {name: np.zeros((len(etas), len(gs))) for name in BANDS}
    n_rates = np.zeros((len(etas), len(gs)))
    for j, eta in enumerate(etas):
        for k, g in enumerate(gs):
            n_rates[j, k] = len(stationary_rates(g, eta))
            for name, gain in strongest(g, eta, delay).items():
                gains[name][j, k] = gain
    return gs, etas, gains, n_rates


def plot(gs, etas, delays, result, filename, n=50):
    """A row for each delay; rate, CV and synchrony with the borders of theory (from n values of g).
    """
    plt = headless_pyplot()
    from matplotlib.colors import LogNorm, Normalize

    scales = {"rate": ("rate (Hz)", LogNorm(1, 400), "viridis"),
              "CV": ("CV of intervals", Normalize(0, 1.2), "cividis"),
              "synchrony": ("synchrony", Normalize(0, 2), "magma")}
    colours = {"SR": "tab:red", "SI fast": "tab:cyan", "SI slow": "tab:orange"}
    figure, axes = plt.subplots(len(delays), 3, figsize=(11, 0.6 + 3.5 * len(delays)),
                                squeeze=False, sharex=True, sharey=True, layout="constrained")
    for row, delay, maps in zip(axes, delays, result):
        fine_g, fine_eta, gains, n_rates = theory(delay, n)
        for axis, name, values in zip(row, MEASURES, maps):
            label, norm, palette = scales[name]
            axis.set_facecolor("0.8")
            silent = np.isnan(maps[1])
            image = axis.pcolormesh(gs, etas, np.where(silent, np.nan, values), norm=norm,
                                    cmap=palette, shading="nearest")
            figure.colorbar(image, ax=axis)
            for kind, gain in gains.items():
                if gain.max() > 1.0:
                    axis.contour(fine_g, fine_eta, gain, [1.0], colors=colours[kind], linewidths=2)
            axis.contour(fine_g, fine_eta, n_rates, [1.5], colors="w", linestyles="dotted")
            axis.set(title=f"{label}, delay {delay:g} ms", xlim=G_SHOWN, ylim=ETA_SHOWN)
        row[0].set_ylabel("external input, eta")
    for axis in axes[-1]:
        axis.set_xlabel("inhibition, g")
    if 1.5 in delays:  # the delay with which the paper shows the four states
        for name, (g, eta) in STATES.items():
            axis = axes[delays.index(1.5), 0]
            axis.plot(g, eta, "wo", mec="k", ms=5)
            axis.annotate(name, (g, eta), (5, -11 if eta > 1.0 else 5), color="w",
                          textcoords="offset points", fontsize="small", fontweight="bold")
    lines = [plt.Line2D([], [], color=colour, lw=2, label=f"border of {kind} in theory")
             for kind, colour in colours.items()]
    figure.legend(handles=lines, loc="outside lower center", ncols=3, frameon=False)
    figure.savefig(filename, dpi=90)
    plt.close(figure)


def main():
    parser = command_line(__doc__, simtime=400.0)
    parser.add_argument("--size", type=int, default=5000, help="cells (default: %(default)d)")
    parser.add_argument("--n-g", type=int, default=12, help="values of g (default: %(default)d)")
    parser.add_argument("--n-eta", type=int, default=12, help="of eta (default: %(default)d)")
    parser.add_argument("--delay", type=float, action="append", metavar="MS",
                        help="may be given several times (default: 1.5 and 3)")
    parser.add_argument("--workers", type=int, default=available_cores(),
                        help="processes (default: %(default)d, the cores)")
    options = parser.parse_args()
    check_size(parser, options.size)
    gs, etas = np.linspace(*G_RANGE, options.n_g), np.linspace(*ETA_RANGE, options.n_eta)
    delays = options.delay or [1.5, 3.0]
    result = scan(options.backend, gs, etas, delays, options.size, options.simtime,
                  options.workers)
    for delay, (rates, _, depths) in zip(delays, result):
        expected = np.array([[stationary_rates(g, eta)[-1] for g in gs] for eta in etas])
        stable = np.array([[max(strongest(g, eta, delay).values()) < 1.0 for g in gs]
                           for eta in etas])
        fires = (rates >= LEAST_RATE) & (expected >= LEAST_RATE)
        apart = np.abs(rates / np.where(fires, expected, 1.0) - 1.0)
        print(f"delay {delay:g} ms: {fires.sum()} of {fires.size} networks fire")
        for kind, chosen in (("asynchronous", fires & stable), ("synchronous", fires & ~stable)):
            if chosen.any():
                print(f"  {chosen.sum()} {kind} in theory; medians: rate within "
                      f"{100 * np.median(apart[chosen]):.1f} % of it, synchrony "
                      f"{np.median(depths[chosen]):.2f}")
    if options.plot:
        plot(gs, etas, delays, result, options.plot)
        print("Figure saved in", options.plot)


if __name__ == "__main__":
    main()
