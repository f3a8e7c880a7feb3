"""
How fast is Brunel's network in its asynchronous irregular state, Poisson input included?

IF_curr_delta cells, 80 % excitatory, each with a tenth of all cells as its sources, g 5, external
rate twice the threshold's, tau_m 20 ms, threshold 20 mV, reset 10 mV, refractory for 2 ms, delay
1.5 ms. J is 0.1 mV at 12 500 cells (1000 excitatory synapses per cell), where theory has 37.9 Hz;
in networks of other sizes J times that number is the same. Expected: 12 500 cells (15.6 million
synapses) with two threads at most 1.2 s per simulated second; 10 000 cells (10 million synapses)
with one thread at most 1.6.

100 ms are run before the time is taken. The rates must agree as well as seeds do, whose standard
deviation is 1.3 % at 10 000 cells, and inversely proportional to n: within 6 % there, about
4 standard deviations of the difference.

    python examples/benchmarks/brunel_ai.py --full --peers NEST --peer-python /path/to/bin/python

N. Brunel (2000), J. Comput. Neurosci. 8:183-208, doi:10.1023/A:1008925309027
"""

from balanced import Balanced, measure
from side_by_side import Benchmark, apart, main

DT, DELAY, SETTLING = 0.1, 1.5, 100.0  # ms
EPSILON, G, ETA = 0.1, 5.0, 2.0
CELL = dict(tau_m=20.0, cm=0.25, tau_refrac=2.0, v_rest=0.0, v_reset=10.0, v_thresh=20.0,
            i_offset=0.0)


def network(n, in_degree=None):
    """n cells, each with `in_degree` synapses (default: a tenth of n), 80 % excitatory."""
    n_exc = n * 4 // 5
    sources = round(EPSILON * n) if in_degree is None else in_degree
    of = {"exc": sources * 4 // 5, "inh": sources - sources * 4 // 5}
    j = 100.0 / of["exc"]  # mV
    rate = 1000.0 * ETA * CELL["v_thresh"] / (j * CELL["tau_m"])  # Hz
    return Balanced("IF_curr_delta", CELL, n_exc, n - n_exc, j, -G * j, DELAY, (0.0, 20.0),
                    in_degree=of, rate=rate, w_input=j, dt=DT)


def run(who, threads, case):
    return measure(who, network(case["n"]), case["simtime"], SETTLING, threads)


def compare(name, ours, theirs):
    cells = ours["updates"] * DT / ours["simtime"]
    return [*apart("rate (Hz)", ours["rate"], theirs["rate"], relative=min(600.0 / cells, 0.5)),
            *apart("connections", ours["connections"], theirs["connections"])]


def cases(*sizes, simtime=1000.0, **more):
    return [dict(name="Brunel, AI", n=n, simtime=simtime, **more) for n in sizes]


COMPILING = dict(without={"brian2": "compiling takes longer than all else"})
BENCHMARK = Benchmark(
    __file__, __doc__, run,
    {"tiny": cases(1250, simtime=100.0, **COMPILING),
     "small": [*cases(2500, simtime=500.0, **COMPILING), *cases(5000, simtime=500.0)],
     "full": [*cases(2500, **COMPILING), *cases(10000),
              *cases(12500, without={"nest": "builds for minutes"})]},
    peers=("nest", "NEST", "neuron", "brian2"), threads=(1, 2), compare=compare, rounds=(1, 1, 1),
    columns={"rate": ("rate (Hz)", ".1f")},
    quoted=("Auryn (C++, float32, one process, measured on such a core): 10 000 cells, 10 million "
            "synapses, 35 Hz: 4.2 of real time, 12 ns per event all in.",
            "NEST 3.10 with two threads, measured on two such cores: 12 500 cells, 15.6 million "
            "synapses: 10.4 of real time."))

if __name__ == "__main__":
    main(BENCHMARK)
