"""Asks the peers which of PyNN's standard models they have: makes each, and runs it for 2 ms.

That a class exists says little: some refuse to be made. What is asked here is kept in
tests/peer_models.json, for the page that tests/reference_page.py writes.

    python tests/peer_models.py           # in an environment that has the extra `compare`
    python tests/peer_models.py nest      # prints what one of them has, as JSON
"""

import datetime
import inspect
import json
import os
import platform
import subprocess
import sys
from functools import partial
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

from pyNN.standardmodels import (
    ModelNotAvailable,
    StandardCellType,
    StandardCurrentSource,
    StandardSynapseType,
    base,
    cells,
    electrodes,
    receptors,
    synapses,
)

STORED = Path(__file__).with_name("peer_models.json")
PEERS = {"nest": "nest-simulator", "neuron": "neuron", "brian2": "brian2"}
KINDS = {
    "cells": (cells, (StandardCellType, base.StandardCellTypeComponent)),
    "receptors": (receptors, (base.StandardPostSynapticResponse,)),
    "synapses": (synapses, (StandardSynapseType, base.STDPTimingDependence,
                            base.STDPWeightDependence)),
    "electrodes": (electrodes, (StandardCurrentSource,)),
}
POINT_NEURONS = ("LIF", "AdExp")


def standard_models(kind):
    """{name: PyNN's class} of one of KINDS, in PyNN's order."""
    module, bases = KINDS[kind]
    return {name: obj for name, obj in vars(module).items()
            if inspect.isclass(obj) and obj.__module__ == module.__name__
            and issubclass(obj, bases)}


def is_there(sim, name):
    """Whether a back end offers this model, by its own account."""
    model = getattr(sim, name, None)
    return model is not None and not issubclass(model, ModelNotAvailable)


def ask(back_end):
    """{model: "yes", "no", or what goes wrong when it is used} of pyNN.<back_end>."""
    sim = import_module("pyNN." + back_end)
    if back_end == "brian2":
        import brian2
        brian2.prefs.codegen.target = "numpy"  # nothing to compile
    answers = {}
    for kind in KINDS:
        for name in standard_models(kind):
            answers[name] = _try(sim, kind, name) if is_there(sim, name) else "no"
    return answers


def _try(sim, kind, name):
    """The first of `_attempts` that works decides; if none does, the last error is told."""
    worked, attempts = [], _attempts(sim, kind, name)
    for condition, attempt in attempts:
        sim.setup(timestep=0.1)
        try:
            attempt()
            sim.run(2.0)
        except Exception as error:
            last_error = f"{type(error).__name__}: {error}".splitlines()[0]
        else:
            worked.append(condition)
    if not worked:
        return last_error
    return "yes" if len(worked) == len(attempts) else f"only {worked[0]}" if len(worked) == 1 \
        else "only " + " or ".join(worked)


def _attempts(sim, kind, name):
    """[(circumstances, function that puts the model to use in them)]: whole support is all."""
    model = getattr(sim, name)

    def connect(model=model, **parameters):
        source = sim.Population(2, sim.SpikeSourceArray(spike_times=[0.5]))
        target = sim.Population(2, sim.IF_cond_exp())
        sim.Projection(source, target, sim.AllToAllConnector(),
                       model(weight=0.001, delay=0.2, **parameters))

    def connect_gap():
        pair = sim.Population(2, sim.HH_cond_exp())
        sim.Projection(pair, pair, sim.AllToAllConnector(allow_self_connections=False),
                       model(weight=0.001), source="source_section.gap",
                       receptor_type="source_section.gap")

    def connect_plastic(fraction):
        parts = {"timing_dependence": sim.SpikePairRule(),
                 "weight_dependence": sim.AdditiveWeightDependence()}
        for part, base_class in (("timing_dependence", base.STDPTimingDependence),
                                 ("weight_dependence", base.STDPWeightDependence)):
            if issubclass(model, base_class):
                parts[part] = model()
        connect(sim.STDPMechanism, dendritic_delay_fraction=fraction, **parts)

    def inject(**parameters):
        model(**parameters).inject_into(sim.Population(2, sim.IF_cond_exp()))

    def compose(neuron, response):
        sim.Population(2, sim.PointNeuron(getattr(sim, neuron)(), one=getattr(sim, response)(),
                                          two=getattr(sim, response)()))

    def combinations(neurons, responses):
        return [(neuron, response) for neuron in neurons for response in responses
                if is_there(sim, response)]

    if kind == "electrodes":
        # pyNN.neuron makes an array of all steps up to `stop`, 1e12 ms by default
        given = ({"times": [1.0], "amplitudes": [0.1]} if name == "StepCurrentSource"
                 else {"start": 0.5, "stop": 1.5})
        return [("", partial(inject, **given))]
    if kind == "receptors":
        return [(f"in {neuron}", partial(compose, neuron, response))
                for neuron, response in combinations(POINT_NEURONS, [name])]
    if name in POINT_NEURONS:
        return [(f"with {response}", partial(compose, neuron, response))
                for neuron, response in combinations([name], standard_models("receptors"))]
    if name == "PointNeuron":  # its parts have rows of their own
        return [("", lambda: None)]
    if name == "MultiCompartmentNeuron":  # needs a morphology, and what reads it: taken at its word
        return [("", lambda: None)]
    if name == "ElectricalSynapse":
        return [("", connect_gap)]
    if kind == "synapses":
        plastic = (base.STDPTimingDependence, base.STDPWeightDependence, synapses.STDPMechanism)
        return [("", connect)] if not issubclass(model, plastic) else [
            (f"dendritic_delay_fraction {fraction:g}", partial(connect_plastic, fraction))
            for fraction in (1.0, 0.5, 0.0)]
    return [("", lambda: sim.Population(2, model()))]


def ask_in_a_process(back_end):
    """The same, out of reach of the other peers.

    pyNN.nest compiles extensions where it finds nest-config and cmake; it must not find them, for
    the answers to be those of what pip installs.
    """
    path = os.pathsep.join(folder for folder in os.environ.get("PATH", os.defpath).split(os.pathsep)
                           if not Path(folder, "nest-config").exists())
    done = subprocess.run([sys.executable, __file__, back_end], capture_output=True, text=True,
                          env={**os.environ, "PATH": path})
    if done.returncode:
        raise RuntimeError(f"pyNN.{back_end}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def stored():
    """What was found last: date, versions, models."""
    return json.loads(STORED.read_text(encoding="utf-8"))


def versions():
    """Versions of PyNN and of the peers installed here."""
    return {"pyNN": version("pyNN"), **{peer: version(package) for peer, package in PEERS.items()}}


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print("\n" + json.dumps(ask(sys.argv[1])))
    else:
        found = {"date": datetime.date.today().isoformat(), "python": platform.python_version(),
                 "versions": versions(),
                 "models": {peer: ask_in_a_process(peer) for peer in PEERS}}
        STORED.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
