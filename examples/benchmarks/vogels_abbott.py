"""
How fast are PyNN's own example networks, COBA and CUBA, with one thread and with two?

The balanced networks of Vogels and Abbott as in PyNN's VAbenchmarks.py: 4000 cells (80 %
excitatory), 80 synapses per cell, conductances (IF_cond_exp) or currents (IF_curr_exp), dt 0.1 ms,
1 s. All back ends of PyNN draw the same connections and initial potentials. With more or fewer
cells each keeps its 80 synapses. Expected at 4000 cells with two threads: COBA at most 0.08 s per
simulated second and 80 times faster than pyNN.nest; CUBA 0.04 s and 25 times.

Over seeds of connections and Poisson input the rate of 4000 cells has a standard deviation of 9 %
(COBA) and 6 % (CUBA); rates must agree within 4 times that of the difference, those of CUBA, which
has no random input, within 15 % where the connections are the same, as on the back ends of PyNN.
There the numbers of connections must be equal. Below 4000 cells the activity of COBA may die out,
and is only printed.

    python examples/benchmarks/vogels_abbott.py --peer-python /path/to/venv/bin/python
    python examples/benchmarks/vogels_abbott.py --set n=8000 --peers nest --threads 1

T. P. Vogels and L. F. Abbott (2005), J. Neurosci. 25:10786-10795; R. Brette et al. (2007),
J. Comput. Neurosci. 23:349-398, doi:10.1007/s10827-007-0038-6
"""

from balanced import Balanced, measure
from side_by_side import Benchmark, apart, main

DT, DELAY = 0.1, 0.2  # ms
IN_DEGREE = 80
MEMBRANE = dict(tau_m=20.0, cm=0.2, tau_refrac=5.0, v_reset=-60.0, v_thresh=-50.0,
                tau_syn_E=5.0, tau_syn_I=10.0)
TOLERANCE = {"COBA": 0.5, "CUBA": 0.35}
SAME_CONNECTIONS = {"COBA": 0.5, "CUBA": 0.15}


def network(name, n):
    """COBA or CUBA with n cells."""
    common = dict(n_exc=n * 4 // 5, n_inh=n - n * 4 // 5, p=IN_DEGREE / n, delay=DELAY, dt=DT,
                  v=(-60.0, -50.0))
    if name == "COBA":
        return Balanced("IF_cond_exp", {**MEMBRANE, "v_rest": -60.0, "e_rev_E": 0.0,
                                        "e_rev_I": -80.0},
                        w_exc=0.004, w_inh=0.051, stimulus=(20, 100.0, 50.0, 0.01, 0.1), **common)
    return Balanced("IF_curr_exp", {**MEMBRANE, "v_rest": -49.0},
                    w_exc=0.0162, w_inh=-0.09, **common)


def run(who, threads, case):
    row = measure(who, network(case["name"], case["n"]), case["simtime"], threads=threads)
    return {**row, "n": case["n"]}


def compare(name, ours, theirs):
    same, found = all(isinstance(number, int) for number in theirs["exact"][0].values()), []
    if ours["n"] >= 4000 or name == "CUBA":
        found += apart(f"{name} rate (Hz)", ours["rate"], theirs["rate"],
                       relative=(SAME_CONNECTIONS if same else TOLERANCE)[name])
    if same:
        found += apart(f"{name} connections", ours["connections"], theirs["connections"])
    return found


def cases(*sizes, simtime=1000.0, names=("COBA", "CUBA"), **more):
    return [dict(name=name, n=n, simtime=simtime, **more) for name in names for n in sizes]


COMPILING = dict(without={"brian2": "compiling takes longer than all else"})
SLOW = dict(without={"nest": "builds for minutes"})
BENCHMARK = Benchmark(
    __file__, __doc__, run,
    {"tiny": [*cases(1000, simtime=200.0, names=["CUBA"]),
              *cases(1000, simtime=200.0, names=["COBA"], **COMPILING)],
     "small": [*cases(1000, simtime=500.0, **COMPILING), *cases(4000, simtime=500.0)],
     "full": [*cases(1000, **COMPILING), *cases(4000), *cases(16000, **SLOW)]},
    peers=("nest", "NEST", "neuron", "brian2"), threads=(1, 2), compare=compare, rounds=(1, 1, 1),
    columns={"rate": ("rate (Hz)", ".1f")},
    quoted=("Auryn (C++, float32, one process, measured on two such cores): COBA of 4000 cells, "
            "0.12 of real time.",))

if __name__ == "__main__":
    main(BENCHMARK)
