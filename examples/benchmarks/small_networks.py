"""
How long does a small script take, from setup() to the end of its run, and a long run of few cells?

"script": 10 IF_cond_exp cells with Poisson input, all connected, 100 ms: setup, building and run,
the first time in a process, imports not included. Expected: under 50 ms. "run": 200 cells of the
kind of the lecture's notebooks (IF_cond_alpha, dt 0.5 ms) over 40 000 steps, and more and fewer:
all arithmetic, no Python in the loop.

The mean rates must agree within 10 % (Poisson input differs).

    python examples/benchmarks/small_networks.py --peer-python /path/to/venv/bin/python
"""

import time

import numpy as np
from side_by_side import Benchmark, apart, load_backend, main

SEED = 42


def script(sim, n, simtime):
    """Set up, build; returns (population, time step)."""
    dt = 0.1
    sim.setup(timestep=dt, min_delay=dt, max_delay=1.0)
    cells = sim.Population(n, sim.IF_cond_exp(i_offset=0.5))
    source = sim.Population(n, sim.SpikeSourcePoisson(rate=500.0))
    sim.Projection(source, cells, sim.OneToOneConnector(),
                   sim.StaticSynapse(weight=0.005, delay=1.0))
    sim.Projection(cells, cells, sim.AllToAllConnector(),
                   sim.StaticSynapse(weight=0.002, delay=1.0), receptor_type="inhibitory")
    cells.record(["spikes", "v"])
    return cells, dt


def notebook(sim, n, simtime):
    dt = 0.5
    sim.setup(timestep=dt, min_delay=dt, max_delay=2.0)
    rates = 20.0 + 20.0 * np.sin(np.linspace(0.0, 6.0, n))
    source = sim.Population(n, sim.SpikeSourcePoisson(rate=rates, duration=simtime))
    cells = sim.Population(n, sim.IF_cond_alpha())
    sim.Projection(source, cells, sim.FixedNumberPreConnector(
        min(n, 10), rng=sim.NumpyRNG(SEED)), sim.StaticSynapse(weight=0.1, delay=1.0))
    cells.record("spikes")
    return cells, dt


def measure(who, threads, case):
    sim = load_backend(who, threads)
    build = script if case["name"] == "script" else notebook
    began = time.perf_counter()
    cells, dt = build(sim, case["n"], case["simtime"])
    built = time.perf_counter()
    sim.run(case["simtime"])
    ended = time.perf_counter()
    rate = 1000.0 * float(cells.mean_spike_count()) / case["simtime"]
    sim.end()
    return dict(build=built - began, run=ended - built, total=ended - began, rate=rate,
                simtime=case["simtime"], exact=rate, n=case["n"],
                updates=round(case["n"] * case["simtime"] / dt))


def compare(name, ours, theirs):
    # spikes of a cell are no more irregular than Poisson's
    spikes = ours["rate"] * ours["simtime"] / 1000.0 * ours["n"]
    return apart("rate (Hz)", ours["rate"], theirs["rate"],
                 relative=0.1 + 4.0 * (2.0 / max(spikes, 1.0)) ** 0.5)


SCRIPT = dict(name="script", n=10, simtime=100.0)


def cases(*sizes, simtime=20000.0):
    return [dict(name="run", n=n, simtime=simtime) for n in sizes]


BENCHMARK = Benchmark(
    __file__, __doc__, measure,
    {"tiny": [SCRIPT, *cases(50, simtime=500.0)], "small": [SCRIPT, *cases(20, 200)],
     "full": [SCRIPT, *cases(20, 200, 2000)]},
    peers=("nest", "neuron"), compare=compare, ratio="total", rounds=(1, 3, 5),
    columns={"total": ("total (s)", ".4f"), "rate": ("rate (Hz)", ".1f")})

if __name__ == "__main__":
    main(BENCHMARK)
