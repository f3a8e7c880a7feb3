"""
What does a Poisson source of its own cost a cell, per cell and step?

n IF_curr_delta cells that cannot spike, each with a SpikeSourcePoisson one-to-one, less the same
cells alone. Rates of 10, 1000 and 20 000 Hz at 0.1 ms: from hardly any to two spikes per step.
NEST without PyNN has one generator for all cells, which sends each a train of its own. ns per
update are per cell and step, the input alone. Expected: under 6 ns at any rate, one thread.

The mean potential at the end must be the one that the rate causes, within 5 standard deviations.

    python examples/benchmarks/poisson_input.py --full --peer-python /path/to/venv/bin/python
"""

import time

import numpy as np
from side_by_side import Benchmark, apart, load_backend, main

DT, TAU_M, SETTLING = 0.1, 20.0, 100.0  # ms; SETTLING: five time constants
RATES = {"10 Hz": 10.0, "1000 Hz": 1000.0, "20 kHz": 20000.0}
CELL = dict(tau_m=TAU_M, cm=0.25, v_rest=0.0, v_reset=0.0, v_thresh=1e9, tau_refrac=2.0)


def time_of(who, threads, n, rate, weight, simtime):
    """(s of the run, potentials at the end)."""
    if who == "NEST":
        return time_of_nest(threads, n, rate, weight, simtime)
    sim = load_backend(who, threads)
    sim.setup(timestep=DT, min_delay=DT, max_delay=1.0)
    cells = sim.Population(n, sim.IF_curr_delta(**CELL))
    if who == "nest":  # pyNN.nest forgets the initial v of IF_curr_delta, and cannot record it
        cells.node_collection.V_m = 0.0
    else:
        cells.initialize(v=0.0)
    if rate:
        sim.Projection(sim.Population(n, sim.SpikeSourcePoisson(rate=rate)), cells,
                       sim.OneToOneConnector(), sim.StaticSynapse(weight=weight, delay=DT))
    sim.run(SETTLING)
    began = time.perf_counter()
    sim.run(simtime)
    elapsed = time.perf_counter() - began
    v = np.array(cells.node_collection.V_m if who == "nest" else cells.state["v"])
    sim.end()
    return elapsed, v


def time_of_nest(threads, n, rate, weight, simtime):
    from balanced_native import NEST_NAMES, set_up_nest
    nest = set_up_nest(DT, threads)
    cells = nest.Create("iaf_psc_delta", n, params={
        NEST_NAMES[key][0]: NEST_NAMES[key][1] * value for key, value in CELL.items()})
    cells.V_m = 0.0
    if rate:
        nest.Connect(nest.Create("poisson_generator", params={"rate": rate}), cells,
                     syn_spec={"weight": weight, "delay": DT})
    nest.Simulate(SETTLING)
    began = time.perf_counter()
    nest.Simulate(simtime)
    return time.perf_counter() - began, np.array(cells.V_m)


def measure(who, threads, case):
    n, simtime, rows = case["n"], case["simtime"], {}
    alone = min(time_of(who, threads, n, 0.0, 0.0, simtime)[0] for _ in range(3))
    for name, rate in RATES.items():
        weight = 100.0 / rate  # mV
        times = [time_of(who, threads, n, rate, weight, simtime) for _ in range(2)]
        elapsed, v = min(times, key=lambda each: each[0])
        updates = n * simtime / DT
        rows[name] = dict(simtime=simtime, run=elapsed, alone=alone, updates=updates,
                          mean=float(v.mean()), n=n, rate=rate, exact=float(v.sum()))
    return {"rows": rows}


def derive(who, rows):
    """From the best times with and without input what the input costs."""
    for row in rows.values():
        if "alone" in row:
            left = (row["run"] - row["alone"]) / row["updates"]
            row["ns_update"] = 1e9 * left if left > 0.0 else None


def compare(name, ours, theirs):
    found, weight = [], 100.0 / ours["rate"]
    # Campbell: mean rate * weight * tau, variance rate * weight^2 * tau / 2; on the grid of dt the
    # input comes at the end of a step
    mean = ours["rate"] / 1000.0 * weight * DT / -np.expm1(-DT / TAU_M)
    spread = (ours["rate"] / 1000.0 * TAU_M / 2.0) ** 0.5 * weight / ours["n"] ** 0.5
    reached = 1.0 - np.exp(-(SETTLING + ours["simtime"] - 2.0) / TAU_M)  # NEST's input is late
    for row, whose in ((ours, "ours"), (theirs, "theirs")):
        found += apart(f"mean potential, {whose}", row["mean"], mean,
                       absolute=5.0 * spread + mean * (1.0 - reached))
    return found


def cases(*sizes, simtime=200.0, **more):
    return [dict(name="Poisson", n=n, simtime=simtime, **more) for n in sizes]


SLOW = dict(without={"nest": "a generator and a relay for each cell: minutes"})
BENCHMARK = Benchmark(
    __file__, __doc__, measure,
    {"tiny": cases(200, simtime=20.0), "small": cases(1000, 10000, simtime=50.0),
     "full": [*cases(1000, 10000), *cases(100000, **SLOW)]},
    peers=("nest", "NEST"), compare=compare, derive=derive, ratio="ns_update",
    rounds=(1, 1, 1))

if __name__ == "__main__":
    main(BENCHMARK)
