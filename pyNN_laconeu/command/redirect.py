"""
Makes every import of a PyNN back end give one of them, whichever the script names.

    undo = redirect("laconeu")
    import pyNN.nest as sim             # pyNN.laconeu, under this name
    undo()

Whatever form the import has, it ends in the import system, where a finder answers for all back
ends and their submodules; so does `pyNN.utility.get_simulator`, where the name may also be left
out. sys.argv and the module's __name__ stay as they are: a script that asks whether it runs on
NEST takes the branch that was written for NEST.

A script may also talk to a simulator directly. Where that simulator is not the one that runs,
`import nest` gives a stand-in, which says so as soon as it is used for more than an import.

This file needs the standard library only. It is also run by path, in interpreters that have PyNN
and no pyNN_laconeu, and at the start of worker processes (see _import_hook).
"""

import argparse
import importlib
import importlib.machinery
import importlib.util
import os
import sys
import types

# Some are of older versions of PyNN; a script may still name them.
BACKENDS = ("laconeu", "nest", "neuron", "brian2", "brian", "arbor", "genn", "moose", "pcsim",
            "spiNNaker", "mock")
OWN_PACKAGE = "pyNN_laconeu"
# Simulators that a back end's script may import: what a package of this name has inside if it is
# the simulator and not the user's own.
SIMULATOR_NAMES = {"nest": "NEST", "neuron": "NEURON", "brian2": "Brian 2"}
SIMULATORS = {"nest": "ll_api.py", "neuron": "rxd", "brian2": "synapses"}
# What concerns messages and code generation, never a result.
HARMLESS = ("nest.set_verbosity", "nest.verbosity", "brian2.prefs", "brian2.BrianLogger")
INSTEAD = {
    "nest.SetKernelStatus": "setup()", "nest.GetKernelStatus": "get_time_step() and its like",
    "nest.ResetKernel": "setup()", "nest.Simulate": "run()", "nest.Run": "run()",
    "nest.Create": "Population", "nest.Connect": "Projection",
    "nest.SetStatus": "set()", "nest.GetStatus": "get()", "nest.resolution": "setup(timestep=...)",
    "nest.local_num_threads": "setup(threads=...)", "nest.rng_seed": "setup(rng_seed=...)",
    "neuron.h.dt": "setup(timestep=...)", "neuron.h.run": "run()",
    "neuron.h.finitialize": "reset()",
    "neuron.h.IClamp": "DCSource", "neuron.h.NetCon": "Projection",
    "brian2.run": "run()", "brian2.seed": "setup(rng_seed=...)",
    "brian2.defaultclock.dt": "setup(timestep=...)", "brian2.NeuronGroup": "Population",
    "brian2.Synapses": "Projection",
}
# Child processes started with this variable redirect too: spawned workers, other scripts.
VARIABLE = "LACONEU_REDIRECT"
SCRIPT_TOOLS = "pyNN.utility.script_tools"

active = None  # the Redirection at work, if any


def redirect(backend, children=False):
    """Let every import of a PyNN back end give `backend`, until the function returned is called.

    Arguments:
        backend: its name in PyNN, such as "nest".
        children: whether Python processes started from now on do so too, where pyNN_laconeu is
            installed.

    Returns the function that undoes it. What was imported in between keeps what it got.
    Raises RuntimeError where a redirection is at work already.
    """
    global active
    if active is not None:
        raise RuntimeError(f"back ends are redirected to {active.backend} already")
    active = Redirection(backend, children)
    return active.undo


class Redirection:
    """A meta-path finder, and what is needed to take it out again.

    backend: where all imports go. requested: names of the other back ends that were asked for.
    named: what a warning of setup() has said already.
    """

    def __init__(self, backend, children=False):
        self.backend = backend
        self.real = OWN_PACKAGE if backend == "laconeu" else "pyNN." + backend
        self.requested, self.named = set(), set()
        # Modules of another back end that were imported before wait here.
        self.set_aside = {name: module for name, module in list(sys.modules.items())
                          if self.real_name(name) or self.is_absent(name, module)}
        for name in self.set_aside:
            remove_module(name)
        sys.meta_path.insert(0, self)
        for name in (SCRIPT_TOOLS, "pyNN.utility"):
            if name in sys.modules:
                replace_get_simulator(sys.modules[name])
        self.variable = os.environ.get(VARIABLE)
        if children:
            os.environ[VARIABLE] = backend

    def undo(self):
        """Take everything back, modules imported before included."""
        global active
        if active is not self:
            return
        active = None
        sys.meta_path.remove(self)
        for name, module in list(sys.modules.items()):
            if self.real_name(name) or isinstance(module, AbsentModule):
                remove_module(name)
        for name, module in self.set_aside.items():
            sys.modules[name] = module
            parent, _, child = name.rpartition(".")
            if parent in sys.modules:
                setattr(sys.modules[parent], child, module)
        for name in (SCRIPT_TOOLS, "pyNN.utility"):
            original = getattr(sys.modules.get(name), "get_simulator", None)
            if hasattr(original, "laconeu_original"):
                sys.modules[name].get_simulator = original.laconeu_original
        if self.variable is None:
            os.environ.pop(VARIABLE, None)
        else:
            os.environ[VARIABLE] = self.variable

    def real_name(self, name):
        """The module that an import of `name` is to give, where that is another; else None."""
        first, _, rest = name.partition(".")
        if first == OWN_PACKAGE:
            # This file itself is a module of that package.
            if self.backend == "laconeu" or name.startswith(__name__.rpartition(".")[0] or "?"):
                return None
            return ".".join(filter(None, (self.real, rest)))
        second, _, rest = rest.partition(".")
        if first != "pyNN" or second not in BACKENDS or second == self.backend:
            return None
        return ".".join(filter(None, (self.real, rest)))

    def is_absent(self, name, module=None):
        """Whether `name` is of a simulator that does not run here, or is not installed.

        `module`: what is imported under this name already, if anything.
        """
        first = name.partition(".")[0]
        if first not in SIMULATORS or first == self.backend:
            return False
        package = importlib.machinery.PathFinder.find_spec(first)
        if package is None:
            return module is None
        # Brian's units and its own models may be used beside, so it stays if it is there.
        inside = package.submodule_search_locations or []
        return first != "brian2" and any(
            os.path.exists(os.path.join(folder, SIMULATORS[first])) for folder in inside)

    def find_spec(self, name, path=None, target=None):
        if name == SCRIPT_TOOLS:
            spec = importlib.machinery.PathFinder.find_spec(name, path)
            if spec is not None:
                spec.loader = ScriptToolsLoader(spec.loader)
            return spec
        real = self.real_name(name)
        if real is not None:
            return self.redirected_spec(name, real)
        if self.is_absent(name):
            return importlib.machinery.ModuleSpec(name, AbsentLoader(self.backend),
                                                  is_package=True)
        return None

    def redirected_spec(self, name, real):
        if name.startswith("pyNN."):
            self.requested.add(name.split(".")[1])
        found = importlib.util.find_spec(real)
        if found is None:
            raise ModuleNotFoundError(f"{name} is not available: this script runs on "
                                      f"{self.backend}, and there is no {real}", name=name)
        loader = BackEndLoader(real) if real == self.real else RedirectLoader(real)
        spec = importlib.machinery.ModuleSpec(name, loader, origin=found.origin)
        spec.submodule_search_locations = found.submodule_search_locations
        return spec


class RenamedBackEnd(types.ModuleType):
    """A back end under the name of another: all its attributes are those of the real one."""

    def __repr__(self):
        return f"<module {self.__name__!r}, here {self.__dict__['real']!r}>"

    def __getattr__(self, attribute):
        real = self.__dict__["real"]
        if attribute == "__all__" and not hasattr(real, "__all__"):
            return [name for name in vars(real) if not name.startswith("_")]
        try:
            return getattr(real, attribute)
        except AttributeError:
            raise AttributeError(f"{self.__name__} is {real.__name__} here, which has no "
                                 f"{attribute!r}") from None

    def __setattr__(self, attribute, value):
        if attribute.startswith("__"):  # the import system's notes
            super().__setattr__(attribute, value)
        else:
            setattr(self.__dict__["real"], attribute, value)

    def __dir__(self):
        return dir(self.__dict__["real"])


class BackEndLoader:
    """Loads a back end under the name of another."""

    def __init__(self, real):
        self.real = real

    def create_module(self, spec):
        real = importlib.import_module(self.real)
        module = RenamedBackEnd(spec.name, real.__doc__)
        module.__dict__["real"] = real
        return module

    def exec_module(self, module):
        pass  # it has all it needs


class RedirectLoader:
    """Loads a module by importing the real one and entering it under the other name."""

    def __init__(self, real):
        self.real = real

    def create_module(self, spec):
        return None  # Python makes an empty module, which exec_module replaces

    def exec_module(self, module):
        # The import system goes on with what it finds in sys.modules afterwards.
        sys.modules[module.__name__] = importlib.import_module(self.real)


def remove_module(name):
    """Forget an import, as if it had not happened."""
    module = sys.modules.pop(name, None)
    parent, _, child = name.rpartition(".")
    parent = sys.modules.get(parent)
    # A redirected submodule has the back end itself for a parent, which keeps it.
    if parent is not None and parent.__name__ == name.rpartition(".")[0]:
        if getattr(parent, child, None) is module:
            delattr(parent, child)


# --- pyNN.utility.get_simulator ---------------------------------------------------------------


class ScriptToolsLoader:
    """Loads pyNN.utility.script_tools, then replaces get_simulator in it."""

    def __init__(self, loader):
        self.loader = loader

    def __getattr__(self, name):
        return getattr(self.loader, name)

    def create_module(self, spec):
        return self.loader.create_module(spec)

    def exec_module(self, module):
        self.loader.exec_module(module)
        replace_get_simulator(module)


def replace_get_simulator(module):
    if not hasattr(module.get_simulator, "laconeu_original"):
        get_simulator.laconeu_original = module.get_simulator
        module.get_simulator = get_simulator


def get_simulator(*arguments):
    """PyNN's function of this name, except that the simulator's name may be left out.

    Arguments: (name, help text[, keywords of add_argument]) of what else the script takes.
    Returns (back end, command-line arguments).
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("simulator", nargs="?", default=active.backend,
                        help="neuron, nest, brian or another backend simulator")
    for name, description, *keywords in arguments:
        parser.add_argument(name, help=description, **(keywords[0] if keywords else {}))
    args = parser.parse_args()
    return importlib.import_module("pyNN." + args.simulator), args


# --- simulators that are not there ------------------------------------------------------------


class Absent:
    """nest.anything where NEST does not run: can be named and passed on, but not used.

    Using it raises NotImplementedError, which names it and what PyNN has instead.
    """

    def __init__(self, name, backend):
        self.__dict__.update(_name=name, _backend=backend)

    def __repr__(self):
        return f"<{self._name}, not available on {self._backend}>"

    def __getattr__(self, attribute):
        return absent_attribute(self._name, attribute, self._backend)

    def __setattr__(self, attribute, value):
        assign_to_absent(self._name, attribute, self._backend)

    def __call__(self, *args, **kwargs):
        if not self._name.startswith(HARMLESS):
            refuse(self._name, self._backend)


def _refusing(self, *args, **kwargs):
    refuse(self._name, self._backend)


for _operation in ("getitem", "setitem", "delitem", "iter", "len", "contains", "enter", "int",
                   "float", "index", "neg", "lt", "le", "gt", "ge", "mro_entries",
                   *(side + name for name in ("add", "sub", "mul", "truediv", "floordiv", "mod",
                                              "pow", "matmul") for side in ("", "r"))):
    setattr(Absent, f"__{_operation}__", _refusing)


class AbsentModule(types.ModuleType):
    """The module of a simulator that does not run here."""

    def __getattr__(self, attribute):
        return absent_attribute(self.__name__, attribute, self.__spec__.loader.backend)

    def __setattr__(self, attribute, value):
        # The import system enters submodules and its own notes.
        if attribute.startswith("__") or isinstance(value, AbsentModule):
            super().__setattr__(attribute, value)
        else:
            assign_to_absent(self.__name__, attribute, self.__spec__.loader.backend)


class AbsentLoader:
    """Makes AbsentModules."""

    def __init__(self, backend):
        self.backend = backend

    def create_module(self, spec):
        return AbsentModule(spec.name, f"Stands in for {spec.name}, which does not run here.")

    def exec_module(self, module):
        module.__all__ = []


def absent_attribute(name, attribute, backend):
    if attribute.startswith("__"):
        raise AttributeError(f"{name} is not available on {backend}, and has no {attribute}")
    return Absent(f"{name}.{attribute}", backend)


def assign_to_absent(name, attribute, backend):
    full_name = f"{name}.{attribute}"
    if not full_name.startswith(HARMLESS):
        refuse(full_name, backend)


def refuse(name, backend):
    simulator = SIMULATOR_NAMES[name.partition(".")[0]]
    instead = f"; PyNN has {INSTEAD[name]} instead" if name in INSTEAD else ""
    raise NotImplementedError(f"{name} is not available: this script runs on {backend}, not on "
                              f"{simulator}{instead}")
