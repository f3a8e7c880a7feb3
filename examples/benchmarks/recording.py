"""
How long does get_data() take for many cells, and what does recording add to a run?

"get_data": 80 000 Poisson sources of 12.5 Hz record their spikes for 1 s, 10^6 of them; time to
get them as a Neo Block. Expected: under 0.5 s. The other rows: the run of an active network
(brunel_ai.py) that records nothing, all spikes, and all spikes with v of every cell at every ms or
every step; `x unrecorded` is the run over that of the first. Expected: less than 1.1 for spikes.

The rates must agree within 2 %, and be the same whatever is recorded. IF_curr_delta: pyNN.nest
cannot record its v.

    python examples/benchmarks/recording.py --full --peer-python /path/to/venv/bin/python
"""

import time

from balanced import SEED, build, spikes_of
from brunel_ai import SETTLING, network
from side_by_side import US, Benchmark, apart, load_backend, main

RATE = 12.5  # Hz
KINDS = {"nothing recorded": (None, None), "spikes": ("spikes", None),
         "v every ms": (["spikes", "v"], 1.0), "v every step": (["spikes", "v"], None)}


def measure(who, threads, case):
    sim = load_backend(who, threads)
    if case["name"] == "get_data":
        return many_trains(sim, case["n"], case["simtime"])
    rows = {}
    for name, recorded in KINDS.items():
        if who == US or "v" not in name.split():
            rows[name] = run_recording(sim, case, recorded)
    return {"rows": rows}


def many_trains(sim, n, simtime):
    began = time.perf_counter()
    sim.setup(timestep=0.1, min_delay=0.1, max_delay=1.0, rng_seed=SEED)
    sources = sim.Population(n, sim.SpikeSourcePoisson(rate=RATE))
    sources.record("spikes")
    built = time.perf_counter()
    sim.run(simtime)
    ended = time.perf_counter()
    trains = sources.get_data().segments[0].spiketrains
    got = time.perf_counter()
    number = sum(len(train) for train in trains)
    sim.end()
    return dict(build=built - began, run=ended - built, data=got - ended, simtime=simtime, n=n,
                rate=1000.0 * number / n / simtime, exact=number)


def run_recording(sim, case, recorded):
    cells, _ = build(sim, network(case["n"]), record=recorded)
    sim.run(SETTLING)
    before = sum(spikes_of(each) for each in cells.values()) if recorded[0] else 0
    began = time.perf_counter()
    sim.run(case["simtime"])
    ended = time.perf_counter()
    for population in cells.values():
        if recorded[0]:
            population.get_data()
    got = time.perf_counter()
    row = dict(run=ended - began, simtime=case["simtime"], n=case["n"])
    if recorded[0]:
        spikes = sum(spikes_of(each) for each in cells.values()) - before
        row.update(data=got - ended, exact=spikes,
                   rate=1000.0 * spikes / case["n"] / case["simtime"])
    sim.end()
    return row


def derive(who, rows):
    """How much longer the runs take than the first."""
    nothing = rows.get("nothing recorded", {}).get("run")
    for row in rows.values():
        if nothing and "build" not in row:
            row["unrecorded"] = row["run"] / nothing


def compare(name, ours, theirs):
    if "rate" not in theirs:
        return []
    spikes = ours["rate"] * ours["simtime"] / 1000.0 * ours["n"]
    return apart(f"{name}: rate (Hz)", ours["rate"], theirs["rate"],
                 relative=0.02 + 5.0 / spikes ** 0.5)


def cases(sources, cells, simtime):
    return [dict(name="get_data", n=sources, simtime=1000.0 if sources > 1000 else 200.0),
            dict(name="recording", n=cells, simtime=simtime)]


BENCHMARK = Benchmark(
    __file__, __doc__, measure,
    {"tiny": cases(500, 1250, 100.0), "small": cases(20000, 2500, 500.0),
     "full": cases(80000, 10000, 1000.0)},
    peers=("nest",), compare=compare, derive=derive, plot="bars", bars=("run", "data"),
    rounds=(1, 1, 1),
    columns={"data": ("get_data (s)", ".4f"), "unrecorded": ("x unrecorded", ".3f"),
             "rate": ("rate (Hz)", ".1f")})

if __name__ == "__main__":
    main(BENCHMARK)
