"""
The benchmarks run, small and mostly without a peer; their tables are right and leave nothing out.

.ci/run runs all of them beside the peers; no test depends on a time.
"""

import json
import os
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import SimpleNamespace

import pyNN.laconeu as sim
import pytest
from pyNN.connectors import Connector
from pyNN.models import BaseCellType
from pyNN.standardmodels.cells import PointNeuron
from reference_page import public

BENCHMARKS = Path(__file__).resolve().parent.parent / "examples" / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import brunel_ai  # noqa: E402
import cells  # noqa: E402
import connectors  # noqa: E402
import scaling  # noqa: E402
import side_by_side  # noqa: E402
import tables  # noqa: E402

SCRIPTS = sorted(path.stem for path in BENCHMARKS.glob("*.py")
                 if "\nBENCHMARK = " in path.read_text(encoding="utf-8"))


def run(script, *arguments):
    """A finished process."""
    return subprocess.run([sys.executable, str(BENCHMARKS / f"{script}.py"), *arguments],
                          capture_output=True, text=True, env={**os.environ, "MPLBACKEND": "Agg"})


def options(**changes):
    """What parsed() returns without arguments."""
    parsed = side_by_side.parsed(side_by_side.parser_of(""), [])
    return SimpleNamespace(**{**vars(parsed), **changes})


# ---- the cases of cells.py --------------------------------------------------------------------

def test_every_cell_type_has_its_case():
    types = [each for each in public(BaseCellType)
             if each.injectable and not issubclass(each, PointNeuron)]
    assert sorted(each.__name__ for each in types) == sorted(cells.CASES)


@pytest.mark.parametrize("name", cells.CASES)
@pytest.mark.parametrize("situation", ["quiet", "driven"])
def test_cells_fire_moderately_when_quiet_and_when_driven(name, situation):
    """5 to 50 Hz: neither silent nor busy with resets alone."""
    size = cells.Size(rate_cells=50, rate_time=500.0)
    assert 5.0 <= cells.rate(sim, "laconeu", name, cells.CASES[name], situation, size) <= 50.0


@pytest.mark.parametrize("name", cells.CASES)
def test_the_varied_parameter_can_vary(name):
    population = cells.build(sim, "laconeu", name, cells.CASES[name], "quiet", 3)
    value = population.get(cells.CASES[name].varied)
    population.set(**{cells.CASES[name].varied: [0.9 * value, value, 1.1 * value]})
    sim.run(1.0)


def cell_rows(**changes):
    """What the worker of either back end returns, and the rows that come of it."""
    ours = {cells.INPUT: {"quiet": 1.0, "driven": 5.0},
            "IF_cond_exp, quiet": {"uniform": 3.0, "varied": 4.0},
            "IF_cond_exp, driven": {"uniform": 7.0, "varied": 9.0}}
    theirs = {cells.INPUT: {"quiet": 10.0, "driven": 30.0},
              "IF_cond_exp, quiet": {"uniform": 150.0},
              "IF_cond_exp, driven": {"uniform": 200.0, **changes}}
    case = dict(name="cells", n=100)
    return tables.rows_of(cells.BENCHMARK, [
        dict(who=who, threads=1, round=0, case=case, rows=rows)
        for who, rows in (("laconeu", ours), ("nest", theirs))])


def test_the_input_is_subtracted_from_driven_cells_only():
    rows = {(row["name"], row["who"]): row for row in cell_rows()}
    assert rows[cells.INPUT, "laconeu"]["ns_update"] == 4.0
    assert rows[cells.INPUT, "nest"]["ratio"] == 5.0
    quiet, driven = "IF_cond_exp, quiet", "IF_cond_exp, driven"
    assert (rows[quiet, "laconeu"]["ns_update"], rows[quiet, "laconeu"]["varied"]) == (3.0, 4.0)
    assert rows[quiet, "nest"]["ratio"] == 50.0
    assert (rows[driven, "laconeu"]["ns_update"], rows[driven, "laconeu"]["varied"]) == (3.0, 5.0)
    assert (rows[driven, "nest"]["ns_update"], rows[driven, "nest"]["ratio"]) == (180.0, 60.0)
    assert rows[driven, "nest"]["with_input"] == 200.0


def test_what_noise_may_have_left_of_a_driven_cell_is_not_shown():
    driven = cell_rows(uniform=21.0)[-1]
    assert driven["who"] == "nest" and "ns_update" not in driven and "ratio" not in driven


def test_rates_of_cells_that_differ_are_a_disagreement():
    ours = dict(rate=18.0, rate_time=1000.0, rate_cells=100)
    assert cells.compare("IF_cond_exp, driven", ours, dict(rate=18.5)) == []
    sentence, = cells.compare("IF_cond_exp, driven", ours, dict(rate=25.0))
    assert "IF_cond_exp, driven" in sentence and "25 there" in sentence


def test_every_connector_of_pynn_that_draws_is_timed():
    known = {type(make()).__name__ for make in connectors.connectors(
        sim, 20, sim.NumpyRNG(1)).values()}
    fixed = {name for name, each in vars(sim).items() if name.startswith("Fixed")
             and isinstance(each, type) and issubclass(each, Connector)}
    assert len(fixed) >= 4 and fixed <= known
    assert {"AllToAllConnector", "OneToOneConnector", "FromListConnector", "ArrayConnector",
            "SmallWorldConnector", "DistanceDependentProbabilityConnector"} <= known


# ---- how they are run -------------------------------------------------------------------------

@pytest.mark.parametrize("script", SCRIPTS)
def test_every_benchmark_has_a_question_and_three_sizes(script):
    # by path: some examples have the names of benchmarks
    spec = spec_from_file_location(f"benchmark_{script}", BENCHMARKS / f"{script}.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    benchmark = module.BENCHMARK
    assert benchmark.question.endswith("?")
    assert set(benchmark.cases) == set(side_by_side.SIZES)
    for cases in benchmark.cases.values():
        assert len({(case["name"], case["n"]) for case in cases}) == len(cases)
    assert set(benchmark.peers) <= set(side_by_side.PEERS)
    assert f"examples/benchmarks/{script}.py" in benchmark.doc or script == "import_time"


def test_one_command_runs_several_and_saves_tables_and_plots(tmp_path):
    done = run("all", "--tiny", "--peers", "--threads", "1", "2", "--output", str(tmp_path),
               "--only", "brunel_ai", "recording")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 benchmarks, 0 disagreements" in done.stdout
    assert "[0/6] brunel_ai" in done.stderr  # progress, where the output is no terminal
    for name in ("brunel_ai", "recording"):
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert f"| {side_by_side.LABELS['laconeu']} | 2 |" in (tmp_path / f"{name}.md").read_text()
        saved = json.loads((tmp_path / f"{name}.json").read_text())
        assert saved["disagreements"] == [] and saved["machine"]["cores"] >= 1
        assert saved["versions"]["pyNN.laconeu"]["pyNN_laconeu"]
        for row in saved["rows"]:
            assert row["run"] > 0.0 and row["memory"] > 10.0
    index = (tmp_path / "README.md").read_text()
    assert "## brunel_ai" in index and "![recording](recording.png)" in index
    texts = [path.read_text() for path in tmp_path.iterdir() if path.suffix != ".png"]
    for private in (tmp_path, BENCHMARKS, sys.prefix, os.uname().nodename):
        assert not any(str(private) in text for text in texts)


def test_a_case_can_be_changed_on_the_command_line():
    done = run("brunel_ai", "--tiny", "--peers", "--threads", "1", "--set", "n=300",
               "--set", "simtime=20.0")
    assert done.returncode == 0, done.stdout + done.stderr
    row, = (line.split() for line in done.stdout.splitlines() if "pyNN.laconeu" in line)
    assert row[:5] == ["Brunel,", "AI", "300", "pyNN.laconeu", "1"]
    assert run("brunel_ai", "--set", "n").returncode == 2


def test_a_peer_that_is_not_there_is_named_and_the_rest_goes_on(tmp_path):
    (tmp_path / "nest.py").write_text("raise ImportError('no nest here', name='nest')\n")
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / "scaling.py"), "--tiny", "--threads", "1"],
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(tmp_path)})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "NEST" in done.stdout and "not installed (no module nest)" in done.stdout
    strict = subprocess.run(
        [sys.executable, str(BENCHMARKS / "scaling.py"), "--tiny", "--threads", "1", "--all-peers"],
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(tmp_path)})
    assert strict.returncode == 1
    assert "DISAGREEMENT: NEST is not installed" in strict.stdout


def test_a_worker_that_breaks_is_a_failure_without_paths(tmp_path):
    broken = tmp_path / "broken.py"
    broken.write_text("raise OSError('cannot read /some/where/file')\n")
    benchmark = side_by_side.Benchmark(str(broken), "Why?", None, {
        "tiny": [dict(name="broken", n=1)]})
    quiet = SimpleNamespace(now=lambda text: None, done=lambda: None)
    records = side_by_side.collect(benchmark, "tiny", options(peers=[]), quiet)
    sentence, = side_by_side.problems(benchmark, records)
    assert "pyNN.laconeu failed" in sentence and "cannot read file" in sentence
    row, = tables.rows_of(benchmark, records)
    assert "cannot read file" in tables.text(benchmark, [row])


# ---- the tables -------------------------------------------------------------------------------

def record(who, threads=1, turn=0, **row):
    return dict(who=who, threads=threads, round=turn, case=dict(name="net", n=100),
                rows={"net": row})


def benchmark(**changes):
    return side_by_side.Benchmark("net.py", "How fast?", None, {}, **changes)


def test_rows_have_the_best_of_the_rounds_and_the_peers_ratio():
    rows = tables.rows_of(benchmark(), [
        record("laconeu", run=2.0, build=1.0, simtime=500.0, events=1e9, updates=1e8),
        record("laconeu", turn=1, run=1.0, build=3.0, simtime=500.0, events=1e9, updates=1e8),
        record("laconeu", threads=2, run=0.5, build=1.0),
        record("nest", run=20.0, build=50.0), record("nest", threads=2, run=12.0, build=50.0)])
    ours, ours_2, nest, nest_2 = rows
    assert (ours["run"], ours["build"], ours["realtime"]) == (1.0, 1.0, 2.0)
    assert (ours["ns_event"], ours["ns_update"]) == (1.0, 10.0)
    assert "ratio" not in ours and ours_2["speed-up"] == 2.0
    assert (nest["ratio"], nest["build ratio"]) == (20.0, 50.0)
    assert (nest_2["ratio"], nest_2["speed-up"]) == (24.0, 20.0 / 12.0)


def test_a_peer_without_threads_is_compared_with_one_thread_of_ours():
    rows = tables.rows_of(benchmark(), [
        record("laconeu", threads=1, run=1.0), record("laconeu", threads=2, run=0.5),
        record("neuron", threads=1, run=30.0)])
    assert rows[-1]["ratio"] == 30.0


def test_an_absent_peer_has_a_row_that_says_why_and_no_numbers():
    case = dict(name="net", n=100)
    rows = tables.rows_of(benchmark(), [record("laconeu", run=1.0), dict(
        who="neuron", threads=1, round=0, case=case, absent="has no IF_curr_delta")])
    assert rows[1] == dict(name="net", n=100, who="neuron", threads=1, note="has no IF_curr_delta")
    assert "has no IF_curr_delta" in tables.markdown(benchmark(), rows, [])


def test_a_peer_absent_from_one_case_keeps_its_numbers_in_another_of_the_same_size():
    other = dict(who="nest", threads=1, round=0, case=dict(name="other", n=100), absent="slow")
    rows = tables.rows_of(benchmark(), [record("laconeu", run=1.0), record("nest", run=2.0), other])
    assert [(row["name"], row.get("run"), row.get("note")) for row in rows if row["who"] == "nest"
            ] == [("net", 2.0, None), ("other", None, "slow")]


def test_results_of_ours_must_not_depend_on_threads():
    same = [record("laconeu", exact=[1, 2]), record("laconeu", threads=2, exact=[1, 2])]
    assert side_by_side.problems(benchmark(), same) == []
    sentence, = side_by_side.problems(benchmark(), [
        same[0], record("laconeu", threads=2, exact=[1, 3])])
    assert "2 threads gave [1, 3], before [1, 2]" in sentence


def test_disagreements_name_the_peer():
    compare = lambda name, ours, theirs: side_by_side.apart(  # noqa: E731
        "rate", ours["rate"], theirs["rate"], relative=0.1)
    records = [record("laconeu", rate=10.0), record("nest", rate=10.5), record("neuron", rate=12.0)]
    assert side_by_side.problems(benchmark(compare=compare), records) == [
        "net, pyNN.neuron: rate: 10 here, 12 there"]


def test_a_peer_can_be_left_out_of_a_case_with_the_reason():
    answer = side_by_side.run_worker(benchmark(), dict(
        who="neuron", threads=1, case=dict(name="net", n=1, without={"neuron": "too slow"})),
        options())
    assert answer == {"absent": "left out: too slow"}


def test_scaling_takes_the_cost_of_an_event_from_the_two_networks():
    rows = {"net": dict(run=3.0, alone=1.0, updates=1e9, events=1e8)}
    scaling.derive("laconeu", rows)
    assert (rows["net"]["ns_update"], rows["net"]["ns_event"]) == (1.0, 20.0)


def test_brunels_network_has_the_numbers_of_the_paper():
    network = brunel_ai.network(12500)
    assert (network.n_exc, network.n_inh) == (10000, 2500)
    assert network.in_degree == {"exc": 1000, "inh": 250}
    assert (network.w_exc, network.w_inh) == (0.1, -0.5)
    assert sum(network.numbers().values()) == 15_625_000
    assert network.rate == pytest.approx(1000 * 2 * 20.0 / (0.1 * 1000 * 20.0) * 1000)
