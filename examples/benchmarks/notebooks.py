"""
How much faster are the lecture's integrator and synchrony notebooks than with a peer?

Five networks of 120 to 300 cells, 20 s each at dt 0.5, one after the other in one process: the
integrator with the stimulus at 180 and at 90 degrees, the synchrony detector with two draws of
its delays, and with inhibition. The time is that of a cell of a notebook: setup, building, run
and reading the counts; imports are not included. One thread each. Expected: at least 15 times
faster than pyNN.nest.

The Poisson inputs differ, so mean counts agree only statistically: the tolerances are 4 standard
deviations of the difference of two runs, from 8 seeds of pyNN.nest.

    python examples/benchmarks/notebooks.py --peer-python /path/to/venv/bin/python
"""

from time import perf_counter

from side_by_side import apart, load_backend, load_example, main, print_times

# relative standard deviation over seeds * 4 * sqrt(2)
TOLERANCE = {"input": 0.13, "output": 0.13, "noise": 0.11, "buffer": 0.0, "relay": 0.18,
             "detector": 0.55, "inhibitory": 0.22}


def measure(backend, options):
    sim = load_backend(backend)
    integrator, synchrony = load_example("integrator"), load_example("synchrony")
    times, counts = {}, {}

    def notebook(title, run, **parameters):
        start = perf_counter()
        network = run(sim, simtime=options.simtime, **parameters)
        populations = network.values() if isinstance(network, dict) else network
        counts[title] = {p.label: float(integrator.spike_counts(p).mean()) for p in populations}
        times[title] = perf_counter() - start

    tuned_rates = integrator.tuned_rates
    notebook("integrator", integrator.run, rates=tuned_rates())
    notebook("integrator 90", integrator.run, rates=tuned_rates(theta=0.25))
    notebook("synchrony", synchrony.run)
    notebook("synchrony 43", synchrony.run, seed=43)
    notebook("inhibition", synchrony.run, inhibition=True)
    return dict(**times, total=sum(times.values()), counts=counts)


def report(results, options):
    print(f"Five networks of {options.simtime:g} ms, one thread, best of {options.rounds}")
    ours, *peers = (rounds[0] for rounds in results.values())
    print_times(results, [key for key in ours if key != "counts"])
    problems = []
    for network, counts in ours["counts"].items():
        print(f"mean spike counts, {network}:")
        for population in counts:
            print(f"  {population:<11}" + "".join(
                f"{backend:>9} {rounds[0]['counts'][network][population]:<8.1f}"
                for backend, rounds in results.items()))
            for theirs in peers:
                # fewer spikes scatter more: the standard deviations were taken at 20 s
                tolerance = TOLERANCE[population] * max(1, 20000.0 / options.simtime) ** 0.5
                problems += apart(f"mean count of {population} in {network}", counts[population],
                                  theirs["counts"][network][population], relative=tolerance)
    return problems


def add_arguments(parser):
    parser.add_argument("--simtime", type=float, default=20000.0, help="ms")


if __name__ == "__main__":
    main(__doc__, measure, report, add_arguments)
