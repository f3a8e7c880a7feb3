"""
What do two of this machine's processors do at once, in two processes and in two threads?

The second processor of a virtual machine, or of a notebook, may be half a core: two programs that
share nothing then run little faster at once than one after the other, and two threads of one
program cannot either. So this tells what to expect of threads here. Networks are COBA and CUBA of
vogels_abbott.py. `at once`: how many such networks are simulated in the time that one takes alone
with one thread; 2 at best. Each number is the median over turns, in which the three take turns:
what else happens on the machine then spoils all of them.

Spikes must be the same in all of them.

    python examples/benchmarks/processors.py --full
"""

import multiprocessing
import statistics
import time

from balanced import build, spikes_of
from side_by_side import US, Benchmark, load_backend, main
from vogels_abbott import network

SETTLING = 100.0  # ms
# Name of the row -> (processes, threads of each).
WAYS = {"one process, one thread": (1, 1), "two processes at once": (2, 1),
        "one process, two threads": (1, 2)}


def simulate(threads, name, n, simtime, orders):
    """A process that runs `simtime` ms whenever it is told to.

    orders: a Connection, on which any number of True come, for each of which (s, spikes so far)
    goes back, and then a False.
    """
    sim = load_backend(US, threads)
    cells, _ = build(sim, network(name, n))
    sim.run(SETTLING)
    while orders.recv():
        began = time.perf_counter()
        sim.run(simtime)
        elapsed = time.perf_counter() - began
        orders.send((elapsed, sum(spikes_of(population) for population in cells.values())))


def measure(who, threads, case):
    context, groups = multiprocessing.get_context("spawn"), {}
    for way, (n_processes, n_threads) in WAYS.items():
        groups[way] = []
        for _ in range(n_processes):
            ours, theirs = context.Pipe()
            process = context.Process(target=simulate, daemon=True, args=(
                n_threads, case["name"], case["n"], case["simtime"], theirs))
            process.start()
            groups[way].append((process, ours))
    times, spikes = {way: [] for way in WAYS}, {way: set() for way in WAYS}
    for turn in range(case["turns"] + 1):
        for way, group in groups.items():
            for _, orders in group:
                orders.send(True)
            answers = [orders.recv() for _, orders in group]
            if turn:  # what is done once, such as compiling the network, is over
                times[way].append(max(elapsed for elapsed, _ in answers))
            spikes[way].update(count for _, count in answers)
    for group in groups.values():
        for process, orders in group:
            orders.send(False)
            process.join()
    if len({frozenset(counts) for counts in spikes.values()}) > 1:
        raise ValueError(f"spikes differ between processes and threads: {spikes}")
    one = statistics.median(times["one process, one thread"])
    return {"rows": {f"{case['name']}, {way}": {
        "run": statistics.median(times[way]), "simtime": case["simtime"],
        "at_once": n_processes * one / statistics.median(times[way]), "exact": sorted(spikes[way])}
        for way, (n_processes, _) in WAYS.items()}}


def cases(n, simtime, turns):
    return [dict(name=name, n=n, simtime=simtime, turns=turns) for name in ("COBA", "CUBA")]


BENCHMARK = Benchmark(
    __file__, __doc__, measure,
    {"tiny": cases(1000, 20.0, 1), "small": cases(4000, 500.0, 10),
     "full": cases(4000, 1000.0, 40)},
    peers=(), plot="bars", bars=("at_once",),
    columns={"at_once": ("at once", ".2f")})

if __name__ == "__main__":
    main(BENCHMARK)
