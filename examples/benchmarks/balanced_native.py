"""The networks of balanced.py built by NEST and by Brian 2 themselves, without PyNN."""

import contextlib
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from balanced import SEED, result
from side_by_side import CannotDo, load_native

# ---- NEST -------------------------------------------------------------------------------------

NEST_MODELS = {"IF_curr_exp": "iaf_psc_exp", "IF_curr_alpha": "iaf_psc_alpha",
               "IF_curr_delta": "iaf_psc_delta", "IF_cond_exp": "iaf_cond_exp"}
NEST_NAMES = {"tau_m": ("tau_m", 1.0), "tau_refrac": ("t_ref", 1.0), "v_rest": ("E_L", 1.0),
              "v_reset": ("V_reset", 1.0), "v_thresh": ("V_th", 1.0), "cm": ("C_m", 1000.0),
              "i_offset": ("I_e", 1000.0), "tau_syn_E": ("tau_syn_ex", 1.0),
              "tau_syn_I": ("tau_syn_in", 1.0), "e_rev_E": ("E_ex", 1.0),
              "e_rev_I": ("E_in", 1.0)}  # nF to pF, nA to pA


def nest_cell(network):
    """(NEST's model, its parameters, its weight unit over PyNN's)."""
    parameters = {NEST_NAMES[key][0]: NEST_NAMES[key][1] * value
                  for key, value in network.cell.items()}
    if network.cell_type.startswith("IF_cond"):
        parameters["g_L"] = parameters["C_m"] / parameters.pop("tau_m")
    unit = 1.0 if network.cell_type == "IF_curr_delta" else 1000.0
    return NEST_MODELS[network.cell_type], parameters, unit


def set_up_nest(dt, threads, seed=SEED):
    """The module, with an empty network."""
    with quiet():
        nest = load_native("nest")
    nest.ResetKernel()
    if hasattr(nest, "set_verbosity"):
        nest.set_verbosity("M_ERROR")
    else:
        nest.verbosity = nest.VerbosityLevel.ERROR
    nest.resolution, nest.local_num_threads, nest.rng_seed = dt, threads, seed
    return nest


@contextlib.contextmanager
def quiet():
    """NEST greets on the standard output."""
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        yield


def build_nest(nest, network, recurrent=True):
    """{"exc", "inh": (cells, recorder)}."""
    model, parameters, unit = nest_cell(network)
    rng = np.random.RandomState(SEED)
    cells = {"exc": nest.Create(model, network.n_exc, params=parameters),
             "inh": nest.Create(model, network.n_inh, params=parameters)}
    recorders = {}
    for name, population in cells.items():
        population.V_m = rng.uniform(*network.v, len(population))
        if network.rate:
            nest.Connect(nest.Create("poisson_generator", params={"rate": network.rate}),
                         population,
                         syn_spec={"weight": unit * network.w_input, "delay": network.dt})
        recorders[name] = nest.Create("spike_recorder")
        nest.Connect(population, recorders[name])
    if network.stimulus:
        number, rate, duration, p, weight = network.stimulus
        generators = nest.Create("poisson_generator", number,
                                 params={"rate": rate, "stop": duration})
        sources = nest.Create("parrot_neuron", number)
        nest.Connect(generators, sources, "one_to_one", {"delay": network.dt})
        for population in cells.values():
            nest.Connect(sources, population, {"rule": "pairwise_bernoulli", "p": p},
                         {"weight": unit * weight, "delay": network.delay})
    for pre, weight in (("exc", network.w_exc), ("inh", network.w_inh)):
        for post in cells if recurrent else ():
            # NEST tells inhibitory conductances by their sign
            sign = -1.0 if pre == "inh" and weight > 0.0 else 1.0
            rule = ({"rule": "fixed_indegree", "indegree": network.in_degree[pre],
                     "allow_multapses": False} if network.in_degree else
                    {"rule": "pairwise_bernoulli", "p": network.p})
            nest.Connect(cells[pre], cells[post], rule,
                         {"weight": sign * unit * weight, "delay": network.delay})
    return {name: (cells[name], recorders[name]) for name in cells}


def run_nest(network, simtime, settle, threads, recurrent=True):
    nest = set_up_nest(network.dt, threads)
    began = time.perf_counter()
    cells = build_nest(nest, network, recurrent)
    nest.Simulate(network.dt)
    built = time.perf_counter()
    if settle:
        nest.Simulate(settle - network.dt)
    before = {name: recorder.n_events for name, (_, recorder) in cells.items()}
    starts = time.perf_counter()
    nest.Simulate(simtime - (0.0 if settle else network.dt))
    ended = time.perf_counter()
    spikes = {name: recorder.n_events - before[name] for name, (_, recorder) in cells.items()}
    # Counting connections one projection at a time would take longer than the run.
    numbers = network.numbers() if recurrent else {}
    return result(network, simtime, numbers, spikes, built - began, ended - starts)


# ---- Brian 2 ----------------------------------------------------------------------------------

# Of all cell types; what is marked is clamped while a cell is refractory, arrivals included.
MEMBRANE = {
    "IF_curr_exp": "dv/dt = (v_rest - v) / tau_m + (ge + gi + i_offset) / capacitance",
    "IF_curr_delta": "dv/dt = (v_rest - v) / tau_m + i_offset / capacitance",
    "IF_cond_exp": "dv/dt = (v_rest - v) / tau_m + (ge * (e_rev_E - v) + gi * (e_rev_I - v)"
                   " + i_offset) / capacitance"}
RECEPTORS = "\ndge/dt = -ge / tau_syn_E : {0}\ndgi/dt = -gi / tau_syn_I : {0}"
PEAK = """import resource, subprocess, sys
status = subprocess.call(sys.argv[2:])
with open(sys.argv[1], "w") as file:
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=file)
sys.exit(status)
"""  # runs the program, and writes how much memory it took


def brian2_equations(network):
    """(text, namespace, {"exc", "inh": variable that a spike adds to}, unit of weights)."""
    import brian2
    units = {"tau": brian2.ms, "v_": brian2.mV, "e_": brian2.mV,
             "capacitance": brian2.nF, "i_": brian2.nA}
    cell = {"i_offset": 0.0, **network.cell}
    cell["capacitance"] = cell.pop("cm")  # cm is a unit to Brian
    namespace = {key: value * next(unit for start, unit in units.items() if key.startswith(start))
                 for key, value in cell.items()}
    text = MEMBRANE[network.cell_type] + " : volt (unless refractory)"
    if network.cell_type == "IF_curr_delta":
        return text, namespace, {"exc": "v", "inh": "v"}, brian2.mV
    conductance = network.cell_type == "IF_cond_exp"
    text += RECEPTORS.format("siemens" if conductance else "amp")
    return text, namespace, {"exc": "ge", "inh": "gi"}, (
        brian2.uS if conductance else brian2.nA)


def drawn_sources(n_pre, n_post, in_degree):
    """(sources, targets) with exactly so many different sources for each target."""
    rng = np.random.default_rng(SEED + n_pre)
    sources = [rng.choice(n_pre, in_degree, replace=False, shuffle=False) for _ in range(n_post)]
    return np.concatenate(sources), np.repeat(np.arange(n_post), in_degree)


def run_brian2(network, simtime, settle, threads, recurrent=True):
    """As a C++ program: building is Python's share, compiling, and what the program does outside
    its time loop, of which the share of `settle` is left out."""
    brian2 = load_native("brian2")
    from brian2 import Hz, ms, mV
    if network.cell_type not in MEMBRANE:
        raise CannotDo(f"no equations for {network.cell_type}")
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        peak = Path(folder, "peak")
        brian2.set_device("cpp_standalone", build_on_run=False, directory=None)
        brian2.prefs.devices.cpp_standalone.openmp_threads = threads if threads > 1 else 0
        brian2.prefs.devices.cpp_standalone.run_cmd_unix = [
            sys.executable, "-c", PEAK, str(peak), "./main"]
        brian2.seed(SEED)
        brian2.defaultclock.dt = network.dt * ms
        text, namespace, adds_to, unit = brian2_equations(network)
        group = brian2.NeuronGroup(
            network.n, text, threshold="v >= v_thresh", reset="v = v_reset",
            refractory="tau_refrac", namespace=namespace,
            method="exponential_euler" if network.cell_type == "IF_cond_exp" else "exact")
        group.v = np.random.RandomState(SEED).uniform(*network.v, network.n) * mV
        cells = {"exc": group[:network.n_exc], "inh": group[network.n_exc:]}
        objects = [group]
        for pre, weight in (("exc", network.w_exc), ("inh", network.w_inh)):
            if recurrent:
                synapses = brian2.Synapses(
                    cells[pre], group, on_pre=f"{adds_to[pre]}_post += strength",
                    delay=network.delay * ms, namespace={"strength": weight * unit})
                if network.in_degree:
                    i, j = drawn_sources(len(cells[pre]), network.n, network.in_degree[pre])
                    synapses.connect(i=i, j=j)
                else:
                    synapses.connect(p=network.p)
                objects.append(synapses)
        if network.rate:
            # binomial numbers: of so many that they are Poisson's
            objects.append(brian2.PoissonInput(group, adds_to["exc"], 1000,
                                               network.rate / 1000.0 * Hz,
                                               network.w_input * unit))
        if network.stimulus:
            number, rate, duration, p, weight = network.stimulus
            source = brian2.PoissonGroup(number, "rate_on * int(t < end)", namespace={
                "rate_on": rate * Hz, "end": duration * ms})
            synapses = brian2.Synapses(source, group, on_pre=f"{adds_to['exc']}_post += strength",
                                       delay=network.delay * ms,
                                       namespace={"strength": weight * unit})
            synapses.connect(p=p)
            objects += [source, synapses]
        monitors = {name: brian2.SpikeMonitor(each) for name, each in cells.items()}
        program = brian2.Network(*objects, *monitors.values())
        if settle:
            program.run(settle * ms)
        program.run(simtime * ms)
        brian2.device.build(directory=str(Path(folder, "code")), compile=True, run=True,
                            with_output=False)
        total = time.perf_counter() - began
        loop = brian2.device._last_run_time  # of the last run(), without `settle`
        spikes = {}
        for name, monitor in monitors.items():
            spikes[name] = int((np.asarray(monitor.t / ms) >= settle).sum())
        memory = float(peak.read_text()) * (1 if sys.platform == "darwin" else 1024) / 1e6
    numbers = network.numbers() if recurrent else {}
    building = total - loop * (1.0 + settle / simtime)
    return result(network, simtime, numbers, spikes, building, loop, memory=memory)
