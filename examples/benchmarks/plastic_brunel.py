"""
How much faster than on a peer is a random network whose excitatory synapses all learn?

10 000 cells (--size), 80 % excitatory, 15.6 % connected from E to E: 10 million plastic synapses
(spike pairs, multiplicative weights, dendritic delays of 1.5 ms), other synapses static, the
input constant but for a fifth of it, which is Poisson. Build: from setup() to the last
projection. Run: 1 s of biological time after 100 ms that are not measured, one thread each. An
event is a spike arriving at a plastic synapse; ns per event are those of the whole run, its
static synapses and cells included, beside what the same network takes with static synapses in
their place. Expected: more than 10 times faster per event than pyNN.nest.

The mean weight and the E rate must agree within 2 % and 5 % (Poisson input differs).

    python examples/benchmarks/plastic_brunel.py --size 4000 --peer-python /path/to/bin/python
"""

import time

import numpy as np
from side_by_side import apart, best, load_backend, main, print_times

DT, SETTLING = 0.1, 100.0  # ms
WEIGHT, G = 0.025, 5.0  # nA, ratio
CONSTANT, NOISE = 0.85, 0.2  # of the input that holds a cell at its threshold
DELAY = 1.5  # ms


def build(sim, size, learns, seed=1):
    """Set the network up; returns (E cells, plastic or static E->E projection)."""
    extra = {"spike_precision": "on_grid"} if sim.__name__.endswith("nest") else {}
    sim.setup(timestep=DT, min_delay=DELAY, max_delay=DELAY, threads=1, **extra)
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


def measure(backend, options):
    sim = load_backend(backend)
    result = {}
    for kind in ("plastic", "static"):
        began = time.perf_counter()
        excitatory, projection = build(sim, options.size, kind == "plastic")
        connections = len(projection)
        result[f"build_{kind}"] = time.perf_counter() - began
        excitatory.record("spikes")
        sim.run(SETTLING)
        before = excitatory.mean_spike_count()
        began = time.perf_counter()
        sim.run(options.simtime)
        result[f"run_{kind}"] = time.perf_counter() - began
        # each excitatory cell has, on average, as many targets as sources
        spikes = excitatory.mean_spike_count() - before
        events = spikes * connections
        result[f"ns_{kind}"] = 1e9 * result[f"run_{kind}"] / max(events, 1)
        result[f"rate_{kind}"] = 1000.0 * spikes / options.simtime
        if kind == "plastic":
            weights = np.array(projection.get("weight", format="list", with_address=False))
            result["weight"] = float(weights.mean())
            result["spread"] = float(weights.std())
        sim.end()
    result["connections"] = connections
    return result


def report(results, options):
    ours = results["laconeu"][0]
    print(f"{options.size} cells, {ours['connections']} plastic synapses, {options.simtime:g} ms, "
          f"one thread, best of {options.rounds}")
    print_times(results, ["build_plastic", "run_plastic", "build_static", "run_static"])
    problems = []
    for backend, rounds in results.items():
        fastest = best(results, "ns_plastic")[backend], best(results, "ns_static")[backend]
        first = rounds[0]
        print(f"{backend:<10}{fastest[0]:>8.1f} ns per plastic event, {fastest[1]:.1f} ns if "
              f"static; E rate {first['rate_plastic']:.2f} Hz, mean weight "
              f"{first['weight']:.6f} nA, standard deviation {first['spread']:.6f}")
    for backend in list(results)[1:]:
        theirs = results[backend][0]
        ratio = best(results, "ns_plastic")[backend] / best(results, "ns_plastic")["laconeu"]
        print(f"{backend}/us {ratio:.1f}x per plastic event")
        # The networks' noise differs: what the mean of so many spikes varies by comes on top.
        n_spikes = ours["rate_plastic"] * 0.8 * options.size * options.simtime / 1000.0
        problems += apart("E rate", ours["rate_plastic"], theirs["rate_plastic"],
                          relative=0.05 + 5.0 / np.sqrt(max(n_spikes, 1.0)))
        problems += apart("mean weight", ours["weight"], theirs["weight"], relative=0.02)
    return problems


def add_arguments(parser):
    parser.add_argument("--size", type=int, default=10000, help="cells")
    parser.add_argument("--simtime", type=float, default=1000.0, help="ms")


if __name__ == "__main__":
    main(__doc__, measure, report, add_arguments, rounds=1)
