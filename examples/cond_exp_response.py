"""
Response of IF_cond_exp to conductance pulses: the curves of all simulators, and their errors.

10 excitatory pulses every 10 ms from 20 ms on, and 10 inhibitory ones from 120 ms on, reach one
cell. The membrane stays below threshold, so that its potential is the solution of

    cm dv/dt = cm/tau_m (v_rest - v) + g_exc (e_rev_E - v) + g_inh (e_rev_I - v)

whose conductances jump at each pulse and decay. All simulators should draw this curve, which is
why one can change them under a PyNN script (Davison et al. 2009, doi:10.3389/neuro.11.011.2008);
how far they are from it is the error of their integration. Without a name, every backend of
PyNN that is installed draws its curve, each in a process of its own:

    python examples/cond_exp_response.py [laconeu nest neuron ...] [--plot response.png]
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec
from multiprocessing import get_context

import numpy as np
from ring import headless_pyplot, load
from scipy.integrate import solve_ivp

BACKENDS = {"laconeu": "pyNN_laconeu", "nest": "nest", "neuron": "neuron", "brian2": "brian2"}
KINDS = ("exc", "inh")
PULSES = {"exc": np.arange(20.0, 120.0, 10.0), "inh": np.arange(120.0, 220.0, 10.0)}  # ms
WEIGHTS = {"exc": 0.01, "inh": 0.03}  # uS
REVERSALS = {"exc": 0.0, "inh": -80.0}  # mV
REST, TAU_M, CM, TAU_SYN = -65.0, 20.0, 1.0, 5.0  # mV, ms, nF, ms: PyNN's defaults
DELAY = 1.0  # ms


def build(sim, dt=0.1):
    """Set `sim` up; return the cell, recording v and both conductances."""
    sim.setup(timestep=dt, min_delay=DELAY)
    cell = sim.Population(1, sim.IF_cond_exp(e_rev_I=REVERSALS["inh"]), initial_values={"v": REST})
    for kind, receptor_type in zip(KINDS, ("excitatory", "inhibitory")):
        pulses = sim.Population(1, sim.SpikeSourceArray(spike_times=PULSES[kind]))
        sim.Projection(pulses, cell, sim.AllToAllConnector(),
                       sim.StaticSynapse(weight=WEIGHTS[kind], delay=DELAY),
                       receptor_type=receptor_type)
    cell.record(["v", "gsyn_exc", "gsyn_inh"])
    return cell


def run(sim, simtime=250.0, dt=0.1):
    """Simulate; return {variable: samples of the cell}, and the times, in ms, as "t"."""
    cell = build(sim, dt)
    sim.run(simtime)
    data = cell.get_data().segments[0]
    sim.end()
    result = {name: np.array(data.filter(name=name)[0].magnitude[:, 0])
              for name in ("v", "gsyn_exc", "gsyn_inh")}
    return {"t": dt * np.arange(len(result["v"])), **result}


def run_here(backend, simtime):
    """run() of a backend by its name; None where it cannot be imported."""
    try:
        sim = load(backend)
    except ImportError:
        return None
    return run(sim, simtime)


def run_apart(backend, simtime):
    """run_here() in a process of its own: simulators do not always bear one another's company."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
        return apart.submit(run_here, backend, simtime).result()


def conductance(kind, t):
    """The sum of the pulses' conductances (uS) at each time t (ms), a pulse at t included."""
    since = np.subtract.outer(t, PULSES[kind] + DELAY)
    return WEIGHTS[kind] * np.where(since >= 0.0, np.exp(-since / TAU_SYN), 0.0).sum(axis=-1)


def solution(t):
    """v (mV) of the equation above at each time of t (ms), to some 1e-11 mV, pulse by pulse."""
    v, start = np.full(len(t), REST), REST
    stops = [*np.unique(np.concatenate(list(PULSES.values()))) + DELAY, t[-1] + 1.0]
    for begin, end in zip([0.0, *stops], stops):
        held = {kind: conductance(kind, begin) for kind in KINDS}

        def slope(now, v, begin=begin, held=held):
            decay = np.exp((begin - now) / TAU_SYN)
            return (REST - v) / TAU_M + sum(
                held[kind] * decay * (REVERSALS[kind] - v) for kind in KINDS) / CM

        within = (t > begin - 1e-6) & (t < end - 1e-6)
        solved = solve_ivp(slope, (begin, end), [start], method="DOP853", dense_output=True,
                           rtol=1e-12, atol=1e-12)
        v[within], start = solved.sol(np.maximum(t[within], begin))[0], solved.y[0, -1]
    return v


def errors(result):
    """How far v (mV) is from the solution, at each time."""
    return np.abs(result["v"] - solution(result["t"]))


def plot(results, filename):
    """v of each backend; the conductances; how far each v is from the solution."""
    plt = headless_pyplot()
    figure, (top, middle, bottom) = plt.subplots(
        3, 1, sharex=True, figsize=(8, 7.5), height_ratios=(1.3, 1, 1), layout="constrained")
    for number, (backend, result) in enumerate(results.items()):
        style = dict(lw=5 - 4 * number / max(1, len(results) - 1), color=f"C{number}")
        top.plot(result["t"], result["v"], label=backend, **style)
        bottom.semilogy(result["t"], np.maximum(errors(result), 1e-13), lw=1, color=f"C{number}")
    first = next(iter(results.values()))
    for kind, label, colour in (("exc", "excitatory", "0.2"), ("inh", "inhibitory", "0.6")):
        middle.plot(first["t"], 1e3 * first["gsyn_" + kind], color=colour, lw=1, label=label)
    top.axhline(REST, color="0.7", lw=0.8, zorder=0)
    top.set(ylabel="v (mV)", title="IF_cond_exp under conductance pulses, step 0.1 ms")
    top.legend(frameon=False)
    middle.set(ylabel="conductance (nS)", title="what the pulses open")
    middle.legend(frameon=False, loc="upper left")
    bottom.set(xlabel="time (ms)", ylabel="error of v (mV)", ylim=(1e-12, 10),
               xlim=(0, result["t"][-1]), title="distance of v from the equation's solution")
    figure.savefig(filename, dpi=100)
    plt.close(figure)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("backends", nargs="*", help="default: all that are installed")
    parser.add_argument("--simtime", type=float, default=250.0, help="ms (default: 250)")
    parser.add_argument("--plot", metavar="FILE.png", help="save the figure under this name")
    options = parser.parse_args()
    names = options.backends or [name for name, package in BACKENDS.items() if find_spec(package)]
    results = {name: run_apart(name, options.simtime) for name in names}
    missing = [name for name, result in results.items() if result is None]
    if missing:
        parser.error(f"cannot be imported: {', '.join(missing)}")
    print(f"IF_cond_exp under conductance pulses, {options.simtime:g} ms")
    for backend, result in results.items():
        print(f"  {backend:<8} v from {result['v'].min():.4f} to {result['v'].max():.4f} mV, "
              f"never further than {errors(result).max():.0e} mV from the solution")
    if options.plot:
        plot(results, options.plot)
        print("Figure saved in", options.plot)


if __name__ == "__main__":
    main()
