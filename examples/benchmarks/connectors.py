"""
How long does each connector take to build, with each generator, beside pyNN.nest?

n cells project to n others, static synapses of one weight and one delay, or of weights drawn from
a normal distribution ("weights drawn"); from the making of the Projection to the end of the first
time step, which sorts the connections (NEST prepares its own then), less the same without the
Projection. With a NumpyRNG all back ends make the same connections; NativeRNG is a back end's own
generator. Of pyNN.nest only FixedProbability takes it: where another row says NativeRNG, its time
is that with NumpyRNG, its only way. ns per connection in place of ns per event.

The numbers of connections must be equal with NumpyRNG, and within 4 standard deviations with
NativeRNG. The peers have no SmallWorld.

    python examples/benchmarks/connectors.py --set n=1000 --peer-python /path/to/venv/bin/python
"""

import time

import numpy as np
from pyNN.random import NumpyRNG, RandomDistribution
from side_by_side import US, Benchmark, apart, load_backend, main

DT = 0.1  # ms
IN_DEGREE = 100
SEED = 42
DRAWN = ", weights drawn"


def connectors(sim, n, rng):
    """{name: makes the connector}, for n x n cells on a line."""
    k = min(IN_DEGREE, n // 2)
    pairs = np.column_stack([np.repeat(np.arange(n), k), np.tile(np.arange(k), n)])
    some = np.zeros((n, n), dtype=bool)
    some[:, ::n // k] = True
    return {
        "AllToAll": lambda: sim.AllToAllConnector(),
        "OneToOne": lambda: sim.OneToOneConnector(),
        "FixedProbability": lambda: sim.FixedProbabilityConnector(k / n, rng=rng),
        "FixedProbability" + DRAWN: lambda: sim.FixedProbabilityConnector(k / n, rng=rng),
        "FixedTotalNumber": lambda: sim.FixedTotalNumberConnector(
            n * k, with_replacement=True, rng=rng),
        "FixedTotalNumber" + DRAWN: lambda: sim.FixedTotalNumberConnector(
            n * k, with_replacement=True, rng=rng),
        "FixedNumberPre": lambda: sim.FixedNumberPreConnector(k, rng=rng),
        "FixedNumberPost": lambda: sim.FixedNumberPostConnector(k, rng=rng),
        "DistanceDependent": lambda: sim.DistanceDependentProbabilityConnector(
            f"d < {n // 4}", rng=rng),
        "SmallWorld": lambda: sim.SmallWorldConnector(degree=k / 2.0, rewiring=0.1, rng=rng),
        "Array": lambda: sim.ArrayConnector(some),
        "FromList": lambda: sim.FromListConnector(pairs),
    }


WITHOUT_RNG = ("AllToAll", "OneToOne", "Array", "FromList")


def time_of(sim, n, name, rng):
    """(s, number of connections); without a projection if `name` is None."""
    sim.setup(timestep=DT, min_delay=1.0, max_delay=1.0, rng_seed=SEED)
    cells = [sim.Population(n, sim.IF_curr_exp(), structure=sim.space.Line()) for _ in range(2)]
    began = time.perf_counter()
    number = 0
    if name:
        native = not isinstance(rng, NumpyRNG)
        weight = 0.01
        if name.endswith(DRAWN):
            of = rng if not native or sim.__name__.endswith(US) else NumpyRNG(SEED)
            weight = RandomDistribution("normal", mu=0.01, sigma=0.001, rng=of)
        projection = sim.Projection(*cells, connectors(sim, n, rng)[name](),
                                    sim.StaticSynapse(weight=weight, delay=1.0))
        number = len(projection)
    sim.run(DT)
    elapsed = time.perf_counter() - began
    sim.end()
    return elapsed, number


def measure(who, threads, case):
    sim, n, rows = load_backend(who, threads), case["n"], {}
    nothing = min(time_of(sim, n, None, None)[0] for _ in range(2))
    for name in connectors(sim, n, None):
        if case.get("connectors") and name not in case["connectors"]:
            continue
        for kind in ("",) if name in WITHOUT_RNG else ("NumpyRNG", "NativeRNG"):
            key = name + (f", {kind}" if kind else "")
            # its NativeRNG can draw nothing else
            takes = who == US or who == "nest" and name == "FixedProbability"
            if kind == "NativeRNG" and not takes:
                if f"{name}, NumpyRNG" in rows:
                    rows[key] = rows[f"{name}, NumpyRNG"]
                continue
            rng = sim.NativeRNG(SEED) if kind == "NativeRNG" else NumpyRNG(SEED)
            try:
                elapsed, number = time_of(sim, n, name, rng)
            except NotImplementedError:  # SmallWorld, on the peers
                continue
            elapsed = max(elapsed - nothing, 1e-6)
            rows[key] = dict(build=elapsed, connections=number, ns_event=1e9 * elapsed / number,
                             exact=number)
    return {"rows": rows}


def compare(name, ours, theirs):
    drawn = "NativeRNG" in name and "FixedProbability" in name
    return apart(f"{name}: connections", ours["connections"], theirs["connections"],
                 # 4 standard deviations of the difference of two binomial numbers
                 absolute=4.0 * (2.0 * theirs["connections"]) ** 0.5 if drawn else 0.0)


def cases(*sizes, **more):
    return [dict(name="connectors", n=n, **more) for n in sizes]


BENCHMARK = Benchmark(
    __file__, __doc__, measure,
    {"tiny": cases(200), "small": cases(500), "full": cases(500, 2000)},
    peers=("nest", "neuron"), compare=compare, plot="bars", ratio="build", rounds=(1, 1, 1),
    columns={"connections": ("connections", "d")})

if __name__ == "__main__":
    main(BENCHMARK)
