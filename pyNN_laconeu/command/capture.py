"""
Runs a script on one back end and keeps what its populations recorded: `python capture.py REQUEST`.

REQUEST is a JSON file (see `main`). This file is run by path, with the interpreter of the back end,
which needs PyNN but not pyNN_laconeu; `redirect.py` beside it makes every import of a back end give
the one that is wanted.

What is kept is copied before it is lost: at setup(), end(), reset(), get_data(clear=True), and when
the script ends or fails. Two files are written into the request's folder: `about.json` (networks,
populations, projections, times, memory, error) and `arrays.npz` (spikes and signals).
"""

import sys

if __name__ == "__main__":
    del sys.path[0]  # this folder: its module names are not meant to be found by others

import faulthandler
import functools
import importlib
import importlib.util
import json
import os
import platform
import random
import time
import traceback
import types
import zlib

FIRST_SEED = 42  # what pyNN.nest and pyNN.laconeu take where setup() is given none
SEED_KEYWORDS = ("rng_seed", "grng_seed", "rng_seeds_seed", "native_rng_baseseed")
READING = ("get_data", "write_data", "get_spike_counts", "mean_spike_count")


def main(request_file):
    """Carry out one request; the files written tell how it went.

    The request:
        backend: name of the back end.  script, arguments: what to run.
        seed_offset: what is added to every seed of the script.
        folder: where to write.  redirect: path of redirect.py.
    """
    with open(request_file) as file:
        request = json.load(file)
    about = dict(backend=request["backend"], seed_offset=request["seed_offset"], status="running",
                 error=None, notes=[], networks=[], times={}, memory=None,
                 versions={"python": platform.python_version()})
    capture = Capture(about, request["folder"])
    faulthandler.enable()
    capture.show("import")
    try:
        backend = import_backend(request, about)
    except BaseException as error:
        # The whole traceback goes to what is printed; the first line tells most.
        traceback.print_exc()
        about.update(status="not importable",
                     error=f"pyNN.{request['backend']} cannot be imported by {sys.executable}: "
                           f"{type(error).__name__}: {error}")
        capture.write()
        return 3
    capture.attach(backend)
    seed_everything(request["backend"], request["seed_offset"], request["script"])
    capture.clock.start()
    try:
        run_script(request["script"], request["arguments"])
        about["status"] = "complete"
    except SystemExit as ending:
        if ending.code in (None, 0):
            about["status"] = "complete"
        else:
            about.update(status="failed",
                         error=f"the script ended with exit status {ending.code!r}")
    except BaseException as error:
        about.update(status="failed", error=script_traceback(error, request["script"]))
    capture.finish()
    return 0 if about["status"] == "complete" else 4


def import_backend(request, about):
    """Import pyNN.<backend>, note versions, and redirect all other back ends to it."""
    import neo
    import numpy
    import pyNN

    about["versions"].update(numpy=numpy.__version__, neo=neo.__version__, PyNN=pyNN.__version__)
    backend = importlib.import_module("pyNN." + request["backend"])
    for name in (request["backend"], "pyNN_laconeu"):
        version = getattr(sys.modules.get(name), "__version__", None)
        if version and (name != "pyNN_laconeu" or request["backend"] == "laconeu"):
            about["versions"][request["backend"]] = str(version)
    load_redirect(request).redirect(request["backend"])
    return backend


def load_redirect(request):
    """The module redirect.py; for laconeu the package's own, which its setup() asks."""
    if request["backend"] == "laconeu":
        try:
            return importlib.import_module("pyNN_laconeu.command.redirect")
        except ImportError:  # an older laconeu as peer
            pass
    specification = importlib.util.spec_from_file_location("redirect", request["redirect"])
    redirect = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(redirect)
    return redirect


def run_script(path, arguments):
    """Run a Python file as `python path arguments` would."""
    sys.argv[:] = [path, *arguments]
    file = os.path.abspath(path)
    sys.path.insert(0, os.path.dirname(file))
    module = types.ModuleType("__main__")
    module.__dict__.update(__file__=file, __builtins__=__builtins__)
    sys.modules["__main__"] = module
    with open(file, "rb") as source:
        code = compile(source.read(), file, "exec", dont_inherit=True)
    exec(code, module.__dict__)


def script_traceback(error, script):
    """The traceback from the script's first frame on."""
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename != os.path.abspath(script):
        frames = frames.tb_next
    return "".join(traceback.format_exception(type(error), error,
                                              frames or error.__traceback__))


# --- seeds ------------------------------------------------------------------------------------


def seed_everything(backend_name, offset, script):
    """Add `offset` to every seed that the script gives, and give one where it gives none.

    A generator without a seed gets one that depends on the line of the script it comes from, so
    that the script draws the same numbers on every back end.
    """
    import numpy as np
    import pyNN.random

    made = {}

    def seed_of_line():
        frame = sys._getframe(2)
        while frame.f_back is not None and frame.f_code.co_filename != script_file:
            frame = frame.f_back
        line = frame.f_lineno if frame.f_code.co_filename == script_file else 0
        made[line] = made.get(line, 0) + 1
        return zlib.crc32(f"{line} {made[line]}".encode()) >> 2

    def shifted(function, method):
        # method: whether the seed comes after `self`
        @functools.wraps(function)
        def with_offset(*args, **kwargs):
            given = list(args[method:])
            seed = given.pop(0) if given else kwargs.pop("seed", None)
            if seed is None:
                seed = seed_of_line()
            if isinstance(seed, (int, np.integer)) and not isinstance(seed, bool):
                seed = type(seed)(seed + offset)
            return function(*args[:method], seed, *given, **kwargs)

        return with_offset

    script_file = os.path.abspath(script)
    if backend_name == "brian2":
        sys.modules["brian2"].seed(FIRST_SEED + offset)  # pyNN.brian2 has no keyword for it
    np.random.seed(FIRST_SEED + offset)
    random.seed(FIRST_SEED + offset)
    for name in ("NumpyRNG", "GSLRNG"):
        generator = getattr(pyNN.random, name)
        generator.__init__ = shifted(generator.__init__, method=1)
    native = getattr(sys.modules["pyNN." + backend_name], "NativeRNG", None)
    if native is not None:
        native.__init__ = shifted(native.__init__, method=1)
    np.random.seed = shifted(np.random.seed, method=0)
    np.random.default_rng = shifted(np.random.default_rng, method=0)


def shift_setup(keywords, backend_name, offset, notes):
    """The keywords for setup(): seeds shifted, spikes on the grid on both sides."""
    keywords = dict(keywords)
    seeded = False
    for name in SEED_KEYWORDS:
        if isinstance(keywords.get(name), int):
            keywords[name] += offset
            seeded = True
    if keywords.get("rng_seeds"):
        keywords["rng_seeds"] = [seed + offset for seed in keywords["rng_seeds"]]
        seeded = True
    if backend_name == "neuron" and "native_rng_baseseed" not in keywords:
        keywords["native_rng_baseseed"] = offset  # pyNN.neuron passes over rng_seed
    elif not seeded and backend_name in ("nest", "laconeu"):
        keywords["rng_seed"] = FIRST_SEED + offset
    precision = keywords.get("spike_precision")
    if backend_name == "nest" and precision is None:
        keywords["spike_precision"] = "on_grid"
    if backend_name == "laconeu" and precision == "off_grid":
        del keywords["spike_precision"]
        note = "the script asks for spike_precision='off_grid'; spikes of laconeu lie on the grid"
        if note not in notes:
            notes.append(note)
    return keywords


# --- what the script makes --------------------------------------------------------------------


class Clock:
    """Time by phase: 'build' from setup() to the last run(), 'run', 'data', and 'rest'.

    What comes between two runs is building; what comes after the last one is the rest. Time spent
    in `aside` counts nowhere.
    """

    def __init__(self):
        self.seconds = dict(build=0.0, run=0.0, data=0.0, rest=0.0)
        self.between = 0.0  # since the last run, not assigned yet
        self.phases = []
        self.last = None

    def start(self):
        self.last = time.perf_counter()

    def tick(self):
        now = time.perf_counter()
        passed, self.last = now - self.last, now
        phase = self.phases[0] if self.phases else None
        if phase == "aside":
            return
        if phase is not None:
            self.seconds[phase] += passed
        else:
            self.between += passed

    def enter(self, phase):
        self.tick()
        if phase == "run" and not self.phases:
            self.assign("build")
        self.phases.append(phase)

    def leave(self):
        self.tick()
        self.phases.pop()

    def assign(self, phase):
        self.seconds[phase] += self.between
        self.between = 0.0

    def setup_begins(self):
        self.tick()
        self.assign("rest")

    def stop(self):
        self.tick()
        self.assign("rest")
        return {name: round(seconds, 6) for name, seconds in self.seconds.items()}


class Capture:
    """Everything that the script makes, network by network, and what has been recorded so far.

    about: what becomes about.json. arrays: {key: array}, what becomes arrays.npz.
    network: the entry of the current network in about["networks"].
    """

    def __init__(self, about, folder):
        self.about = about
        self.folder = folder
        self.arrays = {}
        self.clock = Clock()
        self.network = None
        self.populations, self.projections = [], []
        self.segment = 0  # resets since setup()
        self.ran = False  # whether anything was run since the data were last copied
        self.copying = False
        self.cleared_at = {}  # id of a population's entry -> (segment, time in ms)

    # --- hooks

    def attach(self, backend):
        """Watch the back end's functions and classes."""
        self.backend = backend
        self.state = backend.simulator.state
        control = sys.modules.get(backend.__name__ + ".control")
        wrappers = dict(setup=self.around_setup, end=self.around_end, reset=self.around_reset,
                        run=self.around_run, run_until=self.around_run, run_for=self.around_run)
        for name, wrapper in wrappers.items():
            wrapped = functools.wraps(getattr(backend, name))(
                functools.partial(wrapper, getattr(backend, name)))
            for module in (backend, control):
                if hasattr(module, name):
                    setattr(module, name, wrapped)
        self.watch(backend.Population, "__init__", self.around_population)
        self.watch(backend.Projection, "__init__", self.around_projection)
        for kind in (backend.Population, backend.PopulationView, backend.Assembly):
            for name in READING:
                if hasattr(kind, name):
                    self.watch(kind, name, self.around_reading)

    def watch(self, kind, name, wrapper):
        original = getattr(kind, name)

        @functools.wraps(original)
        def wrapped(*args, **kwargs):
            return wrapper(original, *args, **kwargs)

        setattr(kind, name, wrapped)

    def around_setup(self, original, *args, **kwargs):
        self.copy_all("setup()")
        self.clock.setup_begins()
        self.show("build")
        keywords = shift_setup(kwargs, self.about["backend"], self.about["seed_offset"],
                               self.about["notes"])
        result = original(*args, **keywords)
        self.begin_network(keywords)
        return result

    def around_end(self, original, *args, **kwargs):
        self.copy_all("end()")
        return original(*args, **kwargs)

    def around_reset(self, original, *args, **kwargs):
        self.copy_all("reset()")
        result = original(*args, **kwargs)
        self.segment += 1
        return result

    def around_run(self, original, *args, **kwargs):
        self.clock.enter("run")
        self.show("run", self.state.t)
        self.ran = True
        try:
            return original(*args, **kwargs)
        finally:
            self.clock.leave()
            self.show("ran", self.state.t)

    def around_population(self, original, population, *args, **kwargs):
        original(population, *args, **kwargs)
        if self.network is None:
            self.begin_network({})
        entry = dict(label=str(population.label), size=int(population.size),
                     celltype=type(population.celltype).__name__, segments={}, errors=[],
                     recorded=[], cleared=0)
        self.network["populations"].append(entry)
        self.populations.append((population, entry))

    def around_projection(self, original, projection, *args, **kwargs):
        original(projection, *args, **kwargs)
        connector = args[2] if len(args) > 2 else kwargs.get("connector")
        rng = getattr(connector, "rng", None)
        entry = dict(label=str(projection.label), connections=None, error=None,
                     connector=type(connector).__name__,
                     native_rng=rng is not None and "NativeRNG" in
                     [kind.__name__ for kind in type(rng).__mro__])
        if self.network is None:
            self.begin_network({})
        self.network["projections"].append(entry)
        self.projections.append((projection, entry))

    def around_reading(self, original, cells, *args, **kwargs):
        if self.copying:
            return original(cells, *args, **kwargs)
        # get_data(variables, gather, clear) and write_data(io, variables, gather, clear)
        place = {"get_data": 2, "write_data": 3}.get(original.__name__)
        clears = place is not None and (kwargs.get("clear") or (len(args) > place and args[place]))
        if clears:
            for root in roots(cells):
                self.copy_one(root, "get_data(clear=True)")
        self.clock.enter("data")
        self.show("data", self.state.t)
        try:
            return original(cells, *args, **kwargs)
        finally:
            self.clock.leave()
            if clears:
                for population, entry in self.populations:
                    if any(population is root for root in roots(cells)):
                        entry["cleared"] += 1
                        self.cleared_at[id(entry)] = self.segment, self.state.t

    # --- copies

    def begin_network(self, keywords):
        """Start the entry of a new network and let go of the old one."""
        self.network = dict(populations=[], projections=[], threads=keywords.get("threads"))
        self.about["networks"].append(self.network)
        self.populations, self.projections = [], []
        self.segment, self.ran, self.cleared_at = 0, False, {}

    def copy_all(self, occasion):
        """Copy what the current network has recorded, if it is not copied already."""
        if self.network is None or self.copying:
            return
        self.clock.enter("aside")
        self.network["dt"] = float(self.state.dt)
        for projection, entry in self.projections:
            if entry["connections"] is None and entry["error"] is None:
                entry.update(count_connections(projection))
        if self.ran:
            for population, entry in self.populations:
                self.copy_population(population, entry, occasion)
            self.ran = False
        self.clock.leave()

    def copy_one(self, wanted, occasion):
        """Copy what one root population has recorded, before it is cleared."""
        self.clock.enter("aside")
        self.network["dt"] = float(self.state.dt)
        for population, entry in self.populations:
            if population is wanted:
                self.copy_population(population, entry, occasion)
        self.clock.leave()

    def copy_population(self, population, entry, occasion):
        if (not getattr(self.state, "running", True)
                or self.cleared_at.get(id(entry)) == (self.segment, self.state.t)):
            return  # nothing was run since setup(), reset() or the last clearing
        self.copying = True
        try:
            segment = self.read_segment(population, entry, occasion)
        finally:
            self.copying = False
        if segment is None:
            return
        # A piece of this segment that was copied before, and not cleared since, is replaced.
        key = f"{self.segment}/{entry['cleared']}"
        place = (f"{len(self.about['networks']) - 1}/{self.network['populations'].index(entry)}"
                 f"/{key}")
        entry["segments"][key] = self.keep_segment(segment, population, entry, place)
        for name in entry["segments"][key]["recorded"]:
            if name not in entry["recorded"]:
                entry["recorded"].append(name)

    def read_segment(self, population, entry, occasion):
        """The Neo Segment since the last reset(); None if it cannot be read or there is none."""
        try:
            block = population.get_data()
            return block.segments[-1] if len(block.segments) else None
        except Exception as error:
            entry["errors"].append(f"all data at {occasion}: {type(error).__name__}: {error}")
        # One variable that the back end cannot hand over must not hide the others.
        found = None
        for variable in recorded_variables(population):
            try:
                segment = population.get_data(variable).segments[-1]
            except Exception as error:
                entry["errors"].append(f"{variable}: {type(error).__name__}: {error}")
                continue
            if found is None:
                found = segment
            else:
                found.analogsignals.extend(segment.analogsignals)
                if len(segment.spiketrains):
                    found.spiketrains = segment.spiketrains
        return found

    def keep_segment(self, segment, population, entry, place):
        """Copy a segment into arrays under keys that begin with `place`; its description."""
        import numpy as np

        kept = dict(t_stop=float(self.state.t), t_start=0.0, signals=[], recorded=[])
        trains = segment.spiketrains
        if len(trains):
            index, cells, times, start = spike_arrays(trains, population)
            inside = (times >= start - 1e-6) & (times <= kept["t_stop"] + 1e-6)
            if not inside.all():  # pyNN.brian2 has spikes at 0 after get_data(clear=True)
                outside = times[~inside]
                entry["errors"].append(
                    f"{outside.size} spikes, the first at {outside.min():g} ms, are outside the "
                    f"time recorded, {start:g} to {kept['t_stop']:g} ms; left out")
                index, times = index[inside], times[inside]
            kept["t_start"] = start
            kept["recorded"].append("spikes")
            self.arrays[place + "/cells"] = cells
            self.arrays[place + "/spike_cell"] = index
            self.arrays[place + "/spike_time"] = times
        for number, signal in enumerate(segment.analogsignals):
            values = np.array(signal.magnitude, np.float64)
            channels = signal.array_annotations.get("channel_index")
            if channels is None:
                channels = np.arange(values.shape[1])
            key = f"{place}/signal{number}"
            self.arrays[key] = values
            self.arrays[key + "/cells"] = np.asarray(channels, np.int64)
            period = float(signal.sampling_period.rescale("ms").magnitude)
            kept["signals"].append(dict(
                name=str(signal.name), units=str(signal.dimensionality), array=f"signal{number}",
                t_start=float(signal.t_start.rescale("ms").magnitude), interval=period))
            kept["recorded"].append(str(signal.name))
        if segment.irregularlysampledsignals:
            entry["errors"].append("signals with variable time steps are not compared")
        return kept

    # --- the end

    def show(self, phase, t=None):
        """Say in a file what is going on, for whoever waits."""
        with open(os.path.join(self.folder, "phase.txt"), "w") as file:
            file.write(phase if t is None else f"{phase} {float(t):g}")

    def finish(self):
        try:
            self.copy_all("the end")
        except BaseException as error:
            self.about.update(status="failed", error="".join(traceback.format_exception(
                type(error), error, error.__traceback__)))
        self.about["times"] = self.clock.stop()
        self.about["memory"] = peak_memory()
        self.write()

    def write(self):
        self.about["ended"] = True
        if self.arrays:
            import numpy as np

            np.savez(os.path.join(self.folder, "arrays.npz"), **self.arrays)
        with open(os.path.join(self.folder, "about.json"), "w") as file:
            json.dump(self.about, file)


def roots(cells):
    """The Populations behind a population, a view or an assembly."""
    if hasattr(cells, "populations"):
        return [root for part in cells.populations for root in roots(part)]
    while hasattr(cells, "parent"):
        cells = cells.parent
    return [cells]


def recorded_variables(population):
    """Names of what is recorded, from PyNN's Recorder or laconeu's."""
    recorder = population.recorder
    names = {getattr(variable, "name", variable)
             for variable in getattr(recorder, "recorded", None) or ()}
    return sorted(names)


def spike_arrays(trains, population):
    """(cell of each spike, recorded cells, times in ms, start in ms), in order of cell and time.

    trains: a list of neo.SpikeTrain or a SpikeTrainList, which may know its spikes as one array.
    """
    import numpy as np

    if getattr(trains, "_spike_time_array", None) is not None:
        channels, times = trains.multiplexed
        times = np.asarray(getattr(times, "magnitude", times), np.float64)
        first = int(population.first_id)
        cells = np.asarray(trains.all_channel_ids, np.int64) - first
        index = np.asarray(channels, np.int64) - first
        start = trains.t_start
    else:
        cells = np.array([int(train.annotations["source_index"]) for train in trains], np.int64)
        sizes = [len(train) for train in trains]
        index = np.repeat(cells, sizes)
        times = np.concatenate([train.rescale("ms").magnitude for train in trains])
        start = min(train.t_start for train in trains)
    order = np.lexsort((times, index))
    start = float(start.rescale("ms").magnitude) if hasattr(start, "rescale") else float(start)
    return index[order], np.sort(cells), times[order].astype(np.float64), start


def count_connections(projection):
    """{'connections': number, 'error': None}, or why it is not known."""
    try:
        return dict(connections=int(len(projection)), error=None)
    except Exception as error:
        # len() of pyNN.nest's projections onto an Assembly fails
        try:
            listed = projection.get("weight", format="list", with_address=False)
            return dict(connections=len(listed), error=None)
        except Exception:
            return dict(connections=None, error=f"{type(error).__name__}: {error}")


def peak_memory():
    """Largest resident memory of this process in bytes; None where it is not known."""
    # getrusage would count what the process that started this one had
    try:
        with open("/proc/self/status") as file:
            for line in file:
                if line.startswith("VmHWM:"):
                    return 1024 * int(line.split()[1])
    except OSError:
        pass
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
