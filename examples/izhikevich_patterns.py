"""
17 firing patterns of one equation: the figure of Izhikevich (2004), doi:10.1109/TNN.2004.832719.

    dv/dt = 0.04 v^2 + 5 v + 140 - u + I        v >= 30 mV: a spike, v = c, u = u + d
    du/dt = a (b v - u)                         u starts at b v

The paper draws 20 patterns. Three need other equations than PyNN's Izhikevich has: class 1
excitability (G) and the integrator (L) have 4.1 v + 108 in place of 5 v + 140, accommodation (R)
has du/dt = a b (v + 65). The other 17 are the rows of PATTERNS, each one cell of a population,
with the parameters, initial v and currents of the author's own script (izhikevich.org, figure1.m).

That script takes Euler steps of 0.1 to 0.5 ms, and some of what it draws comes from these steps.
Here the step is small enough for every pattern to have the spikes of the equations themselves,
and five patterns need another value for that, or to show their phenomenon:

    H  ends at 290 ms, not 300: a spike is due at 299.98 ms
    P  the second pulse starts at 206 ms, not 216: only between 205 and 208 ms it stops the firing
    Q  d is -18, not -21: the after-potential stays below threshold
    S  the inhibition ends at 220 ms, not 250: no spike is on its way by then
    T  as S, and d is 0, not -2: with -2 each spike brings the next one closer, without end

pyNN.neuron 0.13 starts every cell at u = -14, whatever `initialize` says, and so shows only the
patterns for which that is right, or does not matter.

    python examples/izhikevich_patterns.py [backend] [--plot izhikevich_patterns.png]
"""

from typing import NamedTuple

import numpy as np
from ring import command_line, headless_pyplot, load

DT = 0.01  # ms


def steps(baseline, *changes):
    """`baseline` from 0 on, then another level from each (time in ms, level) on."""
    return ((0.0, baseline), *changes)


def pulses(baseline, *levels):
    """`baseline`, but another level during each (start, stop, level), times in ms."""
    return steps(baseline, *(change for start, stop, level in levels
                             for change in ((start, level), (stop, baseline))))


def ramp(baseline, start, stop, slope):
    """`baseline`, and from `start` to `stop` (ms) rising by `slope` per ms, a little each step."""
    rise = DT * np.arange(round((stop - start) / DT))
    return steps(baseline, *zip(np.round(start + rise, 9), baseline + slope * rise))


class Pattern(NamedTuple):
    """One panel: the cell, its first potential, how long it runs and what it is driven by."""

    letter: str  # of the panel
    name: str
    a: float  # 1/ms
    b: float  # 1/ms
    c: float  # mV
    d: float  # mV/ms
    v: float  # mV, at the start
    duration: float  # ms
    current: tuple  # (ms, level) pairs; the levels are the equation's I, 1 for each pA


PATTERNS = [
    #            name                            a       b     c      d     v      ms   current
    Pattern("A", "tonic spiking",                0.02,   0.2,  -65.0, 6.0,  -70.0, 100.0,
            steps(0.0, (10.0, 14.0))),
    Pattern("B", "phasic spiking",               0.02,   0.25, -65.0, 6.0,  -64.0, 200.0,
            steps(0.0, (20.0, 0.5))),
    Pattern("C", "tonic bursting",               0.02,   0.2,  -50.0, 2.0,  -70.0, 220.0,
            steps(0.0, (22.0, 15.0))),
    Pattern("D", "phasic bursting",              0.02,   0.25, -55.0, 0.05, -64.0, 200.0,
            steps(0.0, (20.0, 0.6))),
    Pattern("E", "mixed mode",                   0.02,   0.2,  -55.0, 4.0,  -70.0, 160.0,
            steps(0.0, (16.0, 10.0))),
    Pattern("F", "spike frequency adaptation",   0.01,   0.2,  -65.0, 8.0,  -70.0, 85.0,
            steps(0.0, (8.5, 30.0))),
    Pattern("H", "class 2 excitability",         0.2,    0.26, -65.0, 0.0,  -64.0, 290.0,
            ramp(-0.5, 30.0, 290.0, slope=0.015)),
    Pattern("I", "spike latency",                0.02,   0.2,  -65.0, 6.0,  -70.0, 100.0,
            pulses(0.0, (10.0, 13.0, 7.04))),
    Pattern("J", "subthreshold oscillations",    0.05,   0.26, -60.0, 0.0,  -62.0, 200.0,
            pulses(0.0, (20.0, 25.0, 2.0))),
    Pattern("K", "resonator",                    0.1,    0.26, -60.0, -1.0, -62.0, 400.0,
            pulses(0.0, *((start, start + 4.0, 0.65) for start in (40.0, 60.0, 280.0, 320.0)))),
    Pattern("M", "rebound spike",                0.03,   0.25, -60.0, 4.0,  -64.0, 200.0,
            pulses(0.0, (20.0, 25.0, -15.0))),
    Pattern("N", "rebound burst",                0.03,   0.25, -52.0, 0.0,  -64.0, 200.0,
            pulses(0.0, (20.0, 25.0, -15.0))),
    Pattern("O", "threshold variability",        0.03,   0.25, -60.0, 4.0,  -64.0, 100.0,
            pulses(0.0, (10.0, 15.0, 1.0), (70.0, 75.0, -6.0), (80.0, 85.0, 1.0))),
    Pattern("P", "bistability",                  0.1,    0.26, -60.0, 0.0,  -61.0, 300.0,
            pulses(0.24, (37.5, 42.5, 1.24), (206.0, 211.0, 1.24))),
    Pattern("Q", "depolarizing after-potential", 1.0,    0.2,  -60.0, -18.0, -70.0, 50.0,
            pulses(0.0, (9.0, 11.0, 20.0))),
    Pattern("S", "inhibition-induced spiking",   -0.02,  -1.0, -60.0, 8.0,  -63.8, 350.0,
            pulses(80.0, (50.0, 220.0, 75.0))),
    Pattern("T", "inhibition-induced bursting",  -0.026, -1.0, -45.0, 0.0,  -63.8, 350.0,
            pulses(80.0, (50.0, 220.0, 75.0))),
]


def build(sim):
    """Set `sim` up; return the 17 cells, in the order of PATTERNS, recording v and spikes."""
    sim.setup(timestep=DT, min_delay=1.0)
    column = {name: np.array([getattr(pattern, name) for pattern in PATTERNS]) for name in "abcdv"}
    v = column.pop("v")
    baseline = np.array([pattern.current[0][1] for pattern in PATTERNS])
    # PyNN counts the current of this cell in nA: 1000 units of the equation's I. The baseline is
    # an offset, because on pyNN.nest no current source acts before min_delay.
    cells = sim.Population(len(PATTERNS), sim.Izhikevich(i_offset=1e-3 * baseline, **column),
                           initial_values={"v": v, "u": column["b"] * v}, label="patterns")
    for index, pattern in enumerate(PATTERNS):
        times, levels = np.transpose(pattern.current[1:])
        source = sim.StepCurrentSource(times=times, amplitudes=1e-3 * (levels - baseline[index]))
        source.inject_into(cells[index:index + 1])
    cells.record(["v", "spikes"])
    return cells


def run(sim, simtime=400.0):
    """Simulate; return {name: (v in mV at each step, spike times in ms)}, cut to its duration."""
    cells = build(sim)
    sim.run(simtime)
    data = cells.get_data().segments[0]
    sim.end()
    v = data.filter(name="v")[0].magnitude
    result = {}
    for index, pattern in enumerate(PATTERNS):
        times = np.array(data.spiketrains[index].magnitude)
        n_steps = round(min(simtime, pattern.duration) / DT)
        result[pattern.name] = v[:n_steps + 1, index], times[times < (n_steps + 0.5) * DT]
    return result


def plot(result, filename):
    """The paper's 5 x 4 panels: v above the current; a bar of 20 ms; spikes drawn up to 30 mV."""
    plt = headless_pyplot()
    figure, axes = plt.subplots(5, 4, figsize=(10, 9.5), layout="constrained")
    panels = dict(zip("ABCDEFGHIJKLMNOPQRST", axes.flat))
    for pattern in PATTERNS:
        v, spikes = result[pattern.name]
        panel = panels.pop(pattern.letter)
        t = DT * np.arange(len(v))
        drawn = v.copy()
        drawn[np.rint(spikes / DT).astype(int)] = 30.0
        panel.plot(t, drawn, lw=0.7, color="tab:blue")
        if pattern.letter == "J":  # the oscillation, after the spike, is too small to be seen
            after = t > 35.0
            panel.plot(t[after], 10.0 * (v[after] - v[-1]) - 10.0, lw=0.7, color="tab:orange")
            panel.text(90.0, 5.0, "v, 10 times larger", fontsize=8, color="tab:orange")
        times, levels = np.transpose(pattern.current)
        low, high = levels.min(), levels.max()
        times, levels = np.append(times, pattern.duration), np.append(levels, levels[-1])
        panel.step(times, -115.0 + 15.0 * (levels - low) / (high - low), where="post", lw=1,
                   color="tab:green")
        panel.plot([pattern.duration - 20.0, pattern.duration], [-126.0, -126.0], "k", lw=2)
        panel.set(xlim=(0, pattern.duration), ylim=(-130, 35))
        panel.set_title(f"({pattern.letter}) {pattern.name}", fontsize=9)
    for letter, panel in panels.items():
        panel.text(0.5, 0.5, f"({letter}) needs\nother equations", transform=panel.transAxes,
                   ha="center", va="center", fontsize=9, color="0.6")
    for panel in axes.flat:
        panel.axis("off")
    figure.savefig(filename, dpi=100)
    plt.close(figure)


def main():
    options = command_line(__doc__, simtime=400.0).parse_args()
    result = run(load(options.backend), options.simtime)
    print(f"17 of Izhikevich's patterns, {options.simtime:g} ms of pyNN.{options.backend}")
    for pattern in PATTERNS:
        _, spikes = result[pattern.name]
        when = f"   from {spikes[0]:6.2f} to {spikes[-1]:6.2f} ms" if len(spikes) else ""
        print(f"  ({pattern.letter}) {pattern.name:<28}  spikes: {len(spikes):2d}{when}")
    if options.plot:
        plot(result, options.plot)
        print("Figure saved in", options.plot)


if __name__ == "__main__":
    main()
