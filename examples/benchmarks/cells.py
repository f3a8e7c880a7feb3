"""
What does one update of one cell cost, for every cell type, beside NEST's for the same model?

An update is one time step of 0.1 ms of one cell, receptors, threshold and spikes included; one
thread. ns/update: all cells have the same parameters; `varied`: one parameter differs from cell to
cell, so that all are read from arrays (NEST keeps them cell by cell anyway). Two situations:

quiet   a constant current makes the cells fire moderately, in step; nothing arrives.
driven  each cell has a Poisson source of its own, 2000 Hz, on its excitatory receptor, besides a
        smaller current: what adaptive solvers of conductances and currents have to work for.

The input's own cost (drawing, sending and delivering 0.2 spikes per update) is subtracted: it is
what the same input adds to an IF_curr_delta that cannot spike, whose update costs the same with
and without input. The table has it in a row of its own, and a column of what the update costs if
it is not subtracted. NEST gets its input from one generator of its own, which sends every cell
a train of its own: the generator and relay for each cell that pyNN.nest makes cost several times
more. Nothing stands where less than a tenth of NEST's or a fiftieth of our time is left, which says
nothing: these are current-based cells, whose updates cost less than their input.

A cost is a slope: the time of long runs less that of short ones, over the difference in steps, so
that what a call of run() costs by itself drops out; each the least of many repetitions, so that
other processes on the machine matter little. min_delay is 1 ms, which spares NEST the
synchronisation after every step that it would do without any connection.

Expected, quiet and driven: 10 times faster than pyNN.nest for current-based cells, 50 times for
conductance-based integrate-and-fire cells, 20 times for adaptive exponential and Hodgkin-Huxley
cells. The rates must agree: within one spike per cell when quiet, statistically when driven.

    python examples/benchmarks/cells.py --peer-python /path/to/venv/bin/python
    python examples/benchmarks/cells.py --tiny --peers --set 'types=["HH_cond_exp", "Izhikevich"]'
"""

from dataclasses import asdict, dataclass
from importlib import import_module
from time import perf_counter

import numpy as np
from side_by_side import US, Benchmark, apart, load_backend, main

DT = 0.1  # ms
INPUT_RATE = 2000.0  # Hz
INPUT = "the input alone"


@dataclass(frozen=True)
class Case:
    """How a cell type is driven.

    quiet, driven  parameters that make it fire at some 5 to 40 Hz
    weight         of the input spikes when driven, uS, nA or mV
    target         how many times faster than NEST it should be
    varied         the parameter that differs between cells in `varied`, by 10 % up and down
    """

    quiet: dict
    driven: dict
    weight: float
    target: int
    varied: str = "cm"


@dataclass(frozen=True)
class Size:
    """How long and how much is measured: ms, cells, seconds per cost."""

    cells: int = 1000
    short: float = 10.0
    long: float = 50.0
    budget: float = 0.5
    rate_cells: int = 100
    rate_time: float = 1000.0


QUICK = Size(cells=256, short=5.0, long=25.0, budget=0.1, rate_cells=50, rate_time=200.0)
TINY = Size(cells=64, short=2.0, long=6.0, budget=0.0, rate_cells=20, rate_time=100.0)


def current(quiet, driven, **parameters):
    """Parameters with these values of i_offset, nA."""
    return {"i_offset": quiet, **parameters}, {"i_offset": driven, **parameters}


CASES = {
    "IF_curr_exp": Case(*current(0.8, 0.4), weight=0.04, target=10),
    "IF_curr_alpha": Case(*current(0.8, 0.4), weight=0.15, target=10),
    "IF_curr_delta": Case(*current(0.8, 0.4), weight=0.2, target=10),
    "Izhikevich": Case(*current(0.005, 0.003), weight=0.5, target=10, varied="a"),
    "IF_cond_exp": Case(*current(0.8, 0.4), weight=0.0008, target=50),
    "IF_cond_alpha": Case(*current(0.8, 0.4), weight=0.005, target=50),
    "IF_cond_exp_gsfa_grr": Case(*current(1.2, 0.8), weight=0.001, target=50),
    "IF_facets_hardware1": Case({"v_rest": -54.8}, {"v_rest": -60.0}, weight=0.00006, target=50,
                                varied="g_leak"),
    "GIF_cond_exp": Case(*current(1.2, 0.9, a_eta=[0.1, 0.1, 0.1]), weight=0.0015, target=50),
    "EIF_cond_exp_isfa_ista": Case(*current(0.8, 0.4), weight=0.0006, target=20),
    "EIF_cond_alpha_isfa_ista": Case(*current(0.8, 0.3), weight=0.0003, target=20),
    "HH_cond_exp": Case(*current(0.13, 0.0), weight=0.005, target=20),
    "HH_reduced": Case(*current(4.55, 3.5), weight=0.035, target=20),  # ours alone
}
# Cannot spike, and its update does not depend on what arrives.
DEAF = Case({"v_thresh": 1e6}, {"v_thresh": 1e6}, weight=1e-6, target=0)


def measure(who, threads, case):
    sim, size = load_backend(who, threads), Size(**case["size"])
    rows = {INPUT: {situation: cost(sim, who, "IF_curr_delta", DEAF, situation, size)
                    for situation in ("quiet", "driven")}}
    for name in case["types"]:
        if cell_type(sim, who, name) is None:
            continue
        of_type = CASES[name]
        for situation in ("quiet", "driven"):
            row = rows[f"{name}, {situation}"] = {
                "uniform": cost(sim, who, name, of_type, situation, size),
                "rate": rate(sim, who, name, of_type, situation, size),
                "rate_cells": size.rate_cells, "rate_time": size.rate_time,
                "target": of_type.target}
            row["exact"] = row["rate"]
            if who == US:
                row["varied"] = cost(sim, who, name, of_type, situation, size,
                                     varied=of_type.varied)
    return {"rows": rows}


def cell_type(sim, backend, name):
    """The class, or None if the back end does not have it."""
    found = getattr(sim, name, None)
    if found is None or "ModelNotAvailable" in [each.__name__ for each in found.__mro__]:
        return None
    if backend == "nest" and name == "IF_cond_exp_gsfa_grr":
        # pyNN.nest 0.13 cannot make it with the initial values of g_s and g_r, which it knows by
        # other names.
        found.default_initial_values = {"v": found.default_initial_values["v"]}
    return found


def build(sim, backend, name, case, situation, n):
    """The population of n cells in a network of its own."""
    sim.setup(timestep=DT, min_delay=1.0)
    cells = sim.Population(n, cell_type(sim, backend, name)(**getattr(case, situation)))
    if situation == "driven" and backend == "nest":
        nest = import_module("nest")
        unit = 1.0 if getattr(cells.celltype, "voltage_based_synapses", False) else 1000.0
        nest.Connect(nest.Create("poisson_generator", params={"rate": INPUT_RATE}),
                     cells.node_collection,
                     syn_spec={"weight": unit * case.weight, "delay": 1.0})  # pA, nS or mV; ms
    elif situation == "driven":
        source = sim.Population(n, sim.SpikeSourcePoisson(rate=INPUT_RATE))
        sim.Projection(source, cells, sim.OneToOneConnector(),
                       sim.StaticSynapse(weight=case.weight, delay=1.0),
                       receptor_type="excitatory")
    return cells


def cost(sim, backend, name, case, situation, size, varied=None):
    """ns per update, the input included."""
    cells = build(sim, backend, name, case, situation, size.cells)
    if varied:
        values = np.broadcast_to(cells.get(varied), size.cells)
        cells.set(**{varied: values * np.linspace(0.9, 1.1, size.cells)})
    sim.run(2 * size.short)
    least = {size.short: np.inf, size.long: np.inf}
    began, repetitions = perf_counter(), 0
    while repetitions < 3 or perf_counter() - began < size.budget:
        for length in least:
            start = perf_counter()
            sim.run(length)
            least[length] = min(least[length], perf_counter() - start)
        repetitions += 1
    updates = size.cells * (size.long - size.short) / DT
    return 1e9 * (least[size.long] - least[size.short]) / updates


def rate(sim, backend, name, case, situation, size):
    """Spikes per cell and second."""
    cells = build(sim, backend, name, case, situation, size.rate_cells)
    cells.record("spikes")
    sim.run(size.rate_time)
    return 1000.0 * float(cells.mean_spike_count()) / size.rate_time


def derive(who, rows):
    """What an update costs, the input subtracted from driven cells; None: too little is left."""
    the_input = rows.get(INPUT, {})
    if "driven" not in the_input:
        return
    of_input = max(the_input.pop("driven") - the_input.pop("quiet"), 0.0)
    the_input["ns_update"] = of_input or None
    least_left = 0.02 if who == US else 0.1
    for name, row in rows.items():
        if name == INPUT:
            continue
        row["with_input"] = row["ns_update"] = row.pop("uniform")
        subtract = of_input if name.endswith("driven") else 0.0
        for key in ("ns_update", "varied"):
            if key in row:
                left = row[key] - subtract
                row[key] = left if left > max(least_left * row[key], 0.0) else None


def compare(name, ours, theirs):
    """Sentences about rates that differ by more than they may."""
    if "rate" not in theirs:
        return []
    one_spike = 1000.0 / ours["rate_time"]  # Hz, in every cell
    # Spike counts scatter no more than Poisson's; 4 standard deviations of the difference.
    scatter = 4.0 * (2.0 * max(ours["rate"], theirs["rate"]) * one_spike / ours["rate_cells"]) ** .5
    stochastic = name.endswith("driven") or name.startswith("GIF_cond_exp")
    return apart(f"{name}: rate (Hz)", ours["rate"], theirs["rate"], relative=0.02,
                 absolute=scatter if stochastic else one_spike)


def cases(size):
    return [dict(name="cells", n=size.cells, types=list(CASES), size=asdict(size))]


BENCHMARK = Benchmark(
    __file__, __doc__, measure,
    {"tiny": cases(TINY), "small": cases(QUICK), "full": cases(Size())},
    peers=("nest",), compare=compare, derive=derive, plot="bars", ratio="ns_update",
    rounds=(1, 1, 2),
    columns={"varied": ("varied", ".2f"), "with_input": ("with input", ".2f"),
             "target": ("target", ".0f"), "rate": ("rate (Hz)", ".1f")})

if __name__ == "__main__":
    main(BENCHMARK)
