"""
Response of IF_cond_exp to a train of excitatory, then inhibitory conductance pulses.

10 excitatory pulses every 10 ms from 20 ms on, and 10 inhibitory ones from 120 ms on, reach one
cell. The membrane stays below threshold, so the curve is the solution of
    cm dv/dt = cm/tau_m (v_rest - v) + g_exc (e_rev_E - v) + g_inh (e_rev_I - v)
and the curves of several backends should lie on one another. Give several names to see them do
so, with the largest difference from the first:

    python examples/cond_exp_response.py laconeu nest neuron [--plot response.png]
"""

import argparse

import numpy as np
from ring import headless_pyplot, load

EXCITATORY = np.arange(20.0, 120.0, 10.0)  # ms
INHIBITORY = np.arange(120.0, 220.0, 10.0)  # ms
DELAY = 1.0  # ms


def build(sim, dt=0.1, weight_exc=0.01, weight_inh=0.03):
    """Set `sim` up; return the cell, recording v and both conductances. Weights in uS."""
    sim.setup(timestep=dt, min_delay=DELAY)
    cell = sim.Population(1, sim.IF_cond_exp(e_rev_I=-80.0), initial_values={"v": -65.0})
    for times, weight, receptor_type in (
        (EXCITATORY, weight_exc, "excitatory"), (INHIBITORY, weight_inh, "inhibitory"),
    ):
        pulses = sim.Population(1, sim.SpikeSourceArray(spike_times=times))
        sim.Projection(pulses, cell, sim.AllToAllConnector(),
                       sim.StaticSynapse(weight=weight, delay=DELAY), receptor_type=receptor_type)
    cell.record(["v", "gsyn_exc", "gsyn_inh"])
    return cell


def run(sim, simtime=250.0, **parameters):
    """Simulate; return {variable: samples of the cell}, and the times, in ms, as "t"."""
    cell = build(sim, **parameters)
    sim.run(simtime)
    sim.end()
    data = cell.get_data().segments[0]
    result = {name: data.filter(name=name)[0] for name in ("v", "gsyn_exc", "gsyn_inh")}
    times = result["v"].times.rescale("ms").magnitude
    return {"t": times, **{name: signal.magnitude[:, 0] for name, signal in result.items()}}


def plot(results, filename):
    """The membrane potential and the conductances, one curve per backend."""
    plt = headless_pyplot()
    figure, (top, bottom) = plt.subplots(2, 1, sharex=True, figsize=(8, 6), layout="constrained")
    for number, (backend, result) in enumerate(results.items()):
        style = dict(lw=4 - 3 * number / max(1, len(results) - 1), color=f"C{number}")
        top.plot(result["t"], result["v"], label=backend, **style)
        bottom.plot(result["t"], 1e3 * result["gsyn_exc"], **style)
        bottom.plot(result["t"], 1e3 * result["gsyn_inh"], ls="--", **style)
    top.set(ylabel="v (mV)", title="IF_cond_exp under conductance pulses")
    top.legend(frameon=False)
    bottom.set(xlabel="time (ms)", ylabel="conductance (nS)",
               title="excitatory (solid), inhibitory (dashed)")
    figure.savefig(filename, dpi=120)
    plt.close(figure)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("backends", nargs="*", default=["laconeu"])
    parser.add_argument("--simtime", type=float, default=250.0, help="ms (default: 250)")
    parser.add_argument("--plot", metavar="FILE.png", help="save the figure under this name")
    options = parser.parse_args()
    results = {name: run(load(name), options.simtime) for name in options.backends}
    first = results[options.backends[0]]
    for backend, result in results.items():
        print(f"{backend:<10} v from {result['v'].min():.4f} to {result['v'].max():.4f} mV, "
              f"largest difference from {options.backends[0]} "
              f"{np.abs(result['v'] - first['v']).max():.1e} mV")
    if options.plot:
        plot(results, options.plot)
        print("Figure saved in", options.plot)


if __name__ == "__main__":
    main()
