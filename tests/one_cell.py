"""One cell under given input, in the engine and by an independent solver.

The solver is scipy's DOP853 at a tolerance of 1e-12, begun anew wherever the right-hand side has
a kink: at arrivals, at steps of the current, at spikes, and where a refractory time ends.
"""

import numpy as np
import pyNN.laconeu as sim
from scipy.integrate import solve_ivp

DELAY = 1.0  # ms, of the synapses that bring the input


def simulate(cell, dt, t_stop, variables=("v",), inputs=None, current=None, **initial):
    """(spike times [n_spikes], {variable: samples [t_stop / dt + 1]}) of a cell, in ms.

    inputs: {receptor type: (arrival times, weights)}; current: (times, nA) of a StepCurrentSource.
    """
    sim.setup(timestep=dt, min_delay=dt)
    target = sim.Population(1, cell)
    target.initialize(**initial)
    target.record(["spikes", *variables])
    for receptor, (times, weights) in (inputs or {}).items():
        for weight in sorted(set(weights)):
            chosen = [t - DELAY for t, w in zip(times, weights) if w == weight]
            source = sim.Population(1, sim.SpikeSourceArray(spike_times=chosen))
            sim.Projection(source, target, sim.AllToAllConnector(),
                           sim.StaticSynapse(weight=weight, delay=DELAY), receptor_type=receptor)
    if current:
        sim.StepCurrentSource(times=current[0], amplitudes=current[1]).inject_into(target)
    sim.run(t_stop)
    segment = target.get_data().segments[0]
    return segment.spiketrains[0].magnitude, {
        name: segment.filter(name=name)[0].magnitude[:, 0] for name in variables}


SHAPES = {"exp": lambda t, tau: np.exp(-t / tau),
          "alpha": lambda t, tau: t / tau * np.exp(1.0 - t / tau)}


class Input:
    """What arrives at a cell: conductances and currents as functions of time.

    p: the cell's parameters; shape: of the conductances, one of SHAPES.
    """

    def __init__(self, p, shape, inputs=None, current=None):
        self.p, self.current = p, current or ((), ())
        self.arrivals = [(t, w, SHAPES[shape], p[f"tau_syn_{side}"], p.get(f"e_rev_{side}", 0.0))
                         for receptor, (times, weights) in (inputs or {}).items()
                         for side in receptor[0].upper() for t, w in zip(times, weights)]
        self.kinks = sorted({t for t, *_ in self.arrivals} | set(self.current[0]))

    def conductance(self, t, begin):
        """(sum of g, sum of g e_rev) at t, of what had arrived by `begin`; uS and nA."""
        g = pull = 0.0
        for arrival, weight, shape, tau, e_rev in self.arrivals:
            if arrival < begin + 1e-9:
                value = weight * shape(t - arrival, tau)
                g, pull = g + value, pull + value * e_rev
        return g, pull

    def injected(self, begin):
        """nA, offset included."""
        level = self.p.get("i_offset", 0.0)
        return level + sum([a for t, a in zip(*self.current) if t < begin + 1e-9][-1:])


def solve(slope, y, t_stop, dt, kinks, *, reset=None, refractory=0.0, crossing=None, on_grid=None,
          events=None, tolerance=1e-12):
    """(spike times, samples [t_stop / dt + 1, n_states], event times) by DOP853.

    slope     (t, y, begin, held): dy/dt; begin: where this piece began; held: refractory
    reset     y before -> y after a spike, which holds the cell for `refractory` ms
    crossing  (t, y): there is a spike where this rises through 0, or
    on_grid   (y): there is a spike at the first grid point where this is true
    events    (t, y): reported in third place are the (t, y) where this falls through 0
    """
    n = round(t_stop / dt)
    samples, spikes, seen = [np.array(y, float)], [], []
    t, y, free_at = 0.0, np.array(y, float), 0.0
    kinks = sorted(kinks)
    while t < t_stop - 1e-9:
        held = t < free_at - 1e-9
        end = min([k for k in kinks if k > t + 1e-9] + ([free_at] if held else []) + [t_stop])
        watched = []
        if crossing and not held:
            def rises(t, y):
                return crossing(t, y)
            rises.terminal, rises.direction = True, 1
            watched.append(rises)
        if events:
            def falls(t, y):
                return events(t, y)
            falls.direction = -1
            watched.append(falls)
        solution = solve_ivp(lambda s, y, begin=t, held=held: slope(s, y, begin, held), (t, end), y,
                             method="DOP853", rtol=tolerance, atol=tolerance,
                             events=watched or None, dense_output=True)
        assert solution.status >= 0, solution.message
        if events:
            seen += list(zip(solution.t_events[-1], solution.y_events[-1]))
        spiked = solution.status == 1
        reached = solution.t_events[0][0] if spiked else end
        last = min(int(np.floor(reached / dt + 1e-6)), n)
        first = len(samples)
        new = [solution.sol(min(step * dt, reached)) for step in range(first, last + 1)]
        y = solution.y[:, -1]
        if on_grid and not held:
            for step, sample in zip(range(first, last + 1), new):
                if on_grid(sample):
                    spiked, reached, y = True, step * dt, sample
                    new = new[:step - first + 1]
                    break
        samples += new
        t = reached
        if spiked:
            spikes.append(t)
            y = np.array(reset(y), float)
            free_at = t + refractory
            if on_grid:
                samples[-1] = y
    return np.array(spikes), np.array(samples), seen
