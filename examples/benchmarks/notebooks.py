"""
How much faster are the lecture's integrator and synchrony notebooks than with a peer?

Five networks of 120 to 300 cells, 20 s each at dt 0.5, one after the other in one process: the
integrator with the stimulus at 180 and at 90 degrees, the synchrony detector with two draws of
its delays, and with inhibition. The time is that of a cell of a notebook: setup, building, run
and reading the counts; imports are not included. One thread each. Expected: at least 15 times
faster than pyNN.nest.

The Poisson inputs differ, so mean counts agree only statistically: the tolerances are 4 standard
deviations of the difference of two runs, from 8 seeds of pyNN.nest. Its spikes are off the grid, as
the lecture has them.

    python examples/benchmarks/notebooks.py --peer-python /path/to/venv/bin/python
"""

from time import perf_counter

from side_by_side import Benchmark, apart, load_backend, load_example, main

# relative standard deviation over seeds * 4 * sqrt(2)
TOLERANCE = {"input": 0.13, "output": 0.13, "noise": 0.11, "buffer": 0.0, "relay": 0.18,
             "detector": 0.55, "inhibitory": 0.22}


def measure(who, threads, case):
    sim = load_backend(who, threads, on_grid=False)
    simtime = case["simtime"]
    integrator, synchrony = load_example("integrator"), load_example("synchrony")
    rows = {}

    def notebook(title, run, **parameters):
        start = perf_counter()
        network = run(sim, simtime=simtime, **parameters)
        populations = network.values() if isinstance(network, dict) else network
        counts = {p.label: float(integrator.spike_counts(p).mean()) for p in populations}
        rows[title] = dict(run=perf_counter() - start, counts=counts, simtime=simtime,
                           exact=counts)

    tuned_rates = integrator.tuned_rates
    notebook("integrator", integrator.run, rates=tuned_rates())
    notebook("integrator 90", integrator.run, rates=tuned_rates(theta=0.25))
    notebook("synchrony", synchrony.run)
    notebook("synchrony 43", synchrony.run, seed=43)
    notebook("inhibition", synchrony.run, inhibition=True)
    rows["all five"] = dict(run=sum(row["run"] for row in rows.values()), counts={})
    return {"rows": rows}


def compare(name, ours, theirs):
    found = []
    for population, count in theirs["counts"].items():
        # fewer spikes scatter more: the standard deviations were taken at 20 s
        tolerance = TOLERANCE[population] * max(1, 20000.0 / theirs["simtime"]) ** 0.5
        found += apart(f"mean count of {population} in {name}", ours["counts"][population], count,
                       relative=tolerance)
    return found


def cases(simtime):
    return [dict(name="notebooks", n=300, simtime=simtime)]


BENCHMARK = Benchmark(
    __file__, __doc__, measure,
    {"tiny": cases(2000.0), "small": cases(20000.0), "full": cases(20000.0)},
    peers=("nest", "neuron"), compare=compare, plot="bars", rounds=(1, 1, 2))

if __name__ == "__main__":
    main(BENCHMARK)
