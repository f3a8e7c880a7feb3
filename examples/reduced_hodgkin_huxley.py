"""
Reduced Hodgkin-Huxley: a spiking cell of two variables, seen in its phase plane.

The persistent sodium plus potassium model of Izhikevich (2007), Dynamical Systems in
Neuroscience, MIT Press, chapter 4, doi:10.7551/mitpress/2526.001.0001. Sodium channels follow v
at once; n, the open part of the potassium channels, takes tau:

    C dv/dt = I - gL (v - EL) - gNa m_inf(v) (v - ENa) - gK n (v - EK)
    dn/dt   = (n_inf(v) - n) / tau            x_inf(v) = 1 / (1 + exp((v_half - v) / k))

Without current the nullclines, on which v or n stands still, cross three times: at rest, at a
saddle, and where the cell would be if it did not oscillate. Current lifts the nullcline of v. At
the onset, 4.51 uA/cm2, rest and saddle meet and vanish, and what is left is a cycle through the
place where they were. It is passed the more slowly the closer the current is to the onset, so
that the cell fires at any rate from 0 on, at first as the root of the current above the onset.

HH_reduced has a membrane of 0.001 cm2: 1 nA is 1 uA/cm2. It is a cell type of pyNN.laconeu
alone; other backends are told so.

    python examples/reduced_hodgkin_huxley.py [--plot reduced_hodgkin_huxley.png]
"""

import numpy as np
from ring import command_line, headless_pyplot, load

DT = 0.02  # ms
# v (mV) and n
STARTS = [(-80.0, 0.0), (-58.0, 0.0), (-54.0, 0.0), (-75.0, 0.3), (-20.0, 0.0), (0.0, 0.6)]
STEPS = [4.4, 4.6, 10.0]  # nA, each from 10 ms on
STEP_START = 10.0  # ms
CYCLE = 4.6  # nA, for the phase plane


def gate(v, half, k):
    """The open part of channels that had the time to follow v."""
    return 1.0 / (1.0 + np.exp((half - v) / k))


def nullclines(p, v, current):
    """n on the nullcline of v and on that of n, at each v (mV), under `current` (nA)."""
    sodium = p["gbar_Na"] * gate(v, p["v_half_Na"], p["k_Na"]) * (v - p["e_rev_Na"])
    leak = p["g_leak"] * (v - p["e_rev_leak"])
    still = (current - leak - sodium) / (p["gbar_K"] * (v - p["e_rev_K"]))
    return still, gate(v, p["v_half_K"], p["k_K"])


def onset(p):
    """(current in nA at which rest vanishes, Hz per root of nA above it), from the equations.

    The current that holds v still has its maximum there. How fast the cell passes follows from
    the curvature of that maximum, and from how much of a push along the slow direction is in v.
    """
    v, h = np.linspace(-75.0, -50.0, 250001, retstep=True)
    still, n = nullclines(p, v, 0.0)
    holding = p["gbar_K"] * (v - p["e_rev_K"]) * (n - still)
    at = np.argmax(holding)
    curvature = (holding[at - 10] - 2.0 * holding[at] + holding[at + 10]) / (10 * h)**2
    n_slope = n[at] * (1.0 - n[at]) / p["k_K"]
    share = 1.0 / (1.0 - p["tau_K"] / p["cm"] * p["gbar_K"] * (v[at] - p["e_rev_K"]) * n_slope)
    return holding[at], 1000.0 / np.pi * abs(share) / p["cm"] * np.sqrt(-curvature / 2.0)


def simulate(sim, currents, simtime, v, n, step=False, record=("v", "n", "spikes")):
    """One cell for each current (nA); return the segment of what they did."""
    sim.setup(timestep=DT)
    cells = sim.Population(len(currents), sim.HH_reduced(i_offset=0.0 if step else currents))
    cells.initialize(v=v, n=n)
    for cell, current in enumerate(currents if step else ()):
        sim.DCSource(start=STEP_START, amplitude=current).inject_into(cells[cell:cell + 1])
    cells.record(list(record))
    sim.run(simtime)
    sim.end()
    return cells.get_data().segments[0]


def rates(segment):
    """Hz of each cell, the mean over all intervals but the first; 0 below 4 spikes."""
    trains = [train.magnitude for train in segment.spiketrains]
    return np.array([1000.0 * (len(t) - 2) / (t[-1] - t[1]) if len(t) > 3 else 0.0
                     for t in trains])


def run(sim, simtime=2000.0):
    """{"resting", "cycling", "stepped": segments; "currents" (nA), "rates" (Hz)}."""
    at, _ = onset(sim.HH_reduced.default_parameters)
    v, n = np.transpose(STARTS)
    currents = np.concatenate([np.linspace(0.0, at, 10), at + np.geomspace(1e-3, 15.5, 50)])
    return {
        "resting": simulate(sim, np.zeros(len(STARTS)), 15.0, v, n),
        "cycling": simulate(sim, [CYCLE], 100.0, -60.0, 0.0),
        "stepped": simulate(sim, STEPS, 100.0, -66.0, 0.0, step=True),
        "currents": currents,
        "rates": rates(simulate(sim, currents, simtime, -66.0, 0.0, record=["spikes"])),
    }


def signal(segment, name):
    """(times in ms, samples [step, cell]) of one variable."""
    found = segment.filter(name=name)[0]
    return found.times.rescale("ms").magnitude, found.magnitude


def plot(sim, result, filename):
    """The phase plane; spike trains; the f-I curve with its beginning as the equations have it."""
    plt = headless_pyplot()
    p = sim.HH_reduced.default_parameters
    figure, axes = plt.subplot_mosaic(
        [["plane", "v"], ["plane", "rate"]], figsize=(11, 7), width_ratios=(1.25, 1),
        layout="constrained")
    at, slope = onset(p)
    plane, train, rate = axes["plane"], axes["v"], axes["rate"]

    near = plane.inset_axes((0.53, 0.74, 0.45, 0.24), xlim=(-72, -48), ylim=(-0.02, 0.035))
    v = np.linspace(-85.0, 20.0, 1000)
    resting = [signal(result["resting"], name)[1] for name in ("v", "n")]
    t, cycle = signal(result["cycling"], "v")
    once = t > t[-1] - 30.0  # ms, more than one turn
    cycle = cycle[once, 0], signal(result["cycling"], "n")[1][once, 0]
    for axis in (plane, near):
        for current, style in ((0.0, "-"), (CYCLE, "--")):
            axis.plot(v, nullclines(p, v, current)[0], style, color="tab:red",
                      label=f"v stands still, I = {current:g} nA")
        axis.plot(v, nullclines(p, v, 0.0)[1], color="tab:green", label="n stands still")
        axis.plot(*resting, lw=0.8, color="0.5")
        axis.plot(*np.transpose(STARTS), "o", ms=4, color="0.5", label="starts, I = 0")
        axis.plot(resting[0][-1, 0], resting[1][-1, 0], "ks", ms=6, label="rest, I = 0")
        axis.plot(*cycle, lw=1, color="tab:blue")
        axis.plot(*(each[::10] for each in cycle), ".", color="tab:blue",
                  label=f"cycle, I = {CYCLE:g} nA\n(a dot each 0.2 ms)")
    plane.indicate_inset_zoom(near)
    plane.set(xlabel="v (mV)", ylabel="n, open part of the potassium channels",
              xlim=(-85, 20), ylim=(-0.05, 1.0), title="phase plane")
    plane.legend(frameon=False, loc="upper left", fontsize="small")

    t, vs = signal(result["stepped"], "v")
    for number, current in enumerate(STEPS):
        train.plot(t, vs[:, number] + 120.0 * number, lw=0.8, color="tab:blue")
        train.text(1.0, 120.0 * number - 48.0, f"{current:g} nA", fontsize="small")
    train.axvline(STEP_START, color="0.7", lw=0.8)
    train.plot([98.0, 98.0], [0.0, 50.0], "k", lw=2)
    train.text(96.5, 25.0, "50 mV", ha="right", va="center", fontsize="small")
    train.set(xlabel="time (ms)", ylabel="v", yticks=[], xlim=(0, 100),
              title=f"spikes under a current from {STEP_START:g} ms on")

    above, currents = np.geomspace(1e-3, 1.0, 200), result["currents"]
    within = rate.inset_axes((0.5, 0.24, 0.46, 0.42), xlim=(9e-4, 20), ylim=(3, 300),
                             xscale="log", yscale="log")
    within.plot(currents - at, result["rates"], ".-", ms=3)
    within.plot(above, slope * np.sqrt(above), "k--", lw=1)
    within.set_xlabel(f"I - {at:.2f} nA", fontsize="small")
    within.tick_params(labelsize="small")
    rate.plot(currents, result["rates"], ".-", ms=4, label="simulated")
    rate.plot(at + above, slope * np.sqrt(above), "k--", lw=1,
              label=f"{slope:.0f} Hz root(I - {at:.2f} nA)")
    rate.set(xlabel="current I (nA; uA/cm2 of membrane)", ylabel="rate (Hz)", title="f-I curve",
             xlim=(0, 20), ylim=(0, 210))
    rate.legend(frameon=False, loc="upper left", fontsize="small")
    figure.savefig(filename, dpi=90)
    plt.close(figure)


def main():
    parser = command_line(__doc__, simtime=2000.0)
    options = parser.parse_args()
    sim = load(options.backend)
    if not hasattr(sim, "HH_reduced"):
        parser.error(f"pyNN.{options.backend} has no HH_reduced; pyNN.laconeu has it")
    if options.simtime < 100.0:
        parser.error(f"--simtime {options.simtime:g}: rates need 100 ms or more")
    result = run(sim, options.simtime)
    at, slope = onset(sim.HH_reduced.default_parameters)
    firing = result["rates"] > 0.0
    print(f"Reduced Hodgkin-Huxley, {options.simtime:g} ms of pyNN.{options.backend}")
    print(f"  rest vanishes at {at:.3f} nA; the weakest current that fires a cell is "
          f"{result['currents'][firing].min():.3f} nA, at {result['rates'][firing].min():.1f} Hz")
    for current in (5.0, 10.0, 20.0):
        print(f"  {current:4g} nA: {np.interp(current, result['currents'], result['rates']):5.1f} "
              "Hz")
    if options.plot:
        plot(sim, result, options.plot)
        print("Figure saved in", options.plot)


if __name__ == "__main__":
    main()
