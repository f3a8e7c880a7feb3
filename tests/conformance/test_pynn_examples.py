"""
PyNN's examples, each as `python example.py laconeu`: those that cannot run are in `cannot_pass`.

Each runs in a process and a folder of its own; those that offer --plot-figure a second time, with
it. What they print and write is compared with what pyNN.nest 3.10 and pyNN.neuron 9.0.2 make of the
same examples (PyNN 0.13.0). EXAMPLES.md says which example runs on which back end.
"""

import os
import pickle
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import cannot_pass
import numpy as np
import pytest
from conftest import HERE

HEADING, _, *ROWS = [[cell.strip() for cell in line.strip("|").split("|")]
                     for line in (HERE / "EXAMPLES.md").read_text(encoding="utf-8").splitlines()
                     if line.startswith("|")]
NAMES = [row[0] for row in ROWS]
RUNNING = [name for name in NAMES if name not in cannot_pass.EXAMPLES]
MORE_ARGUMENTS = {"VAbenchmarks": ["COBA"]}
NO_ARGUMENTS = {"random_distributions"}     # draws from PyNN's distributions, simulates nothing
PEERS = ("nest", "neuron", "brian2")
SECONDS = 120.0


@pytest.fixture(scope="module")
def sources(pynn_source):
    """{name: path} of the examples."""
    return {path.stem: path for path in sorted((pynn_source / "examples").glob("*.py"))}


@pytest.fixture(scope="module")
def run(sources, tmp_path_factory):
    """run(name, plot=False): the finished example, run once; two run at a time."""
    top = tmp_path_factory.mktemp("examples")
    no_peers = top / "no_peers"     # so that nothing passes on another simulator
    no_peers.mkdir()
    for peer in PEERS:
        (no_peers / f"{peer}.py").write_text(
            f"raise ModuleNotFoundError('for these tests there is no {peer}', name='{peer}')")
    environment = {**os.environ, "MPLBACKEND": "Agg", "PYTHONUTF8": "1",
                   "PYTHONPATH": str(no_peers)}

    def start(name, plot):
        folder = top / f"{name}{'_figure' * plot}"
        (folder / "Results").mkdir(parents=True)    # as in the folder where they all have run
        script = shutil.copy(sources[name], folder)
        arguments = [] if name in NO_ARGUMENTS else ["laconeu", *MORE_ARGUMENTS.get(name, [])]
        try:
            done = subprocess.run(
                [sys.executable, script, *arguments, *["--plot-figure"] * plot], cwd=folder,
                env=environment, capture_output=True, encoding="utf-8", timeout=SECONDS)
        except subprocess.TimeoutExpired:
            done = SimpleNamespace(returncode=f"none after {SECONDS:g} s", stdout="", stderr="")
        return SimpleNamespace(status=done.returncode, printed=done.stdout, errors=done.stderr,
                               folder=folder)

    with ThreadPoolExecutor(2) as pool:
        runs = {(name, plot): pool.submit(start, name, plot) for plot in (False, True)
                for name in sources if not plot or offers_figure(sources[name])}
        yield lambda name, plot=False: runs[name, plot].result()
        for each in runs.values():
            each.cancel()


def offers_figure(path):
    """Whether an example takes the option --plot-figure, without a name for it, and heeds it."""
    text = path.read_text(encoding="utf-8")
    return "store_true" in text and "if options.plot_figure" in text


def numbers(text, before):
    """All numbers in the lines that begin with `before`."""
    return [float(number) for line in text.splitlines() if line.strip().startswith(before)
            for number in re.findall(r"-?\d+(?:\.\d+)?(?:e-?\d+)?", line.replace(before, "", 1))]


def blocks(example):
    """The Neo Blocks that an example has pickled, by file name."""
    return {path.name: pickle.loads(path.read_bytes())
            for path in sorted(example.folder.rglob("*.pkl"))}


def spikes(example):
    """How many spikes an example has written."""
    return sum(len(train) for block in blocks(example).values() for segment in block.segments
               for train in segment.spiketrains)


def signals(example, variable):
    """The samples of a variable, of all files in turn, [time, cell]."""
    return [signal.magnitude for block in blocks(example).values() for segment in block.segments
            for signal in segment.filter(name=variable)]


# --- which run ---------------------------------------------------------------------------------


def test_the_table_has_every_example_of_the_source(sources):
    assert sorted(NAMES) == sorted(sources) and len(NAMES) == len(set(NAMES)) == 33


def test_the_table_says_yes_for_laconeu_where_an_example_runs():
    column = HEADING.index("laconeu")
    assert {row[0]: row[column] for row in ROWS} == {
        name: "no" if name in cannot_pass.EXAMPLES else "yes" for name in NAMES}


def test_the_table_counts_the_plain_examples_right():
    special = {*cannot_pass.EXAMPLES, *NO_ARGUMENTS, "distrib_example"}
    plain = [row for row in ROWS if row[0] not in special]
    text = (HERE / "EXAMPLES.md").read_text(encoding="utf-8")
    counts = [f"{sum(row[k] == 'yes' for row in plain)} {'run ' * (k == 1)}on {HEADING[k]}"
              for k in range(1, 5)]
    assert f"Of the {len(plain)} that" in text and ", ".join(counts) in " ".join(text.split())


@pytest.mark.parametrize("name", RUNNING)
def test_example_runs_to_its_end(run, name):
    example = run(name)
    assert example.status == 0, f"{example.status}\n{example.printed}\n{example.errors}"
    assert "Traceback" not in example.errors


@pytest.mark.parametrize("name", cannot_pass.EXAMPLES)
def test_example_cannot_run_for_the_reason_that_is_listed(run, name):
    assert name in NAMES, f"there is no example {name}"
    example = run(name)
    assert example.status != 0, f"{name} runs: take it off the list"
    assert cannot_pass.EXAMPLES[name][0] in example.errors, example.errors


def test_the_list_of_examples_that_cannot_run_only_shrinks():
    assert len(cannot_pass.EXAMPLES) <= cannot_pass.MOST_EXAMPLES


def test_every_example_that_offers_a_figure_draws_it(run, sources):
    drawn = {}
    for name in RUNNING:
        if offers_figure(sources[name]):
            example = run(name, plot=True)
            assert example.status == 0, f"{name}\n{example.printed}\n{example.errors}"
            drawn[name] = max((path.stat().st_size for path in example.folder.rglob("*.png")),
                              default=0)
    # An empty Figure of PyNN's has some 3 kB.
    assert len(drawn) >= 17 and min(drawn.values()) > 8000, drawn


# --- what they make ----------------------------------------------------------------------------


def test_all_that_the_examples_write_can_be_read_and_is_finite(run):
    n_files = 0
    for name in RUNNING:
        for file, block in blocks(run(name)).items():
            n_files += 1
            assert block.segments, (name, file)
            for segment in block.segments:
                assert len(segment.spiketrains) + len(segment.analogsignals) > 0, (name, file)
                for signal in segment.analogsignals:
                    assert signal.size and np.isfinite(signal.magnitude).all(), (name, file)
    assert n_files >= 30


# Spikes written on pyNN.nest, pyNN.neuron. No tolerance for on-grid models and few cells; for one
# spike in 371, which lies on a threshold of conductance-based cells, 1.
@pytest.mark.parametrize("name, on_nest, on_neuron, tolerance", [
    ("inhomogeneous_network", 25, 25, 0), ("simpleRandomNetwork", 588, 595, 0),
    ("simple_STDP", 10, 10, 0), ("small_network", 371, 372, 1), ("specific_network", 29, 29, 0)])
def test_examples_without_chance_spike_as_often_as_on_nest(run, name, on_nest, on_neuron,
                                                           tolerance):
    assert abs(spikes(run(name)) - on_nest) <= tolerance
    assert abs(spikes(run(name)) - on_neuron) <= 0.02 * on_neuron   # implicit Euler, order 1


def test_every_cell_of_the_simple_random_network_spikes_as_often_as_on_nest(run):
    lines = run("simpleRandomNetwork").printed.splitlines()
    counts = [int(line.split()[1]) for line in lines if re.fullmatch(r"\d+ \d+", line)]
    assert counts[-10:] == [30, 18, 12, 42, 21, 42, 28, 27, 29, 21] and len(counts) == 20


# The first signals' means over time, mV and uS. Those of NEST agree to the digits noted where both
# have the same grid and an exact method; StepCurrentSource spikes between grid points there, and
# HH_cond_exp and EIF_cond_exp are of another order. NEURON's, where the example fails on NEST, are
# of order 1 in the time step (the cells of cell_type_demonstration spike).
@pytest.mark.parametrize("name, variable, means, tolerance", [
    ("Izhikevich", "v", [-62.34672, -70.21542, -64.40735], 1e-5),
    ("specific_network", "v", [8.634083], 1e-6),
    ("simple_STDP", "v", [-59.98758], 1e-5),
    ("current_injection", "v", [-61.5007, -63.56008, -64.20042], 1e-5),
    ("tsodyksmarkram", "gsyn_inh",
     [6.692416e-05, 3.588918e-04, 2.31933e-04, 6.109145e-05, 3.221919e-04, 2.09648e-04,
      5.625312e-04, 3.036038e-03, 1.956609e-03], 1e-9),
    ("stochastic_synapses", "gsyn_inh", [2.271439e-03], 1e-9),
    ("StepCurrentSource", "v", [-62.76029], 3e-3),
    ("HH_cond_exp2", "v", [-57.95591], 1e-3),
    ("parameter_changes", "v", [-65.06711], 1e-2),
    ("synaptic_input", "v", [-62.612, -53.39553, -63.20114, -53.98237, -62.26596, -53.41294,
                             -62.99248, -54.08707], 5e-3),
    ("cell_type_demonstration", "v", [-56.30689, -65.9806, -56.10823, -61.81764, -58.54097], 0.1),
])
def test_signals_of_examples_have_the_means_they_have_elsewhere(run, name, variable, means,
                                                                tolerance):
    found = np.concatenate([each.mean(axis=0) for each in signals(run(name), variable)])
    np.testing.assert_allclose(found[:len(means)], means, rtol=0.0, atol=tolerance)


def test_examples_make_as_many_connections_as_on_nest(run):
    assert numbers(run("VAbenchmarks").printed, "Number of Synapses") == [
        204712, 50753, 50753, 12698]
    assert numbers(run("brunel").printed, "Number of Synapses") == [2505100]
    connections = run("connections").printed
    assert numbers(connections, "Number of Synapses") == [
        3600, 3600, 3600, 3600, 3540, 3600, 3600, 3540, *[124] * 4, *[1200] * 4, *[992] * 4,
        *[5] * 8, *[180] * 4, *[3599] * 4]
    assert numbers(connections, "Number of inputs") == [
        *[3600] * 4, *[124] * 2, *[1200] * 2, *[992] * 2, *[5] * 4, *[180] * 2, *[3599] * 2]


def test_the_balanced_network_fires_as_on_nest_and_neuron(run):
    # 15.8 and 14.9 Hz (excitatory), 15.2 and 15.1 (inhibitory): a chaotic network over one second
    printed = run("VAbenchmarks").printed
    assert numbers(printed, "Excitatory rate")[0] == pytest.approx(15.4, abs=1.5)
    assert numbers(printed, "Inhibitory rate")[0] == pytest.approx(15.1, abs=1.5)


def test_the_weights_of_the_stdp_curve_are_those_of_nest(run):
    weights = np.array(re.findall(r"\d\.\d+e-08", run("simple_STDP").printed), float)
    assert weights[-60:].max() == 5.89718920e-08 and weights[-60:].min() == 3.85681896e-08
    assert weights[-1] == 4.69300035e-08


def test_spike_times_and_rates_that_callbacks_set_take_effect_at_once(run):
    def counted(name):
        return numbers(run(name).printed.replace("np.int64", ""), "Actual spike counts")

    # The phases are drawn without a seed, and a spike less than a step before an interval's end is
    # stamped with the end: that happens to each of 50 cells with a chance of 0.8 % at the most.
    expected = np.array([0, 200, 400, 600, 800])
    assert (abs(np.array(counted("update_spike_source_array")) - expected) <= 6).all()
    # Poisson counts: within 4 standard deviations
    assert (abs(np.array(counted("varying_poisson")) - expected) <= 4 * np.sqrt(expected)).all()
