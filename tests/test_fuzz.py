"""
Calls of the public interface with arguments that nobody should pass: they may be refused by an
exception that a script can expect, or work, but never end the interpreter, hang, take the
machine's memory, or fail from inside.

A batch of calls runs in a process of its own, with a limit of memory and of time, and says which
call it is about to make: if the process dies, that call is the failure. `python tests/test_fuzz.py
SEED CALLS` runs one such batch; the seeds of past failures are in PAST.
"""

import faulthandler
import math
import os
import random
import resource
import subprocess
import sys
import traceback
import warnings

import numpy as np
import pytest

# What may come out of a wrong call, and what is derived from it; IndexError where it names the
# index or the cell that is not there. See `from_inside` for what PyNN's own code raises.
DOCUMENTED = {"ValueError", "TypeError", "NotImplementedError", "MemoryError",
              "NonExistentParameterError", "InvalidParameterValueError", "InvalidDimensionsError",
              "InvalidModelError", "InvalidWeightError", "ConnectionError", "RecordingError",
              "NothingToWriteError"}
# Address space for the process, which needs 1.5 GB for itself and its libraries.
MEMORY = 6 * 2 ** 30
SECONDS_A_CALL = 20

# Seeds of batches that failed once.
PAST = [1002, 1003, 1006, 1010]


class Strange:
    """An object that no function expects."""

    def __repr__(self):
        return "<strange>"


def strange_value(draw):
    """Something that is not what was asked for, or too much of it."""
    return draw.choice([
        lambda: None, lambda: Strange(), lambda: "", lambda: "v", lambda: b"v", lambda: True,
        lambda: -1, lambda: 0, lambda: 1, lambda: 3, lambda: 10 ** 12, lambda: 2 ** 31,
        lambda: 2 ** 63, lambda: -2 ** 63, lambda: 10 ** 30, lambda: 1.5, lambda: -0.5,
        lambda: 1e9, lambda: 1e300, lambda: -1e300, lambda: 5e-324, lambda: math.nan,
        lambda: math.inf, lambda: -math.inf, lambda: 1j, lambda: [], lambda: {}, lambda: (),
        lambda: [[]], lambda: [1.0], lambda: [1.0, 2.0, 3.0, 4.0], lambda: [math.nan] * 4,
        lambda: ["a", "b"], lambda: [None, 1.0], lambda: {"a": 1}, lambda: {1, 2},
        lambda: np.empty(0), lambda: np.empty((0, 3)), lambda: np.zeros((4, 4)),
        lambda: np.full((4, 3), np.nan), lambda: np.zeros((2, 2, 2)), lambda: np.array(2.0),
        lambda: np.array("x"), lambda: np.array([1, 2], dtype=object), lambda: np.int64(2),
        lambda: np.float32(0.5), lambda: np.array([True, False]), lambda: np.arange(5) - 2,
        lambda: np.array([2 ** 62, -2 ** 62]), lambda: slice(None), lambda: slice(3, 1, -1),
        lambda: lambda i: i, lambda: lambda: None, lambda: range(3), lambda: iter([1, 2]),
        lambda: float, lambda: Exception("x"), lambda: np.ma.masked_all(3),
        lambda: np.datetime64("2020-01-01"), lambda: "1 + d", lambda: "__import__('os')",
        lambda: "excitatory", lambda: "\x00", lambda: np.str_("spikes"),
        lambda: np.float64("nan")])()


class Batch:
    """A network, and calls of its parts with some arguments replaced."""

    def __init__(self, seed):
        import pyNN.laconeu as sim
        from pyNN.random import NumpyRNG, RandomDistribution

        self.sim, self.NumpyRNG, self.Distribution = sim, NumpyRNG, RandomDistribution
        self.draw = random.Random(seed)
        self.build()

    def build(self):
        sim = self.sim
        sim.setup(timestep=0.1, max_delay=1e9)
        self.cells = sim.Population(4, sim.IF_cond_exp(), label="cells")
        self.currents = sim.Population(3, sim.IF_curr_delta(), label="currents")
        self.source = sim.Population(3, sim.SpikeSourceArray(spike_times=[1.0, 2.0]),
                                     label="source")
        self.poisson = sim.Population(3, sim.SpikeSourcePoisson(rate=50.0), label="poisson")
        self.assembly = self.cells + self.currents
        self.static = sim.Projection(self.source, self.cells, sim.AllToAllConnector(),
                                     sim.StaticSynapse(weight=0.01, delay=1.0), label="static")
        self.plastic = sim.Projection(
            self.source, self.cells, sim.AllToAllConnector(), sim.STDPMechanism(
                sim.SpikePairRule(), sim.AdditiveWeightDependence(w_max=0.1), weight=0.01,
                delay=1.0), label="plastic")
        self.short = sim.Projection(self.cells, self.cells, sim.OneToOneConnector(),
                                    sim.TsodyksMarkramSynapse(weight=0.01, delay=0.5),
                                    label="short")
        self.dc = sim.DCSource(amplitude=0.1)
        self.dc.inject_into(self.cells)
        self.step = sim.StepCurrentSource(times=[1.0], amplitudes=[0.1])
        self.step.inject_into(self.cells)
        self.cells.record(["spikes", "v"])

    # Each gives (what it is called, function, positional arguments, keywords): a call that works.

    def any_cells(self):
        return self.draw.choice([self.cells, self.currents, self.source, self.poisson,
                                 self.assembly, self.cells[1:3]])

    def any_projection(self):
        return self.draw.choice([self.static, self.plastic, self.short])

    def model(self):
        name = self.draw.choice([
            "IF_curr_exp", "IF_cond_alpha", "IF_cond_exp_gsfa_grr", "IF_facets_hardware1",
            "HH_cond_exp", "HH_reduced", "EIF_cond_exp_isfa_ista", "Izhikevich", "GIF_cond_exp",
            "SpikeSourcePoisson", "SpikeSourceArray", "SpikeSourceGamma", "SpikeSourceInhGamma",
            "SpikeSourcePoissonRefractory"])
        model = getattr(self.sim, name)
        names = sorted(model.default_parameters)
        some = self.draw.sample(names, min(2, len(names)))
        return name, model, [], {key: model.default_parameters[key] for key in some}

    def synapse(self):
        name = self.draw.choice(["StaticSynapse", "TsodyksMarkramSynapse", "MultiQuantalSynapse",
                                 "SimpleStochasticSynapse", "StochasticTsodyksMarkramSynapse",
                                 "ElectricalSynapse"])
        model = getattr(self.sim, name)
        names = sorted(model.default_parameters)
        some = self.draw.sample(names, min(2, len(names)))
        return name, model, [], {**{key: model.default_parameters[key] for key in some},
                                 "weight": 0.01}

    def connector(self):
        sim = self.sim
        rng = self.draw.choice([self.NumpyRNG(1), sim.NativeRNG(1)])
        return self.draw.choice([
            ("AllToAllConnector", sim.AllToAllConnector, [], {"allow_self_connections": True}),
            ("OneToOneConnector", sim.OneToOneConnector, [], {}),
            ("FixedProbabilityConnector", sim.FixedProbabilityConnector, [0.5], {"rng": rng}),
            ("FixedNumberPreConnector", sim.FixedNumberPreConnector, [2],
             {"with_replacement": True, "rng": rng}),
            ("FixedNumberPostConnector", sim.FixedNumberPostConnector, [2],
             {"with_replacement": True, "rng": rng}),
            ("FixedTotalNumberConnector", sim.FixedTotalNumberConnector, [5], {"rng": rng}),
            ("DistanceDependentProbabilityConnector", sim.DistanceDependentProbabilityConnector,
             ["exp(-d)"], {"rng": rng}),
            ("SmallWorldConnector", sim.SmallWorldConnector, [2.0, 0.5], {"rng": rng}),
            ("FromListConnector", sim.FromListConnector, [[(0, 0, 0.1, 1.0)]], {}),
            ("ArrayConnector", sim.ArrayConnector, [np.ones((3, 4), bool)], {}),
            ("CloneConnector", sim.CloneConnector, [self.static], {}),
            ("IndexBasedProbabilityConnector", sim.IndexBasedProbabilityConnector,
             [lambda i, j: 0.5 + 0 * i], {"rng": rng})])

    def electrode(self):
        sim = self.sim
        return self.draw.choice([
            ("DCSource", sim.DCSource, [], {"amplitude": 0.1, "start": 1.0, "stop": 2.0}),
            ("ACSource", sim.ACSource, [], {"amplitude": 0.1, "frequency": 10.0, "phase": 0.0}),
            ("StepCurrentSource", sim.StepCurrentSource, [], {"times": [1.0, 2.0],
                                                              "amplitudes": [0.1, 0.2]}),
            ("NoisyCurrentSource", sim.NoisyCurrentSource, [], {
                "mean": 0.1, "stdev": 0.1, "dt": 0.1, "start": 0.0, "stop": 5.0})])

    def plain_call(self):
        sim, draw = self.sim, self.draw
        cells, projection = self.any_cells(), self.any_projection()
        return draw.choice([
            ("setup", sim.setup, [], {"timestep": 0.1, "min_delay": 0.1, "max_delay": 10.0}),
            ("setup", sim.setup, [], {"threads": 1, "rng_seed": 1}),
            ("run", sim.run, [1.0], {}), ("run_until", sim.run_until, [3.0], {}),
            ("reset", sim.reset, [], {}),
            ("Population", sim.Population, [3, sim.IF_cond_exp()], {
                "initial_values": {"v": -60.0}, "label": "new"}),
            ("Population", sim.Population, [3, sim.IF_cond_exp], {"cellparams": {"tau_m": 10.0}}),
            ("PopulationView", sim.PopulationView, [self.cells, [0, 1]], {"label": "view"}),
            ("Assembly", sim.Assembly, [self.cells, self.currents], {}),
            ("getitem", cells.__getitem__, [1], {}),
            ("sample", cells.sample, [2], {"rng": self.NumpyRNG(1)}),
            ("set", cells.set, [], {draw.choice([
                "tau_m", "i_offset", "v_thresh", "rate", "spike_times", "tau"]): 10.0}),
            ("get", cells.get, ["tau_m"], {"simplify": True}),
            ("initialize", cells.initialize, [], {draw.choice(["v", "gsyn_exc", "u"]): -60.0}),
            ("record", cells.record, ["v"], {"sampling_interval": 0.1}),
            ("get_data", cells.get_data, ["v"], {"gather": True, "clear": False}),
            ("inject", cells.inject, [self.dc], {}),
            ("id_to_index", cells.id_to_index, [cells[0]], {}),
            ("nearest", self.cells.nearest, [(0.0, 0.0, 0.0)], {}),
            ("projection set", projection.set, [], {draw.choice([
                "weight", "delay", "U", "tau_plus"]): 0.1}),
            ("projection get", projection.get, ["weight"], {
                "format": draw.choice(["array", "list"]), "multiple_synapses": "sum"}),
            ("projection getitem", projection.__getitem__, [0], {}),
            ("projection initialize", projection.initialize, [], {"u": 0.5}),
            ("projection record", projection.record, ["weight"], {
                "sampling_interval": 1.0, "connections": [(0, 0)]}),
            ("connection set", lambda value: setattr(projection[0], "weight", value), [0.1], {}),
            ("set_parameters", self.dc.set_parameters, [], {"amplitude": 0.1, "start": 1.0}),
            ("set_parameters", self.step.set_parameters, [], {"times": [1.0],
                                                              "amplitudes": [0.1]}),
            ("inject_into", self.dc.inject_into, [cells], {}),
            ("Projection", sim.Projection, [self.source, self.cells, sim.AllToAllConnector()], {
                "synapse_type": sim.StaticSynapse(weight=0.01), "receptor_type": "excitatory",
                "label": "new"}),
            ("NativeRNG", sim.NativeRNG, [1], {}),
            ("NativeRNG.next", sim.NativeRNG(1).next, [3], {
                "distribution": "uniform", "parameters": {"low": 0.0, "high": 1.0}}),
            ("RandomDistribution", self.Distribution, ["uniform", (0.0, 1.0)], {
                "rng": sim.NativeRNG(1)}),
            ("create", sim.create, [sim.IF_cond_exp], {"cellparams": {"tau_m": 10.0}, "n": 2}),
            ("connect", sim.connect, [self.source, self.cells], {"weight": 0.1, "delay": 1.0,
                                                                 "p": 0.5}),
            ("record", sim.record, ["v", self.cells, None], {}),
            ("initialize", sim.initialize, [self.cells], {"v": -60.0})])

    def spoiled(self, call):
        """The call with one or two of its arguments replaced."""
        name, function, arguments, keywords = call
        arguments, keywords = list(arguments), dict(keywords)
        places = list(range(len(arguments))) + list(keywords)
        for place in self.draw.sample(places, min(len(places), self.draw.choice([1, 1, 2]))):
            value = strange_value(self.draw)
            if isinstance(place, int):
                arguments[place] = value
            else:
                keywords[place] = value
        if name == "record" and len(arguments) == 3:
            arguments[2] = None  # a file name
        if name == "run" or name == "run_until":
            # Any number of ms up to 1e300 is a legal run, which Ctrl-C ends.
            arguments = [value if not isinstance(value, (int, float)) or not 100 < value < 1e301
                         else 5.0 for value in arguments]
        # So many spikes or connections may be had, and take as long as they take.
        slow = {"FixedTotalNumberConnector", "FixedNumberPreConnector", "FixedNumberPostConnector"}
        if name in slow and type(arguments[0]) is int and arguments[0] == 2 ** 31:
            arguments[0] = 2 ** 41
        return name, function, arguments, keywords

    def steps(self):
        """The calls to make one after the other, as (text, function of no arguments)."""
        kind = self.draw.choice(["plain", "plain", "plain", "model", "synapse", "connector",
                                 "electrode"])
        make = {"plain": self.plain_call, "model": self.model, "synapse": self.synapse,
                "connector": self.connector, "electrode": self.electrode}[kind]
        name, function, arguments, keywords = self.spoiled(make())
        text = f"{name}({arguments!r:.300}, {keywords!r:.300})"
        # What was made is put to use, if it could be made.
        use = {"model": lambda made: self.sim.Population(4, made, label="new"),
               "synapse": lambda made: self.sim.Projection(
                   self.draw.choice([self.source, self.cells]), self.cells,
                   self.sim.AllToAllConnector(), made),
               "connector": lambda made: self.sim.Projection(
                   self.source, self.cells, made, self.sim.StaticSynapse(weight=0.01)),
               "electrode": lambda made: made.inject_into(self.cells)}.get(kind, lambda made: None)
        return text, lambda: use(function(*arguments, **keywords))


def from_inside(error):
    """Whether an exception is not one that a wrong call may raise."""
    if {kind.__name__ for kind in type(error).__mro__} & DOCUMENTED:
        return False
    # PyNN's own code may say in any way what it does not like: `assert`, Exception("rng must be
    # ..."). Not so code of ours that called it with what it had not looked at. An index, a key or
    # an attribute that is not there may be said so by a line that raises, not found out by one
    # that goes on.
    frames = traceback.extract_tb(error.__traceback__)
    if frames[-1].line.startswith("raise"):
        return isinstance(error, AssertionError)
    return any("/pyNN_laconeu/" in frame.filename for frame in frames)


def run_batch(seed, n_calls):
    """Make `n_calls` calls, each announced on stdout; exceptions from inside end it."""
    faulthandler.enable()
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    batch = Batch(seed)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for k in range(n_calls):
        text, call = batch.steps()
        print(k, text, flush=True)
        faulthandler.dump_traceback_later(SECONDS_A_CALL, exit=True)
        try:
            call()
            # What was accepted must run.
            if batch.sim.get_time_step() >= 0.01:
                batch.sim.run(1.0)
        except Exception as error:
            if from_inside(error):
                traceback.print_exc()
                print(f"FAILED: call {k} of seed {seed}: {text}: {error!r}", flush=True)
                if "--on" not in sys.argv:
                    os._exit(1)
        faulthandler.cancel_dump_traceback_later()
        # A population of another network, or of a time step that makes runs long, is no more use.
        if batch.cells.network is not sys.modules["pyNN_laconeu.simulator"].state.network or (
                k % 20 == 19):
            batch.build()


def batch_in_a_process(seed, n_calls):
    return subprocess.run([sys.executable, __file__, str(seed), str(n_calls)], text=True,
                          capture_output=True, timeout=600)


@pytest.mark.parametrize("seed", [*PAST, 1, 2, 3])
def test_wrong_calls_are_refused_or_work_but_never_end_the_interpreter(seed):
    done = batch_in_a_process(seed, 150)
    calls = [line for line in done.stdout.splitlines() if line[:1].isdigit()]
    assert done.returncode == 0, (f"python tests/test_fuzz.py {seed} 150\nlast call: {calls[-1:]}\n"
                                  f"{done.stdout[-1500:]}\n{done.stderr[-3000:]}")
    assert len(calls) == 150


if __name__ == "__main__":
    run_batch(int(sys.argv[1]), int(sys.argv[2]))
