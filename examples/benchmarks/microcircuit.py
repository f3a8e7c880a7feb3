"""
How fast is the cortical microcircuit built and run, and how much memory does it take?

examples/microcircuit.py (Potjans and Diesmann 2014), built through PyNN with NativeRNG, at a scale
of cells and synapses: 77 169 cells and 299 million synapses at scale 1. Build: from setup() to the
end of the first time step; 100 ms are run before the time is taken. Expected at full scale with
two threads: build 60 s, real-time factor 6, peak memory 5 GB.

The rates of the eight populations must agree with NEST's within 15 % or 0.3 Hz: both draw
connections, delays and weights of their own.

    python examples/benchmarks/microcircuit.py --set n=0.3 --peers NEST
    python examples/benchmarks/microcircuit.py --full --peers       # ours alone, to full scale
"""

import time

import numpy as np
from balanced_native import NEST_NAMES, set_up_nest
from side_by_side import Benchmark, apart, load_backend, load_example, main

SETTLING = 100.0  # ms


def measure(who, threads, case):
    circuit = load_example("microcircuit")
    run = run_nest if who == "NEST" else run_pynn
    return run(circuit, who, threads, case["n"], case["simtime"])


def result(circuit, scale, simtime, sizes, spikes, built, ran):
    """Events are spikes times the mean number of targets, in the numbers of the full circuit."""
    rates = {name: 1000.0 * count / sizes[name] / simtime for name, count in spikes.items()}
    targets = circuit.synapse_numbers().sum(axis=0) * scale ** 2 / np.array([*sizes.values()])
    return dict(build=built, run=ran, simtime=simtime, rates=rates,
                updates=round(sum(sizes.values()) * simtime / circuit.DT),
                events=float(np.dot([*spikes.values()], targets)),
                synapses=int(circuit.synapse_numbers().sum() * scale ** 2),
                rate=1000.0 * sum(spikes.values()) / sum(sizes.values()) / simtime, exact=spikes)


def run_pynn(circuit, who, threads, scale, simtime):
    sim = load_backend(who, threads)
    began = time.perf_counter()
    populations = circuit.build(sim, scale)
    sim.run(circuit.DT)
    built = time.perf_counter()
    sim.run(SETTLING - circuit.DT)
    for cells in populations.values():
        cells.get_data("spikes", clear=True)
    starts = time.perf_counter()
    sim.run(simtime)
    ended = time.perf_counter()
    spikes = {name: int(round(cells.mean_spike_count() * cells.size))
              for name, cells in populations.items()}
    sizes = {name: cells.size for name, cells in populations.items()}
    sim.end()
    return result(circuit, scale, simtime, sizes, spikes, built - began, ended - starts)


def run_nest(circuit, who, threads, scale, simtime):
    nest = set_up_nest(circuit.DT, threads)
    began = time.perf_counter()
    parameters = {NEST_NAMES[key][0]: NEST_NAMES[key][1] * value
                  for key, value in circuit.CELL.items()}
    weights, numbers = circuit.mean_weights() / np.sqrt(scale), circuit.synapse_numbers() * scale**2
    per_cell = circuit.synapse_numbers() / circuit.SIZES[:, None]
    lost = (1.0 - np.sqrt(scale)) * circuit.CELL["tau_syn_E"] / 1000.0 * (
        (circuit.mean_weights() * per_cell * circuit.RATES).sum(axis=1)
        + circuit.WEIGHT * circuit.INPUTS * circuit.INPUT_RATE)
    populations, recorders, rng = {}, {}, np.random.RandomState(42)
    sizes = dict(zip(circuit.NAMES, np.rint(circuit.SIZES * scale).astype(int).tolist()))
    for (name, size), current, inputs in zip(sizes.items(), lost, circuit.INPUTS):
        cells = populations[name] = nest.Create("iaf_psc_exp", size, params={
            **parameters, "I_e": 1000.0 * current})
        cells.V_m = rng.normal(-58.0, 10.0, size)
        source = nest.Create("poisson_generator", params={
            "rate": inputs * scale * circuit.INPUT_RATE})
        nest.Connect(source, cells, syn_spec={
            "weight": 1000.0 * circuit.WEIGHT / np.sqrt(scale), "delay": circuit.DT})
        recorders[name] = nest.Create("spike_recorder")
        nest.Connect(cells, recorders[name])

    def normal(mean, spread, low=-np.inf, high=np.inf):
        return nest.math.redraw(nest.random.normal(mean, abs(mean) * spread), low, high)

    for i, target in enumerate(circuit.NAMES):
        for j, source in enumerate(circuit.NAMES):
            n = int(round(numbers[i, j]))
            if n:
                weight, delay = 1000.0 * weights[i, j], circuit.DELAYS[source[-1]]
                bounds = dict(low=0.0) if weight > 0.0 else dict(high=0.0)
                nest.Connect(populations[source], populations[target],
                             {"rule": "fixed_total_number", "N": n},
                             {"weight": normal(weight, circuit.SPREAD_OF_WEIGHTS, **bounds),
                              "delay": normal(delay, circuit.SPREAD_OF_DELAYS, low=circuit.DT)})
    nest.Simulate(circuit.DT)
    built = time.perf_counter()
    nest.Simulate(SETTLING - circuit.DT)
    before = {name: recorder.n_events for name, recorder in recorders.items()}
    starts = time.perf_counter()
    nest.Simulate(simtime)
    ended = time.perf_counter()
    spikes = {name: recorder.n_events - before[name] for name, recorder in recorders.items()}
    return result(circuit, scale, simtime, sizes, spikes, built - began, ended - starts)


def compare(name, ours, theirs):
    found = []
    for population, rate in theirs["rates"].items():
        # short runs of few cells scatter: of so many spikes, in bursts of some
        cells = ours["exact"][population] / max(ours["rates"][population], 1e-9)
        scatter = 6.0 * (max(rate, 0.1) / max(cells, 1e-9)) ** 0.5
        found += apart(f"rate of {population} (Hz)", ours["rates"][population], rate,
                       relative=0.15, absolute=0.3 + scatter)
    return found


def cases(*scales, simtime=1000.0, **more):
    return [dict(name="microcircuit", n=scale, simtime=simtime, **more)
            for scale in scales]


PYNN = {"nest": "builds 0.05 of it in minutes"}
LARGE = dict(without={**PYNN, "NEST": (
    "with 2 threads it refuses so many synapses; with 4, measured once on two such cores: build "
    "117 s, 115 of real time, 14.7 GB")})
BENCHMARK = Benchmark(
    __file__, __doc__, measure,
    {"tiny": cases(0.01, simtime=100.0), "small": cases(0.02, 0.05, simtime=500.0),
     "full": [*cases(0.02), *cases(0.1, 0.3, without=PYNN), *cases(1.0, threads=(2,), **LARGE)]},
    peers=("nest", "NEST"), threads=(1, 2), compare=compare, rounds=(1, 1, 1), x="scale",
    columns={"synapses": ("synapses", "d"), "rate": ("rate (Hz)", ".2f")},
    quoted=("Published real-time factors at full scale: NEST 0.60 on a node with 128 cores, GeNN "
            "0.70 (Titan RTX) and 0.27 (RTX 4090).",))

if __name__ == "__main__":
    main(BENCHMARK)
