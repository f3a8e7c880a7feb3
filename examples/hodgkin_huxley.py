"""
Hodgkin-Huxley: what sodium and potassium channels do in a spike, and how many spikes they make.

The cell of Traub and Miles (1991), Neuronal Networks of the Hippocampus, Cambridge University
Press, as Brette et al. (2007), doi:10.1007/s10827-007-0038-6, simplified it: HH_cond_exp with
20 000 um2 of membrane, and for each cm2 1 uF, 100 mS of sodium, 30 mS of potassium and 0.05 mS
of leak channels:

    C dv/dt = I - gL (v - EL) - gNa m^3 h (v - ENa) - gK n^4 (v - EK)
    dx/dt   = alpha_x(v) (1 - x) - beta_x(v) x           x: m, h and n

Under 0.7 nA v climbs until m opens the sodium channels, which drive it towards 50 mV; then h
closes them again and n opens those of potassium, which bring it down. The f-I curve rises from 0
as that of reduced_hodgkin_huxley.py does, and for the same reason: rest meets a saddle.

    python examples/hodgkin_huxley.py [backend] [--plot hodgkin_huxley.png]
"""

import numpy as np
from reduced_hodgkin_huxley import rates
from ring import command_line, headless_pyplot, load

DT = 0.02  # ms
AREA = 20000e-8  # cm2
CELL = dict(
    cm=1e3 * 1.0 * AREA,  # nF, of 1 uF/cm2
    gbar_Na=1e3 * 100.0 * AREA, gbar_K=1e3 * 30.0 * AREA, g_leak=1e3 * 0.05 * AREA,  # uS
    e_rev_Na=50.0, e_rev_K=-90.0, e_rev_leak=-65.0, v_offset=-63.0,  # mV
)
CURRENT = 0.7  # nA, of the spike train
CURRENTS = np.concatenate([np.linspace(0.0, 0.1, 21), np.linspace(0.15, 1.5, 28)])  # nA


def simulate(sim, currents, simtime, record):
    """One cell for each current (nA), from -65 mV on; return the segment of what they did."""
    sim.setup(timestep=DT)
    cells = sim.Population(len(currents), sim.HH_cond_exp(i_offset=currents, **CELL))
    cells.initialize(v=-65.0)
    cells.record([name for name in record if name == "spikes" or cells.can_record(name)])
    sim.run(simtime)
    data = cells.get_data().segments[0]
    sim.end()
    return data


def run(sim, simtime=1000.0):
    """({name: samples, "t": their times, "spikes": times} at 0.7 nA, in ms and mV; the rates)."""
    data = simulate(sim, [CURRENT], min(simtime, 200.0), ["spikes", "v", "m", "h", "n"])
    train = {signal.name: signal.magnitude[:, 0] for signal in data.analogsignals}
    train["t"] = DT * np.arange(len(train["v"]))
    train["spikes"] = np.array(data.spiketrains[0].magnitude)
    return train, rates(simulate(sim, CURRENTS, simtime, ["spikes"]))


def plot(train, f_i, filename):
    """The train; one of its spikes with the gates, where they were recorded; the f-I curve."""
    plt = headless_pyplot()
    figure, axes = plt.subplot_mosaic([["v", "v"], ["gates", "rate"]], figsize=(10, 6.5),
                                      height_ratios=(1, 1.3), layout="constrained")
    axes["v"].plot(train["t"], train["v"], lw=0.8)
    axes["v"].set(xlabel="time (ms)", ylabel="v (mV)", xlim=(0, train["t"][-1]),
                  title=f"{len(train['spikes'])} spikes under {CURRENT:g} nA")

    gates, spike = axes["gates"], train["spikes"][len(train["spikes"]) // 2]
    near = np.abs(train["t"] - spike - 3.0) < 6.0
    t = train["t"][near] - spike
    gates.set(xlabel="time from the spike (ms)", xlim=(-3, 9), ylim=(0, 1),
              ylabel="gates" if "m" in train else "gates (this backend does not record them)",
              title="one of the spikes")
    for name, meaning in (("m", "sodium opens"), ("h", "sodium is not blocked"),
                          ("n", "potassium opens")):
        if name in train:
            gates.plot(t, train[name][near], label=f"{name}: {meaning}")
            gates.legend(frameon=False, loc="center right", fontsize="small")
    potential = gates.twinx()
    potential.plot(t, train["v"][near], "k--", lw=0.8)
    potential.set(ylabel="v (mV), dashed", ylim=(-100, 60))

    axes["rate"].plot(CURRENTS, f_i, ".-")
    axes["rate"].set(xlabel="current (nA)", ylabel="rate (Hz)", title="f-I curve")
    axes["rate"].set(xlim=(0, CURRENTS[-1]), ylim=(0, None))
    within = axes["rate"].inset_axes((0.6, 0.14, 0.36, 0.38), xlim=(0, 0.1), ylim=(0, 25),
                                     xticks=(0, 0.05, 0.1))
    within.plot(CURRENTS, f_i, ".-", ms=4)
    within.tick_params(labelsize="small")
    axes["rate"].indicate_inset_zoom(within)
    figure.savefig(filename, dpi=100)
    plt.close(figure)


def main():
    parser = command_line(__doc__, simtime=1000.0)
    options = parser.parse_args()
    if options.simtime < 100.0:
        parser.error(f"--simtime {options.simtime:g}: rates need 100 ms or more")
    train, f_i = run(load(options.backend), options.simtime)
    print(f"Hodgkin-Huxley, {options.simtime:g} ms of pyNN.{options.backend}")
    print(f"  {CURRENT:g} nA: {len(train['spikes'])} spikes in {train['t'][-1]:g} ms, "
          f"v from {train['v'].min():.1f} to {train['v'].max():.1f} mV")
    print(f"  weakest current that keeps a cell firing: {CURRENTS[f_i > 0].min():.3f} nA, "
          f"at {f_i[f_i > 0].min():.1f} Hz")
    for current in (0.5, 1.0, 1.5):
        print(f"  {current:g} nA: {np.interp(current, CURRENTS, f_i):.1f} Hz")
    if options.plot:
        plot(train, f_i, options.plot)
        print("Figure saved in", options.plot)


if __name__ == "__main__":
    main()
