"""`laconeu run`: scripts and notebooks of other back ends, as users write them; redirected imports.

Whole scripts run in processes of their own; the forms of import and the keywords of setup() are
tried in this one, with a redirection that is undone.
"""

import importlib
import json
import os
import re
import subprocess
import sys
import time
import warnings
from pathlib import Path

import nbformat
import pyNN.laconeu as sim
import pyNN.utility
import pytest

from pyNN_laconeu import control, simulator
from pyNN_laconeu.command import clock, redirect

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"

# What a script for NEST looks like: its own seeds, threads, names of models.
NEST_SCRIPT = """
import sys
from numpy import arange
import nest
import pyNN.nest as sim
from pyNN.nest import *
from pyNN.nest.standardmodels.cells import IF_curr_exp
from pyNN.random import NumpyRNG, RandomDistribution

nest.set_verbosity("M_WARNING")
assert sim.__name__ == "pyNN.nest"
setup(timestep=0.1, min_delay=0.1, max_delay=5.0, threads=2, rng_seed=11, verbosity="error",
      overwrite_files=True)
rng = NumpyRNG(seed=3)
noise = Population(20, SpikeSourcePoisson(rate=200.0), label="noise")
cells = sim.Population(30, IF_curr_exp(tau_refrac=2.0), label="cells")
sim.Projection(noise, cells, FixedProbabilityConnector(0.5, rng=rng),
               StaticSynapse(weight=RandomDistribution("uniform", [0.2, 1.0], rng=rng), delay=1.0))
cells.record("spikes")
run(float(sys.argv[1]))
trains = cells.get_data().segments[0].spiketrains
print([[float(t) for t in train] for train in trains])
end()
"""

# And one for NEURON.
NEURON_SCRIPT = """
from importlib import import_module
from neuron import h
from pyNN.utility import get_simulator

simulator = "neuron"
sim = import_module(f"pyNN.{simulator}")
extra = {"neuron": {"use_cvode": True, "rtol": 0.001, "native_rng_baseseed": 11}}[simulator]
sim.setup(timestep=0.05, min_delay=1.0, **extra)
cells = sim.Population(10, sim.HH_cond_exp(i_offset=0.5), initial_values={"v": -65.0})
noise = sim.Population(10, sim.SpikeSourcePoisson(rate=100.0))
sim.Projection(noise, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.01, delay=1.0))
cells.record(["spikes", "v"])
sim.run(50.0)
cells.get_data()
sim.run(50.0)
print([[float(t) for t in train] for train in cells.get_data().segments[0].spiketrains])
"""


def laconeu(*arguments, cwd=None):
    """A finished `laconeu` command: status, stdout, stderr."""
    return subprocess.run([sys.executable, "-m", "pyNN_laconeu", *map(str, arguments)],
                          capture_output=True, text=True, cwd=cwd)


def written(folder, text, name="script.py"):
    path = folder / name
    path.write_text(text)
    return path


def seconds(stderr):
    """{what: s} of the report."""
    (line,) = [line for line in stderr.splitlines() if line.startswith("laconeu: build ")]
    return {name: float(value) for name, value in re.findall(r"(\w+) ([\d.]+) s", line)}


@pytest.fixture
def redirected():
    undo = redirect.redirect("laconeu")
    yield redirect.active
    undo()


# --- whole scripts -----------------------------------------------------------------------------


def test_a_script_for_nest_runs_unchanged_and_gives_laconeu_s_spikes(tmp_path):
    done = laconeu("run", written(tmp_path, NEST_SCRIPT), "150.0")
    assert done.returncode == 0, done.stderr

    sim.setup(timestep=0.1, rng_seed=11)
    rng = sim.NumpyRNG(seed=3)
    noise = sim.Population(20, sim.SpikeSourcePoisson(rate=200.0))
    cells = sim.Population(30, sim.IF_curr_exp(tau_refrac=2.0))
    weight = sim.RandomDistribution("uniform", [0.2, 1.0], rng=rng)
    sim.Projection(noise, cells, sim.FixedProbabilityConnector(0.5, rng=rng),
                   sim.StaticSynapse(weight=weight, delay=1.0))
    cells.record("spikes")
    sim.run(150.0)
    expected = [[float(t) for t in train] for train in cells.get_data().segments[0].spiketrains]
    assert json.loads(done.stdout) == expected and sum(map(len, expected)) > 100

    assert done.stderr.count("Warning") == 1
    for words in ("no effect on laconeu", "overwrite_files=True", "verbosity='error'",
                  "spike_precision='off_grid'", "on the grid", "script.py:12"):
        assert words in done.stderr, done.stderr
    for word in ("threads", "rng_seed", "min_delay", "max_delay"):
        assert word not in done.stderr.splitlines()[0]
    assert set(seconds(done.stderr)) == {"build", "run", "data", "other", "total"}


def test_a_script_for_neuron_runs_unchanged_and_gives_laconeu_s_spikes(tmp_path):
    done = laconeu("run", written(tmp_path, NEURON_SCRIPT))
    assert done.returncode == 0, done.stderr

    # native_rng_baseseed is what seeds the Poisson sources there.
    sim.setup(timestep=0.05, rng_seed=11)
    cells = sim.Population(10, sim.HH_cond_exp(i_offset=0.5), initial_values={"v": -65.0})
    noise = sim.Population(10, sim.SpikeSourcePoisson(rate=100.0))
    sim.Projection(noise, cells, sim.AllToAllConnector(),
                   sim.StaticSynapse(weight=0.01, delay=1.0))
    cells.record("spikes")
    sim.run(100.0)
    expected = [[float(t) for t in train] for train in cells.get_data().segments[0].spiketrains]
    assert json.loads(done.stdout) == expected and sum(map(len, expected)) > 20

    assert done.stderr.count("Warning") == 1
    assert "use_cvode=True (time steps are fixed)" in done.stderr and "rtol=0.001" in done.stderr
    assert "native_rng_baseseed" not in done.stderr and "off_grid" not in done.stderr
    assert seconds(done.stderr)["total"] > 0


def test_a_script_finds_the_process_that_python_would_give_it(tmp_path):
    written(tmp_path, "import pyNN.brian2 as sim\nname = sim.__name__\n", "neighbour.py")
    script = written(tmp_path, """
import multiprocessing, os, pickle, subprocess, sys
import neighbour

class Thing:
    pass

def work(_):
    import pyNN.nest
    return pyNN.nest.Population.__module__

if __name__ == "__main__":
    assert __spec__ is None and __package__ is None and "__annotations__" in globals()
    print(sys.argv, os.path.samefile(sys.path[0], os.path.dirname(__file__)), __file__)
    print(neighbour.name, type(pickle.loads(pickle.dumps(Thing()))) is Thing)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.map(work, [0]))
    other = "import pyNN.neuron as s; print(s.Population.__module__)"
    print(subprocess.run([sys.executable, "-c", other], capture_output=True).stdout.decode())
    inner = {}
    exec("import pyNN.nest as inner_sim", inner)
    print(inner["inner_sim"].Population.__module__)
""")
    done = laconeu("run", "script.py", "--plot=x", "-h", "--", "-v", "nest", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == f"['script.py', '--plot=x', '-h', '--', '-v', 'nest'] True {script}"
    assert lines[1] == "pyNN.brian2 True"
    assert lines[2] == "['pyNN_laconeu.populations']"
    assert [line for line in lines[3:] if line] == ["pyNN_laconeu.populations"] * 2


@pytest.mark.parametrize("last_line, status, words", [
    ("sys.exit(3)", 3, ""), ("sys.exit()", 0, ""), ("sys.exit('bye')", 1, "bye"),
    ("1 / 0", 1, "ZeroDivisionError"), ("raise KeyboardInterrupt", 130, "KeyboardInterrupt"),
    ("import nest\nnest.ResetKernel()", 1,
     "nest.ResetKernel is not available: this script runs on laconeu, not on NEST; PyNN has "
     "setup() instead"),
    ("sim.native_cell_type('iaf_psc_alpha')", 1, "sim.IF_curr_alpha is the standard model"),
], ids=str)
def test_a_script_that_ends_early_keeps_its_status_and_shows_where_the_time_went(
        tmp_path, last_line, status, words):
    script = written(tmp_path, "import sys\nimport pyNN.nest as sim\n"
                     "sim.setup(spike_precision='on_grid')\nsim.run(1.0)\n" + last_line + "\n")
    done = laconeu("run", script)
    assert done.returncode == status
    assert words in done.stderr
    assert seconds(done.stderr)["run"] >= 0
    if "Traceback" in done.stderr:
        frames = re.findall(r'File "([^"]+)", line', done.stderr)
        assert frames[0] == str(script)
        assert not [frame for frame in frames if "command" in Path(frame).parts]


@pytest.mark.parametrize("text, status, words", [
    ("x = = 3\n", 1, "SyntaxError"), (None, 2, "cannot read"), (b"x = '\xff'\n", 1, "SyntaxError"),
])
def test_a_file_that_is_no_script_is_said_to_be_none(tmp_path, text, status, words):
    path = tmp_path / "script.py"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    done = laconeu("run", path)
    assert done.returncode == status and words in done.stderr
    assert "command" not in done.stderr


def test_the_time_is_booked_on_what_it_was_spent_on(tmp_path):
    done = laconeu("run", written(tmp_path, """
import time
import pyNN.nest as sim
time.sleep(0.11)
for _ in range(2):
    sim.setup(spike_precision="on_grid")
    cells = sim.Population(10, sim.IF_cond_exp())
    time.sleep(0.1)                     # twice: build
    cells.record("v")
    sim.run(10.0)
    time.sleep(0.05)                    # twice: between two runs, build
    sim.run(10.0, callbacks=[lambda t: time.sleep(0.01) or t + 5.0])
    cells.get_data()
    time.sleep(0.04)                    # twice: after the last run, other
"""))
    assert done.returncode == 0, done.stderr
    found = seconds(done.stderr)
    # Sleeps are never shorter than asked for; on a busy machine they may be longer.
    assert found["build"] >= 0.3 and found["other"] >= 0.19
    assert found["data"] + found["run"] < 0.5 * found["total"]
    parts = sum(found[name] for name in ("build", "run", "data", "other"))
    assert parts == pytest.approx(found["total"], abs=0.003)  # rounded to 1 ms each


def test_the_examples_run_with_any_name_of_a_simulator_or_none():
    found = [laconeu("run", EXAMPLES / "ring.py", *name, "--simtime", "50")
             for name in (["nest"], ["laconeu"], [])]
    assert all(done.returncode == 0 for done in found), found[0].stderr
    rates = [[line for line in done.stdout.splitlines() if "Hz" in line] for done in found]
    assert rates[0] and rates[0] == rates[1] == rates[2]


# --- forms of import ---------------------------------------------------------------------------


@pytest.mark.parametrize("text", [
    "import pyNN.nest\nfound = pyNN.nest.Population",
    "import pyNN.neuron as s\nfound = s.Population",
    "from pyNN import nest\nfound = nest.Population",
    "from pyNN import brian2 as s\nfound = s.Population",
    "from pyNN.nest import Population as found",
    "from pyNN.brian2 import *\nfound = Population",
    "from pyNN.nest.populations import Population as found",
    "import pyNN.neuron.populations as p\nfound = p.Population",
    "import pyNN.brian\nfound = pyNN.brian.Population",
    "import importlib\nfound = importlib.import_module('pyNN.nest').Population",
    "import importlib\nfound = importlib.import_module('.nest', 'pyNN').Population",
    "found = __import__('pyNN.neuron', fromlist=['Population']).Population",
    "exec('import pyNN.%s as s' % 'nest')\nfound = s.Population",
    "import sys, pyNN.nest\nfound = sys.modules['pyNN.nest'].Population",
    "from importlib.util import find_spec\nassert find_spec('pyNN.nest')\n"
    "from pyNN.nest import Population as found",
    "import pyNN.laconeu as s\nfound = s.Population",
    "import pyNN_laconeu as s\nfound = s.Population",
], ids=str)
def test_every_form_of_import_gives_laconeu(redirected, text):
    names = {}
    exec(text, names)
    assert names["found"] is sim.Population


def test_a_redirected_back_end_has_its_own_name_and_laconeu_s_attributes(redirected):
    import pyNN.nest as other

    assert other.__name__ == "pyNN.nest" and "pyNN_laconeu" in repr(other)
    assert other.__doc__ == sim.__doc__ and other.__file__ == sim.__file__
    assert other.standardmodels.cells is sim.standardmodels.cells
    assert set(dir(other)) == set(dir(sim))
    other.something_new = 3
    assert sim.something_new == 3
    del sim.something_new
    with pytest.raises(AttributeError, match="pyNN.nest is pyNN_laconeu here.*'nestml'"):
        other.nestml  # noqa: B018
    with pytest.raises(ImportError, match="nestml"):
        from pyNN.nest import nestml  # noqa: F401
    with pytest.raises(ModuleNotFoundError, match="pyNN.nest.nestml is not available.*laconeu"):
        importlib.import_module("pyNN.nest.nestml")
    assert redirected.requested == {"nest"}


@pytest.mark.parametrize("arguments, name", [
    (["nest", "--n", "3"], "pyNN.nest"), (["--n", "3", "neuron"], "pyNN.neuron"),
    (["--n", "3"], "pyNN_laconeu"), (["laconeu", "--n", "3"], "pyNN_laconeu"),
])
def test_get_simulator_gives_laconeu_with_any_name_and_with_none(
        redirected, monkeypatch, arguments, name):
    from pyNN.utility import get_simulator

    monkeypatch.setattr(sys, "argv", ["script.py", *arguments])
    found, options = get_simulator(("--n", "how many", {"type": int}))
    assert found.__name__ == name and found.Population is sim.Population
    assert options.n == 3 and options.simulator == name.replace("_", ".").rpartition(".")[2]


def test_undoing_takes_everything_back():
    before, finders = pyNN.utility.get_simulator, list(sys.meta_path)
    modules = {name: sys.modules.get(name) for name in ("nest", "pyNN.mock")}
    undo = redirect.redirect("laconeu", children=True)
    mock = importlib.import_module("pyNN.mock")
    from nest import Create

    assert os.environ[redirect.VARIABLE] == "laconeu"
    assert mock.Population is sim.Population and "not available" in repr(Create)
    with pytest.raises(RuntimeError, match="redirected to laconeu already"):
        redirect.redirect("nest")
    undo()
    undo()
    assert redirect.active is None and sys.meta_path == finders
    assert redirect.VARIABLE not in os.environ
    assert pyNN.utility.get_simulator is before
    assert modules == {name: sys.modules.get(name) for name in modules}
    assert getattr(pyNN, "mock", None) is modules["pyNN.mock"]
    assert importlib.import_module("pyNN.mock").Population is not sim.Population


def test_what_was_imported_before_is_redirected_too_and_comes_back():
    real = importlib.import_module("pyNN.mock")
    undo = redirect.redirect("laconeu")
    other = importlib.import_module("pyNN.mock")
    assert other is not real and other.Population is sim.Population
    undo()
    assert importlib.import_module("pyNN.mock") is real and pyNN.mock is real


def test_redirection_by_path_needs_no_pynn_laconeu():
    script = f"""
import importlib.util, sys
spec = importlib.util.spec_from_file_location("redirect", {redirect.__file__!r})
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
assert not {{"numpy", "pyNN", "pyNN_laconeu"}} & set(sys.modules)
module.redirect("mock")
import pyNN.laconeu as a, pyNN_laconeu as b, pyNN.nest as c, pyNN.mock as real
import pyNN_laconeu.populations
from pyNN.utility import get_simulator
sys.argv = ["script.py", "laconeu"]
d = get_simulator()[0]
assert a.Population is b.Population is c.Population is d.Population is real.Population
assert pyNN_laconeu.populations is real.populations
print([name for name in sys.modules if name.startswith("pyNN_laconeu.kernels")])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


# --- simulators that a script talks to directly ------------------------------------------------


@pytest.mark.parametrize("text, name", [
    ("import nest\nnest.SetKernelStatus({})", "nest.SetKernelStatus"),
    ("import nest\nnest.resolution = 0.1", "nest.resolution"),
    ("import nest\nnest.ll_api.sr('x')", "nest.ll_api.sr"),
    ("from nest import Create\nCreate('iaf_psc_exp', 3)", "nest.Create"),
    ("import nest.topology as tp\ntp.CreateLayer({})", "nest.topology.CreateLayer"),
    ("from neuron import h\nh.celsius = 36", "neuron.h.celsius"),
    ("from neuron import h\nh.load_file('stdrun.hoc')", "neuron.h.load_file"),
    ("import nest\nnest.node_models['x']", "nest.node_models"),
    ("import nest\n[m for m in nest.node_models]", "nest.node_models"),
    ("from neuron.units import ms\n3 * ms", "neuron.units.ms"),
    ("import nest\nclass C(nest.NodeCollection): pass", "nest.NodeCollection"),
], ids=str)
def test_a_simulator_that_does_not_run_is_named_where_it_is_used(redirected, text, name):
    first, _, rest = text.partition("\n")
    names = {}
    exec(first, names)
    with pytest.raises(NotImplementedError, match=re.escape(name) + " is not available.*laconeu"):
        exec(rest, names)


@pytest.mark.parametrize("text", [
    "import nest", "import nest.raster_plot", "from nest import *", "from neuron import h, gui",
    "import nest\nnest.set_verbosity('M_ERROR')", "import nest\nnest.verbosity = 30",
    "import nest\nassert not hasattr(nest, '__version__')",
    "import nest\ncreate = nest.Create\nprint(create, [create])",
], ids=str)
def test_to_import_or_name_a_simulator_does_no_harm(redirected, text):
    exec(text, {})


def test_a_neighbour_of_the_simulator_s_name_stays_the_user_s(redirected, tmp_path, monkeypatch):
    written(tmp_path, "mine = 1\n", "neuron.py")
    (tmp_path / "nest").mkdir()
    written(tmp_path / "nest", "mine = 2\n", "__init__.py")
    monkeypatch.syspath_prepend(tmp_path)
    names = {}
    exec("import neuron, nest\nfound = neuron.mine, nest.mine", names)
    assert names["found"] == (1, 2)
    for name in ("neuron", "nest"):
        del sys.modules[name]


def test_an_installed_simulator_is_kept_from_the_script(redirected, tmp_path, monkeypatch):
    for name, mark in (("nest", "ll_api.py"), ("neuron", "rxd"), ("brian2", "synapses")):
        (tmp_path / name).mkdir()
        written(tmp_path / name, "real = True\n", "__init__.py")
        written(tmp_path / name, "", mark)
    monkeypatch.syspath_prepend(tmp_path)
    names = {}
    exec("import nest, neuron, brian2", names)
    assert "not available" in repr(names["nest"].real) + repr(names["neuron"].real)
    assert names["brian2"].real is True  # its units and models may be used beside
    del sys.modules["brian2"]


# --- keywords of setup() -----------------------------------------------------------------------


def warned(**keywords):
    """What setup() warns of, all in one."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        sim.setup(**keywords)
    assert len(caught) <= 1
    if caught:
        assert caught[0].filename == __file__
    return str(caught[0].message) if caught else ""


def test_keywords_without_effect_are_named_in_one_warning_once(redirected):
    text = warned(timestep=0.2, foo=3, verbosity="error", use_cvode=True, threads=1,
                  spike_precision="off_grid")
    assert text == ("setup(): no effect on laconeu: foo=3; use_cvode=True (time steps are fixed); "
                    "verbosity='error'; spike_precision='off_grid' (spikes lie on the grid of time "
                    "steps)")
    assert sim.get_time_step() == 0.2
    assert warned(foo=4, verbosity="error", spike_precision="off_grid") == ""
    assert warned(foo=4, bar=None) == "setup(): no effect on laconeu: bar=None"


def test_the_default_precision_of_nest_is_warned_of_in_scripts_for_nest_only(redirected):
    assert warned() == ""
    importlib.import_module("pyNN.nest")
    assert warned(spike_precision="on_grid") == ""
    assert "'off_grid', pyNN.nest's default" in warned()
    assert warned() == ""


@pytest.mark.parametrize("keywords, seed", [
    ({}, simulator.DEFAULT_SEED), ({"rng_seed": 5}, 5), ({"native_rng_baseseed": 7}, 7),
    ({"native_rng_baseseed": 7.0}, 7), ({"grng_seed": 8}, 8), ({"rng_seeds": [3, 4]}, 3),
    ({"rng_seeds_seed": 9}, 9), ({"rng_seed": 5, "grng_seed": 8, "rng_seeds": range(9)}, 5),
], ids=str)
def test_seeds_of_every_back_end_seed_the_engine(redirected, keywords, seed):
    assert warned(**keywords) == ""
    assert simulator.state.network.seed == seed


@pytest.mark.parametrize("threads", [0, None])
def test_no_threads_means_that_nobody_cares_as_on_nest(redirected, threads):
    assert warned(threads=threads) == ""
    assert simulator.state.network.threads is None


@pytest.mark.parametrize("keywords, error, word", [
    ({"dt": 0.1}, TypeError, "dt"), ({"mindelay": 0.1}, TypeError, "mindelay"),
    ({"spike_precision": "fine"}, ValueError, "fine"), ({"rng_seed": -3}, ValueError, "rng_seed"),
    ({"threads": -1}, ValueError, "threads"), ({"timestep": -0.1}, ValueError, "timestep"),
])
def test_what_no_back_end_takes_is_refused_still(redirected, keywords, error, word):
    with pytest.raises(error, match=word):
        sim.setup(**keywords)


def test_without_redirection_setup_is_as_strict_as_ever():
    assert redirect.active is None
    for keywords in ({"foo": 3}, {"spike_precision": "fine"}, {"use_cvode": True}):
        with pytest.raises((TypeError, ValueError)):
            sim.setup(**keywords)
    assert warned(verbosity="error", rtol=0.1) == ""
    assert "foo" not in control.ACCEPTED


# --- the clock ---------------------------------------------------------------------------------


def test_the_clock_leaves_the_simulator_as_it_was():
    owners = (simulator.State, simulator.Network, *clock.HOLDERS)
    before = [dict(vars(owner)) for owner in owners]
    stopwatch = clock.Clock()
    began = time.perf_counter()
    sim.setup()
    cells = sim.Population(3, sim.IF_cond_exp())
    cells.record("v")
    sim.run(5.0)
    cells[:2].get_data()
    stopwatch.stop()
    elapsed = time.perf_counter() - began
    assert [dict(vars(owner)) for owner in owners] == before
    assert all(stopwatch.seconds[name] > 0 for name in ("build", "run", "data"))
    assert sum(stopwatch.seconds.values()) == pytest.approx(elapsed, abs=0.05)


# --- notebooks ---------------------------------------------------------------------------------


def notebook(folder, *cells, **metadata):
    """A notebook file; the kernel it names exists nowhere."""
    book = nbformat.v4.new_notebook(metadata={
        "kernelspec": {"name": "no-such-kernel", "display_name": "x", "language": "python"},
        **metadata})
    book.cells = [nbformat.v4.new_markdown_cell("# Title"),
                  *(nbformat.v4.new_code_cell(cell) for cell in cells)]
    path = folder / "book.ipynb"
    nbformat.write(book, path)
    return path


def test_a_notebook_runs_cell_by_cell_and_is_not_touched(tmp_path):
    path = notebook(
        tmp_path,
        "%matplotlib inline\nimport matplotlib.pyplot as plt\nimport pyNN.nest as sim\n"
        "sim.setup(timestep=0.1, verbosity='error')",
        "cells = sim.Population(3, sim.IF_cond_exp(i_offset=1.0))\ncells.record('spikes')\n"
        "sim.run(100.0)\nprint(sim.Population.__module__)",
        "cells.mean_spike_count()", "plt.plot([1, 2])\nplt.show()",
        "import os\nos.path.samefile(os.getcwd(), " + repr(str(tmp_path)) + ")")
    before = path.read_bytes()
    output = tmp_path / "out.ipynb"
    done = laconeu("run", path, "--output", output, cwd=EXAMPLES)
    assert done.returncode == 0, done.stderr
    assert path.read_bytes() == before
    lines = done.stdout.splitlines()
    # What setup() returns is the result of the first cell.
    assert lines[:2] == ["0", "pyNN_laconeu.populations"] and float(lines[2]) > 0
    assert lines[3].startswith("<Figure") and lines[4] == "True"
    assert "verbosity='error'" in done.stderr and seconds(done.stderr)["total"] > 0

    saved = nbformat.read(output, as_version=4)
    assert [cell.source for cell in saved.cells] == [
        cell.source for cell in nbformat.read(path, as_version=4).cells]
    assert [cell.execution_count for cell in saved.cells[1:]] == [1, 2, 3, 4, 5]
    assert "image/png" in saved.cells[4].outputs[0].data


def test_an_error_in_a_notebook_names_the_cell_and_saves_what_there_is(tmp_path):
    path = notebook(tmp_path, "print('first')", "import pyNN.nest\n1 / 0", "print('never')")
    output = tmp_path / "out.ipynb"
    done = laconeu("run", "--output", output, path)
    assert done.returncode == 1
    assert done.stdout == "first\n"
    assert f"cell 3 of {path}" in done.stderr and "ZeroDivisionError" in done.stderr
    assert "\x1b" not in done.stderr and seconds(done.stderr)["total"] >= 0
    saved = nbformat.read(output, as_version=4)
    assert saved.cells[2].outputs[0].ename == "ZeroDivisionError" and not saved.cells[3].outputs


def test_a_notebook_whose_kernel_dies_is_reported(tmp_path):
    done = laconeu("run", notebook(tmp_path, "import os\nos._exit(7)"))
    assert done.returncode == 1
    assert "cell 2" in done.stderr and "the kernel died" in done.stderr


@pytest.mark.parametrize("text, arguments, words", [
    ("not json", [], "is not a notebook"), (None, [], "cannot read"),
    ("{}", [], "is not a notebook"), ("{}", ["nest"], "unrecognized arguments"),
])
def test_a_file_that_is_no_notebook_is_said_to_be_none(tmp_path, text, arguments, words):
    path = tmp_path / "book.ipynb"
    if text is not None:
        path.write_text(text)
    done = laconeu("run", path, *arguments)
    assert done.returncode == 2 and words in done.stderr and "Traceback" not in done.stderr


def test_a_notebook_in_another_language_and_output_of_a_script_are_refused(tmp_path):
    done = laconeu("run", notebook(tmp_path, "1", language_info={"name": "R"}))
    assert done.returncode == 2 and "written in R, not in Python" in done.stderr
    done = laconeu("run", "--output", "x.ipynb", written(tmp_path, ""))
    assert done.returncode == 2 and "--output is for notebooks" in done.stderr


def test_load_ext_redirects_the_cells_that_follow_until_unload_ext():
    script = """
from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance()
def cell(text):
    result = shell.run_cell(text)
    result.raise_error()
    return result.result

cell("%load_ext pyNN_laconeu")
cell("import pyNN.nest as sim")
cell("from pyNN.neuron import *")
assert cell("Population is sim.Population")
cell("sim.setup(verbosity='error', spike_precision='on_grid')")
print(cell("sim.run(1.0)"), cell("sim.Population.__module__"))
cell("%unload_ext pyNN_laconeu")
print(cell("import sys; 'pyNN.nest' in sys.modules"))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1.0 pyNN_laconeu.populations" in done.stdout
    assert done.stdout.splitlines()[-1] == "False"
    assert "verbosity='error'" in done.stderr and seconds(done.stderr)["total"] > 0
