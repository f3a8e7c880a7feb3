"""
How much faster than on a peer is a random network whose excitatory synapses all learn?

10 000 cells, 80 % excitatory, 15.6 % connected from E to E: 10 million plastic synapses
(spike pairs, multiplicative weights, dendritic delays of 1.5 ms), other synapses static, the
input constant but for a fifth of it, which is Poisson. Build: from setup() to the last
projection. Run: 1 s of biological time after 100 ms that are not measured, one thread each. An
event is a spike arriving at a plastic synapse; ns per event are those of the whole run, its
static synapses and cells included, beside what the same network takes with static synapses in
their place. Expected: more than 10 times faster per event than pyNN.nest.

The mean weight and the E rate must agree within 2 % and 5 % (Poisson input differs).

    python examples/benchmarks/plastic_brunel.py --set n=4000 --peer-python /path/to/bin/python
"""

import time

import numpy as np
from side_by_side import Benchmark, apart, load_backend, main

DT, SETTLING = 0.1, 100.0  # ms
WEIGHT, G = 0.025, 5.0  # nA, ratio
CONSTANT, NOISE = 0.85, 0.2  # of the input that holds a cell at its threshold
DELAY = 1.5  # ms


def build(sim, size, learns, seed=1):
    """Set the network up; returns (E cells, plastic or static E->E projection)."""
    sim.setup(timestep=DT, min_delay=DELAY, max_delay=DELAY)
    rng = sim.NumpyRNG(seed)
    n_e, n_i = size * 4 // 5, size // 5
    in_e, in_i = n_e * 5 // 32, n_i * 5 // 32
    weight = WEIGHT * 1250 / in_e
    cell = sim.IF_curr_exp(tau_m=20.0, cm=0.25, tau_refrac=2.0, v_rest=0.0, v_reset=0.0,
                           v_thresh=20.0, tau_syn_E=0.5, tau_syn_I=0.5,
                           i_offset=CONSTANT * 20.0 * 0.25 / 20.0)
    cells = {"E": sim.Population(n_e, cell), "I": sim.Population(n_i, cell)}
    draw = np.random.RandomState(seed)
    for population in cells.values():
        population.initialize(v=20.0 * draw.rand(population.size))
    strong = 4.0 * weight
    # weight * tau_syn * rate is the mean current, 20 mV * cm / tau_m the one that reaches threshold
    noise = sim.SpikeSourcePoisson(rate=1000.0 * NOISE * (20.0 * 0.25 / 20.0) / (0.5 * strong))
    for population in cells.values():
        source = sim.Population(population.size, noise)
        sim.Projection(source, population, sim.OneToOneConnector(),
                       sim.StaticSynapse(weight=strong, delay=DELAY))
    plastic = sim.STDPMechanism(
        sim.SpikePairRule(tau_plus=20.0, tau_minus=20.0, A_plus=0.005, A_minus=0.005),
        sim.MultiplicativeWeightDependence(w_max=2.0 * weight), weight=weight, delay=DELAY)
    excites = sim.StaticSynapse(weight=weight, delay=DELAY)
    inhibits = sim.StaticSynapse(weight=-G * weight, delay=DELAY)
    projections = [
        sim.Projection(cells[pre], cells[post],
                       sim.FixedNumberPreConnector(n, rng=rng, with_replacement=True),
                       synapse, receptor_type=receptor)
        for pre, post, n, synapse, receptor in (
            ("E", "E", in_e, plastic if learns else excites, "excitatory"),
            ("E", "I", in_e, excites, "excitatory"), ("I", "E", in_i, inhibits, "inhibitory"),
            ("I", "I", in_i, inhibits, "inhibitory"))]
    return cells["E"], projections[0]


def measure(who, threads, case):
    sim = load_backend(who, threads)
    size, simtime, rows = case["n"], case["simtime"], {}
    for kind in ("plastic", "static"):
        began = time.perf_counter()
        excitatory, projection = build(sim, size, kind == "plastic")
        connections = len(projection)
        built = time.perf_counter()
        excitatory.record("spikes")
        sim.run(SETTLING)
        before = excitatory.mean_spike_count()
        starts = time.perf_counter()
        sim.run(simtime)
        ended = time.perf_counter()
        # each excitatory cell has, on average, as many targets as sources
        spikes = excitatory.mean_spike_count() - before
        row = rows[kind] = dict(
            build=built - began, run=ended - starts, simtime=simtime, events=spikes * connections,
            updates=round(size * simtime / DT), rate=1000.0 * spikes / simtime, n=size)
        if kind == "plastic":
            weights = np.array(projection.get("weight", format="list", with_address=False))
            row.update(weight=float(weights.mean()), spread=float(weights.std()))
        row["exact"] = [connections, spikes, row.get("weight")]
        sim.end()
    return {"rows": rows}


def compare(name, ours, theirs):
    # The networks' noise differs: what the mean of so many spikes varies by comes on top.
    n_spikes = ours["rate"] * 0.8 * ours["n"] * ours["simtime"] / 1000.0
    found = apart(f"{name}: E rate (Hz)", ours["rate"], theirs["rate"],
                  relative=0.05 + 5.0 / np.sqrt(max(n_spikes, 1.0)))
    if "weight" in theirs:
        found += apart("mean weight (nA)", ours["weight"], theirs["weight"], relative=0.02)
    return found


def cases(*sizes, simtime=1000.0):
    return [dict(name="plastic", n=n, simtime=simtime) for n in sizes]


BENCHMARK = Benchmark(
    __file__, __doc__, measure,
    {"tiny": cases(1000, simtime=200.0), "small": cases(1000, 3000),
     "full": cases(1000, 3000, 10000)},
    peers=("nest",), compare=compare, rounds=(1, 1, 1),
    columns={"rate": ("E rate (Hz)", ".2f"), "weight": ("mean weight (nA)", ".6f"),
             "spread": ("its spread", ".6f")})

if __name__ == "__main__":
    main(BENCHMARK)
