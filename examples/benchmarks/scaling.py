"""
What do a synaptic event and an update cost in networks of 10^3 to 10^5 cells, with two threads?

Brunel's network as in brunel_ai.py, but with 100 synapses per cell whatever the number of cells,
built by NativeRNG. A second network is the same without its recurrent synapses; ns per update are
those of its run, its Poisson input included, and ns per event what the synapses add to it, over the
number of events. Both are the times of the whole machine: with two threads half as much at best.
Expected: flat within a factor of 2 from 10^3 to 10^5 cells; two threads at least 1.7 times one.

Synapses that few and strong make the network fluctuate slowly: over seeds its rate of about 70 Hz
has a standard deviation of 9 % in 100 ms. It must agree with NEST's within 50 %, 4 times that of
the difference, and the numbers of connections must be equal.

    python examples/benchmarks/scaling.py --full --peer-python /path/to/venv/bin/python
"""

from balanced import measure
from brunel_ai import SETTLING, network
from side_by_side import Benchmark, apart, main

IN_DEGREE = 100


def run(who, threads, case):
    net = network(case["n"], IN_DEGREE)
    rows = {}
    for name, recurrent in (("alone", False), ("coupled", True)):
        rows[name] = measure(who, net, case["simtime"], SETTLING, threads, native_rng=True,
                             recurrent=recurrent)
    row = rows["coupled"]
    row["alone"] = rows["alone"]["run"]
    row["exact"] = [row["exact"], rows["alone"]["exact"]]
    return row


def derive(who, rows):
    """From the best times of both networks what an update and an event cost."""
    for row in rows.values():
        if "alone" in row:
            row["ns_update"] = 1e9 * row["alone"] / row["updates"]
            row["ns_event"] = 1e9 * (row["run"] - row["alone"]) / max(row["events"], 1.0)


def compare(name, ours, theirs):
    return [*apart("rate (Hz)", ours["rate"], theirs["rate"], relative=0.5),
            *apart("connections", ours["connections"], theirs["connections"])]


def cases(*sizes, simtime=500.0):
    return [dict(name="100 synapses per cell", n=n, simtime=simtime) for n in sizes]


BENCHMARK = Benchmark(
    __file__, __doc__, run,
    {"tiny": cases(1000, simtime=100.0), "small": cases(1000, 10000, simtime=300.0),
     "full": cases(1000, 3000, 10000, 30000, 100000)},
    peers=("NEST",), threads=(1, 2), compare=compare, derive=derive,
    rounds=(1, 1, 1),
    columns={"rate": ("rate (Hz)", ".1f")})

if __name__ == "__main__":
    main(BENCHMARK)
