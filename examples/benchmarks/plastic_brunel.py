"""
How much faster than on a peer is a random network whose excitatory synapses all learn?

10 000 cells, 80 % excitatory, 15.6 % connected from E to E: 10 million plastic synapses
(spike pairs, multiplicative weights, dendritic delays of 1.5 ms), other synapses static, the
input constant but for a fifth of it, which is Poisson. Build: from setup() to the last
projection. Run: 1 s of biological time after 100 ms that are not measured, one thread each. An
event is a spike arriving at a plastic synapse; ns per event are those of the whole run, its
static synapses and cells included, beside what the same network takes with static synapses in
their place. Beside pyNN.nest, and NEST without PyNN, which has room for 10 million synapses where
pyNN.nest has not. Expected: more than 15 times faster per event than either.

The mean weight and the E rate must agree within 2 % and 5 % (Poisson input differs); of NEST's
weights those of 50 sources are read.

    python examples/benchmarks/plastic_brunel.py --set n=4000 --peer-python /path/to/bin/python
"""

import time

import numpy as np
from balanced_native import set_up_nest
from side_by_side import Benchmark, CannotDo, apart, load_backend, main

DT, SETTLING = 0.1, 100.0  # ms
WEIGHT, G = 0.025, 5.0  # nA, ratio
CONSTANT, NOISE = 0.85, 0.2  # of the input that holds a cell at its threshold
DELAY = 1.5  # ms


STDP = dict(tau_plus=20.0, tau_minus=20.0, A_plus=0.005, A_minus=0.005)
CELL = dict(tau_m=20.0, cm=0.25, tau_refrac=2.0, v_rest=0.0, v_reset=0.0, v_thresh=20.0,
            tau_syn_E=0.5, tau_syn_I=0.5, i_offset=CONSTANT * 20.0 * 0.25 / 20.0)
TOO_MANY = 10000  # cells: their plastic synapses do not fit into 24 GB with pyNN.nest


class Network:
    """Its numbers, for `size` cells; weights in nA, rate in Hz.

    weight * tau_syn * rate is the mean current of the noise, 20 mV * cm / tau_m the one that
    reaches threshold.
    """

    def __init__(self, size):
        self.n = {"E": size * 4 // 5, "I": size // 5}
        self.sources = {name: n * 5 // 32 for name, n in self.n.items()}  # of each cell
        self.weight = WEIGHT * 1250 / self.sources["E"]
        self.strong = 4.0 * self.weight
        self.rate = 1000.0 * NOISE * (20.0 * 0.25 / 20.0) / (0.5 * self.strong)

    def weight_from(self, name):
        return self.weight if name == "E" else -G * self.weight


def build(sim, size, learns, seed=1):
    """Set the network up; returns (E cells, plastic or static E->E projection)."""
    network = Network(size)
    sim.setup(timestep=DT, min_delay=DELAY, max_delay=DELAY)
    rng = sim.NumpyRNG(seed)
    cells = {name: sim.Population(n, sim.IF_curr_exp(**CELL)) for name, n in network.n.items()}
    draw = np.random.RandomState(seed)
    for population in cells.values():
        population.initialize(v=20.0 * draw.rand(population.size))
        source = sim.Population(population.size, sim.SpikeSourcePoisson(rate=network.rate))
        sim.Projection(source, population, sim.OneToOneConnector(),
                       sim.StaticSynapse(weight=network.strong, delay=DELAY))
    plastic = sim.STDPMechanism(
        sim.SpikePairRule(**STDP), sim.MultiplicativeWeightDependence(w_max=2.0 * network.weight),
        weight=network.weight, delay=DELAY)
    projections = {}
    for pre, post in (("E", "E"), ("E", "I"), ("I", "E"), ("I", "I")):
        static = sim.StaticSynapse(weight=network.weight_from(pre), delay=DELAY)
        projections[pre + post] = sim.Projection(
            cells[pre], cells[post],
            sim.FixedNumberPreConnector(network.sources[pre], rng=rng, with_replacement=True),
            plastic if learns and pre == post == "E" else static,
            receptor_type="excitatory" if pre == "E" else "inhibitory")
    return cells["E"], projections["EE"]


def build_native(nest, size, learns, seed=1):
    """The same in NEST; returns (E cells, their recorder, name of E->E synapses)."""
    network = Network(size)
    names = {"tau_m": "tau_m", "tau_refrac": "t_ref", "v_rest": "E_L", "v_reset": "V_reset",
             "v_thresh": "V_th", "tau_syn_E": "tau_syn_ex", "tau_syn_I": "tau_syn_in"}
    parameters = {names[name]: CELL[name] for name in names}
    parameters.update(C_m=1000.0 * CELL["cm"], I_e=1000.0 * CELL["i_offset"],
                      tau_minus=STDP["tau_minus"])
    cells = {name: nest.Create("iaf_psc_exp", n, params=parameters)
             for name, n in network.n.items()}
    draw = np.random.RandomState(seed)
    # One generator sends every cell a train of its own.
    noise = nest.Create("poisson_generator", params={"rate": network.rate})
    for population in cells.values():
        population.V_m = 20.0 * draw.rand(len(population))
        nest.Connect(noise, population,
                     syn_spec={"weight": 1000.0 * network.strong, "delay": DELAY})
    recorder = nest.Create("spike_recorder")
    nest.Connect(cells["E"], recorder)
    synapse = "stdp_synapse" if learns else "static_synapse"
    plastic = {"lambda": STDP["A_plus"], "alpha": STDP["A_minus"] / STDP["A_plus"],
               "mu_plus": 1.0, "mu_minus": 1.0, "tau_plus": STDP["tau_plus"],
               "Wmax": 2000.0 * network.weight} if learns else {}
    for pre, post in (("E", "E"), ("E", "I"), ("I", "E"), ("I", "I")):
        own = {"synapse_model": synapse, **plastic} if pre == post == "E" else {}
        nest.Connect(cells[pre], cells[post],
                     {"rule": "fixed_indegree", "indegree": network.sources[pre]},
                     {"weight": 1000.0 * network.weight_from(pre), "delay": DELAY, **own})
    return cells["E"], recorder, synapse


def measure(who, threads, case):
    if who == "NEST":
        return {"rows": measure_native(threads, case)}
    sim = load_backend(who, threads)
    size, simtime, rows = case["n"], case["simtime"], {}
    if who == "nest" and size >= TOO_MANY:
        raise CannotDo(f"the plastic synapses of {size} cells did not fit into 24 GB")
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
        row = rows[kind] = result(case, connections, spikes, built - began, ended - starts)
        if kind == "plastic":
            weights = np.array(projection.get("weight", format="list", with_address=False))
            row.update(weight=float(weights.mean()), spread=float(weights.std()))
        row["exact"] = [connections, spikes, row.get("weight")]
        sim.end()
    return {"rows": rows}


def measure_native(threads, case):
    """{kind: row} of NEST."""
    rows, network = {}, Network(case["n"])
    for kind in ("plastic", "static"):
        nest = set_up_nest(DT, threads)
        began = time.perf_counter()
        excitatory, recorder, synapse = build_native(nest, case["n"], kind == "plastic")
        built = time.perf_counter()
        nest.Simulate(SETTLING)
        before = recorder.n_events
        starts = time.perf_counter()
        nest.Simulate(case["simtime"])
        ended = time.perf_counter()
        spikes = (recorder.n_events - before) / network.n["E"]
        row = rows[kind] = result(case, network.n["E"] * network.sources["E"], spikes,
                                  built - began, ended - starts)
        if kind == "plastic":
            weights = 1e-3 * np.array(nest.GetConnections(
                excitatory[:50], synapse_model=synapse).get("weight"))
            row.update(weight=float(weights.mean()), spread=float(weights.std()))
    return rows


def result(case, connections, spikes, build, run):
    """A row; `spikes`: of an E cell, on average; `build` and `run` in s."""
    size, simtime = case["n"], case["simtime"]
    return dict(build=build, run=run, simtime=simtime, events=spikes * connections,
                updates=round(size * simtime / DT), rate=1000.0 * spikes / simtime, n=size)


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
    peers=("nest", "NEST"), compare=compare, rounds=(1, 1, 1),
    columns={"rate": ("E rate (Hz)", ".2f"), "weight": ("mean weight (nA)", ".6f"),
             "spread": ("its spread", ".6f")})

if __name__ == "__main__":
    main(BENCHMARK)
