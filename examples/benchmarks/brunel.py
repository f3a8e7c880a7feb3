"""
How much faster is the lecture's Brunel network built and run than by a peer?

examples/brunel.py: at order 50000, 4000 E and 1000 I cells, 2.5 million synapses, which fire
together at 470 Hz. Build: from setup() to the last projection and its length, without imports.
Run: 500 ms of biological time. One thread each; NEST's spikes as the lecture has them, off the
grid. Expected at order 50000: 60 times (build) and 20 times (run) faster than pyNN.nest.

The numbers of connections must be equal. The E rate (470 Hz at g 2.5, eta 0.01, J 0.2) must be
within 0.5 % of the peer's once the network has settled, after 100 ms. Over the whole run, one
volley of spikes more or less is allowed as well: the moment of ignition depends on the first
Poisson spikes, and those of NEST come 1 ms late. Smaller networks (--set n=1000 is order 10000)
depend more on the Poisson input: the settled rates must agree within 3 % from order 10000 on; below
that, where the activity may die out, they are only printed. NEST without PyNN draws connections of
its own.

    python examples/benchmarks/brunel.py --full --peer-python /path/to/venv/bin/python
"""

import time

from balanced import Balanced
from balanced import measure as measure_balanced
from side_by_side import Benchmark, apart, connected, load_backend, load_example, main

FULL_ORDER = 50000
LEAST_ORDER = 10000  # with a rate that depends little on the seed
SETTLED = 100.0  # ms


def measure(who, threads, case):
    example = load_example("brunel")
    order, simtime = 10 * case["n"], case["simtime"]
    if who in ("NEST", "brian2"):
        return measure_balanced(who, network(example, order), simtime, threads=threads)
    sim = load_backend(who, threads, on_grid=False)
    began = time.perf_counter()
    E_net, I_net, projections = example.build(sim, order=order, simtime=simtime)
    connections = {name: len(projection) for name, projection in projections.items()}
    built = time.perf_counter()
    sim.run(simtime)
    ended = time.perf_counter()
    sim.end()
    rates = {net.label: net.mean_spike_count() * 1000.0 / simtime for net in (E_net, I_net)}
    sizes = {net.label: net.size for net in (E_net, I_net)}
    trains = E_net.get_data().segments[0].spiketrains
    late = sum(int((train.magnitude > SETTLED).sum()) for train in trains)
    events = sum(rates[pre] * simtime / 1000.0 * connected(*(
        (number, 1) for name, number in connections.items() if name.startswith(pre)))
        for pre in sizes)
    return dict(build=built - began, run=ended - built, simtime=simtime, events=events,
                updates=round(sum(sizes.values()) * simtime / example.DT),
                rate=rates["E"], rate_I=rates["I"], connections=connections, n=case["n"],
                settled=1000.0 * late / len(trains) / max(simtime - SETTLED, 1.0),
                exact=[connections, rates, late])


def network(example, order):
    """The same for NEST alone."""
    n_inh = order // example.DOWNSCALE
    j_eff = example.DEFAULTS["J"] * example.DOWNSCALE
    weight = j_eff / example.TAU_SYN * example.CURRENT
    rate = 1000.0 * example.DEFAULTS["eta"] * example.THETA / (j_eff * example.TAU_M)  # Hz
    return Balanced("IF_curr_alpha", example.CELL, 4 * n_inh, n_inh, weight,
                    -example.DEFAULTS["g"] * weight, example.DELAY, (0.0, example.THETA),
                    p=example.EPSILON, rate=rate, w_input=weight, dt=example.DT)


def compare(name, ours, theirs):
    found = []
    if "settled" not in theirs:  # other connections
        return found
    for pair, number in theirs["connections"].items():
        found += apart(f"{pair} connections", ours["connections"][pair], number)
    order = 10 * ours["n"]
    if order >= LEAST_ORDER and ours["simtime"] > 2 * SETTLED:
        tolerance = 0.005 if order >= FULL_ORDER else 0.03
        volley = 1000.0 / ours["simtime"]  # Hz, one spike of each cell
        found += apart("settled E rate", ours["settled"], theirs["settled"], relative=tolerance)
        found += apart("E rate", ours["rate"], theirs["rate"], relative=tolerance, absolute=volley)
    return found


def cases(*orders, simtime=500.0, **more):
    return [dict(name="Brunel, lecture", n=order // 10, simtime=simtime, **more)
            for order in orders]


SLOW = dict(without={"neuron": "takes minutes, at order 50000 more than 8"})
BENCHMARK = Benchmark(
    __file__, __doc__, measure,
    {"tiny": cases(5000, simtime=100.0), "small": [*cases(5000), *cases(15000, **SLOW)],
     "full": [*cases(5000), *cases(15000, 50000, **SLOW)]},
    peers=("nest", "NEST", "neuron"), compare=compare, rounds=(1, 1, 2),
    columns={"rate": ("E rate (Hz)", ".1f"), "settled": ("settled (Hz)", ".1f")})

if __name__ == "__main__":
    main(BENCHMARK)
