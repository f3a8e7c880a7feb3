"""`laconeu compare`: laconeu against laconeu, in another interpreter that can be made to differ.

The other interpreter is a shell script that sets an environment variable, which the scripts look
at. Comparisons with NEST are in compare/test_command_compare_nest.py.
"""

import json
import os
import re
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest

from pyNN_laconeu import command
from pyNN_laconeu.command import agreement, capture, compare, report, statistics

# Two networks, recording of spikes and v, reset() and clearing in the second.
DETERMINISTIC = """
import os
import sys
import pyNN.nest as sim

late = float(os.environ.get("PEER_LATE", 0))
for network in (0, 1):
    sim.setup(timestep=0.1, min_delay=0.1)
    source = sim.Population(2, sim.SpikeSourceArray(spike_times=[5.0, 12.0 + late]), label="source")
    cells = sim.Population(3, sim.IF_curr_exp(i_offset=[0.0, 0.9, 1.2], tau_refrac=2.0),
                           label="cells")
    sim.Projection(source, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.5, delay=1.0))
    source.record("spikes")
    cells.record(["spikes", "v"])
    sim.run(30.0)
    if network:
        sim.reset()
        sim.run(20.0)
        cells.get_data(clear=True)
        sim.run(20.0)
    sim.end()
print("arguments:", sys.argv[1:])
"""

# Depends on seeds: Poisson input, connections drawn by both kinds of generators, a silent cell.
RANDOM = """
import os
import pyNN.laconeu as sim
from pyNN.random import NumpyRNG

more = int(os.environ.get("PEER_SEED", 0))
sim.setup(timestep=0.1, rng_seed=3 + more)
rate = 400.0 * float(os.environ.get("PEER_RATE", 1))
noise = sim.Population(30, sim.SpikeSourcePoisson(rate=rate), label="noise")
cells = sim.Population(30, sim.IF_curr_exp(tau_refrac=2.0), label="cells")
fixed = sim.Population(2, sim.IF_curr_exp(i_offset=1.0), label="fixed")
quiet = sim.Population(2, sim.IF_curr_exp(), label="quiet")
sim.Projection(noise, cells, sim.FixedProbabilityConnector(0.5, rng=NumpyRNG(1)),
               sim.StaticSynapse(weight=0.3, delay=1.0))
sim.Projection(noise, cells, sim.FixedProbabilityConnector(0.2, rng=sim.NativeRNG(1 + more)),
               sim.StaticSynapse(weight=0.1, delay=1.0))
for population in (noise, cells, fixed, quiet):
    population.record("spikes")
cells[:2].record("v")
sim.run(300.0)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compare")
    (folder / "deterministic.py").write_text(DETERMINISTIC)
    (folder / "poisson.py").write_text(RANDOM)
    return folder


def peer(folder, **variables):
    """An interpreter like this one, in whose processes these environment variables are set."""
    name = "_".join(f"{key}_{value}" for key, value in variables.items()) or "same"
    file = folder / f"python_{name}"
    settings = " ".join(f"{key}={value}" for key, value in variables.items())
    file.write_text(f'#!/bin/sh\n{settings} exec "{sys.executable}" "$@"\n')
    file.chmod(0o755)
    return str(file)


def run_compare(folder, *arguments):
    """(exit status, what the JSON file holds, what the terminal shows)."""
    process = subprocess.run(
        [sys.executable, "-m", "pyNN_laconeu", "compare", "--json", "result.json",
         "--html", "result.html", *arguments],
        cwd=folder, capture_output=True, text=True, timeout=120)
    assert "Traceback" not in process.stderr, process.stderr
    return process.returncode, json.loads((folder / "result.json").read_text()), process.stdout


def options(folder, script, *arguments):
    """What main() gets for `compare script arguments`, settled."""
    chosen = SimpleNamespace(
        script=str(folder / script), args=list(arguments), peers=["laconeu"], peer_python=[],
        seeds=3, tolerance_steps=0.5, tolerance_mv=1e-6, tolerance_relative=1e-6, skip=0.0,
        timeout=60.0, json=None, html=None)
    problem = compare.settle(chosen)
    assert problem is None, problem
    return chosen


def run_once(folder, script, *arguments, seed=0, python=sys.executable, backend="laconeu"):
    return compare.run_once(options(folder, script, *arguments), backend, python, seed,
                            lambda phase: None)


# --- whole comparisons ------------------------------------------------------------------------


def test_a_deterministic_script_agrees_with_itself_and_the_page_needs_no_other_file(folder):
    status, result, shown = run_compare(folder, "deterministic.py", "--with", "laconeu", "12",
                                        "--", "--seeds")
    assert status == 0
    assert result["deterministic"] and result["arguments"] == ["12", "--seeds"]
    assert result["backends"]["laconeu"]["runs"] == 2  # two seeds, to see that nothing depends
    assert result["backends"]["laconeu (peer)"]["runs"] == 1
    populations = result["peers"]["laconeu (peer)"]["populations"]
    assert [p["label"] for p in populations] == 2 * ["source", "cells"]
    assert all(p["identical"] for p in populations)
    assert [s["segment"] for s in populations[3]["exact"]["signals"]] == [0, 1, 1]
    assert [s["piece"] for s in populations[3]["exact"]["signals"]] == [0, 0, 1]
    assert all(s["largest"] == 0.0 for p in populations for s in p["exact"]["signals"])
    assert populations[1]["exact"]["spikes"]["here"] > 1
    assert [row["ours"] for row in result["peers"]["laconeu (peer)"]["projections"]] == [[6, 6]] * 2
    times = result["backends"]["laconeu"]["times"]
    assert all(times[phase] >= 0 for phase in ("build", "run", "data"))
    assert times["run"] > 0 and 2**24 < result["backends"]["laconeu"]["memory"] < 2**31
    assert "AGREES" in shown and "none: all spikes are equal" in shown
    page = (folder / "result.html").read_text()
    assert "AGREES" in page and page.count("data:image/png;base64,") >= 6
    assert not re.search(r'\b(src|href)\s*=\s*(?!"data:)', page)


def test_a_later_spike_is_found_named_and_changes_the_exit_status(folder):
    python = peer(folder, PEER_LATE=0.2)
    status, result, shown = run_compare(folder, "--peer-python", f"laconeu={python}",
                                        "deterministic.py", "--with", "laconeu")
    assert status == 1
    found = result["peers"]["laconeu (peer)"]
    assert not found["agrees"]
    source, cells = found["populations"][:2]
    first = source["exact"]["spikes"]["first"]
    assert (first["cell"], first["number"], first["here"], first["there"]) == (0, 2, 12.0, 12.2)
    assert first["steps"] == pytest.approx(2.0)
    assert source["exact"]["spikes"]["shift"] == pytest.approx([0.0, 2.0])
    assert source["exact"]["spikes"]["differing"] == 2
    # v is held until the first difference arrives, one delay later
    signal = cells["exact"]["signals"][0]
    assert signal["largest"] > 1e-3 and signal["time"] > 13.0
    assert "first differing spike (cell 0, spike 2)" in shown and "2 steps later" in shown
    assert "DIFFERS" in shown and "DIFFERS" in (folder / "result.html").read_text()


def judged(folder, script, runs, **tolerances):
    chosen = options(folder, script)
    vars(chosen).update(tolerances)
    return chosen, compare.judge(chosen, runs)


@pytest.fixture(scope="module")
def deterministic_runs(folder):
    return described_runs(run_once(folder, "deterministic.py", seed=seed) for seed in (0, 1))


@pytest.fixture(scope="module")
def poisson_runs(folder):
    return described_runs(run_once(folder, "poisson.py", seed=seed) for seed in (0, 1, 2))


def described_runs(runs):
    runs = list(runs)
    for run in runs:
        run.describe()
    return runs


def test_tolerances_accept_what_they_name(folder, deterministic_runs):
    late = run_once(folder, "deterministic.py", python=peer(folder, PEER_LATE=0.1))
    runs = dict(laconeu=deterministic_runs, other=described_runs([late]))
    verdicts = [judged(folder, "deterministic.py", runs, tolerance_steps=steps,
                       tolerance_mv=mv)[1]["exit_status"]
                for steps, mv in ((0.5, 1e-6), (1.0, 1e-6), (0.5, 50.0), (1.0, 50.0))]
    assert verdicts == [1, 1, 1, 0]


def test_a_back_end_that_is_missing_is_reported_and_the_rest_goes_on(folder, deterministic_runs,
                                                                     capsys):
    missing = run_once(folder, "deterministic.py", backend="moose")
    runs = dict(laconeu=deterministic_runs, moose=described_runs([missing]),
                other=deterministic_runs[:1])
    chosen, result = judged(folder, "deterministic.py", runs)
    assert result["exit_status"] == 2
    assert result["peers"]["moose"]["agrees"] is None
    assert result["peers"]["other"]["agrees"] is True
    assert "pyNN.moose cannot be imported" in result["peers"]["moose"]["error"]
    report.show(result)
    report.write_html(result, runs, folder / "missing.html")
    for text in (capsys.readouterr().out, (folder / "missing.html").read_text()):
        assert "ModuleNotFoundError" in text and "FAILED" in text and "AGREES" in text


def test_a_random_script_agrees_by_the_spread_between_seeds(folder, poisson_runs, capsys):
    # Other draws there, of noise and of connections made by NativeRNG, as in another simulator.
    python = peer(folder, PEER_SEED=100)
    others = described_runs(run_once(folder, "poisson.py", seed=seed, python=python)
                            for seed in (0, 1, 2))
    runs = dict(laconeu=poisson_runs, other=others)
    chosen, result = judged(folder, "poisson.py", runs)
    assert result["exit_status"] == 0, result["peers"]["other"]["reasons"]
    assert not result["deterministic"] and result["seeds"] == 3
    found = {p["label"]: p for p in result["peers"]["other"]["populations"]}
    assert found["noise"]["by_spread"] and found["cells"]["by_spread"]
    assert found["fixed"]["identical"] and not found["fixed"]["depends_on_seed"]
    rows = {row["name"]: row for row in found["cells"]["statistics"]}
    assert set(rows) == {"rate", "cv", "correlation", "ks", "v mean", "v sd"}
    assert all(row["agrees"] for row in rows.values())
    assert len(set(rows["rate"]["ours"])) == 3 and rows["rate"]["difference"] != 0
    from_numpy, native = result["peers"]["other"]["projections"]
    assert from_numpy["ours"] == from_numpy["theirs"] and len(set(from_numpy["ours"])) == 3
    assert native["by_spread"] and not from_numpy["by_spread"]
    assert native["ours"] != native["theirs"]
    report.show(result)
    report.write_html(result, runs, folder / "spread.html")
    for text in (capsys.readouterr().out, (folder / "spread.html").read_text()):
        assert "AGREES" in text and "How sharp this is" in text and "equal for every seed" in text
    compare.write_json(result, folder / "spread.json")
    assert json.loads((folder / "spread.json").read_text())["exit_status"] == 0


def test_another_rate_exceeds_the_spread_between_seeds(folder, poisson_runs):
    python = peer(folder, PEER_RATE=1.5)
    others = described_runs(run_once(folder, "poisson.py", seed=seed, python=python)
                            for seed in (0, 1))
    chosen, result = judged(folder, "poisson.py", dict(laconeu=poisson_runs, other=others))
    assert result["exit_status"] == 1
    reasons = [r for r in result["peers"]["other"]["reasons"] if r.startswith("noise: mean rate")]
    # 200 Hz, and 3 Hz from one sample of 9000 intervals to the next
    assert 190 < float(re.search(r"differs by ([0-9.]+) Hz", reasons[0])[1]) < 210


def test_connections_drawn_by_numpy_must_be_equal(folder, poisson_runs):
    other = described_runs([run_once(folder, "poisson.py")])
    other[0].networks[0].projections[0]["connections"] += 1
    _, result = judged(folder, "poisson.py", dict(laconeu=poisson_runs, other=other))
    assert result["exit_status"] == 1
    assert re.fullmatch(r"noise→cells: (\d+) connections here, (\d+) there",
                        result["peers"]["other"]["reasons"][0])


def test_what_can_not_be_compared_is_said_in_one_sentence(folder, monkeypatch, capsys):
    def says(*arguments):
        monkeypatch.chdir(folder)
        status = command.main(["compare", *arguments])
        return status, capsys.readouterr().err

    for arguments, words in (
        (["deterministic.py"], "name at least one back end"),
        (["absent.py", "--with", "nest"], "cannot read absent.py"),
        (["deterministic.py", "--with", "nest", "--seeds", "0"], "--seeds 0"),
        (["deterministic.py", "--with", "nest", "--tolerance-mv=-1"], "must not be negative"),
        (["deterministic.py", "--with", "nest", "--timeout", "0"], "must be positive"),
        (["deterministic.py", "--with", "nest", "--peer-python", "neuron=/usr/bin/python"],
         "neuron is not compared"),
    ):
        status, printed = says(*arguments)
        assert status == 2 and words in printed and printed.count("\n") == 1
    find = compare.importlib.util.find_spec
    monkeypatch.setattr(compare.importlib.util, "find_spec",
                        lambda name: None if name == "elephant" else find(name))
    status, printed = says("deterministic.py", "--with", "nest")
    assert status == 2 and 'elephant not installed: pip install "pyNN_laconeu[tools]"' in printed


def test_a_script_that_fails_or_records_nothing_on_laconeu_ends_with_status_2(folder):
    (folder / "nothing.py").write_text("import pyNN.laconeu as sim\nsim.setup()\n"
                                       "sim.Population(1, sim.IF_curr_exp())\nsim.run(1.0)\n")
    status, result, shown = run_compare(folder, "nothing.py", "--with", "laconeu")
    assert status == 2 and "records nothing" in shown
    (folder / "broken.py").write_text("import pyNN.laconeu as sim\nprint('on my way')\n1 / 0\n")
    status, result, shown = run_compare(folder, "broken.py", "--with", "laconeu")
    assert status == 2 and result["peers"] == {}
    assert "ZeroDivisionError" in shown and "on my way" in shown
    assert "ZeroDivisionError" in (folder / "result.html").read_text()


def test_options_behind_the_script_are_told_from_its_own(folder):
    chosen = SimpleNamespace(
        script=str(folder / "poisson.py"), peers=["nest"], peer_python=[], seeds=5,
        args=["--order", "5", "--with", "neuron", "--seeds", "7", "-v", "--", "--seeds", "2"],
        tolerance_steps=0.5, tolerance_mv=1e-6, tolerance_relative=1e-6, skip=0.0, timeout=1.0,
        json=None, html=None)
    assert compare.settle(chosen) is None
    assert chosen.peers == ["nest", "neuron"] and chosen.seeds == 7
    assert chosen.args == ["--order", "5", "-v", "--seeds", "2"]
    assert (chosen.json, chosen.html) == ("poisson_compare.json", "poisson_compare.html")


# --- processes that end badly -----------------------------------------------------------------

BEGIN = """
import os, signal, sys, time
import pyNN.laconeu as sim
sim.setup(timestep=0.1)
cells = sim.Population(1, sim.IF_curr_exp(i_offset=1.0), label="cells")
cells.record("spikes")
sim.run(100.0)
print("so far")
sys.stdout.flush()
"""


@pytest.mark.parametrize("ending, status, error", [
    ("raise RuntimeError('too bad')", "failed", "RuntimeError: too bad"),
    ("sys.exit(3)", "failed", "the script ended with exit status 3"),
    ("os.kill(os.getpid(), signal.SIGSEGV)", "died", "ended by signal SIGSEGV"),
    ("os._exit(5)", "died", "ended with status 5"),
    ("sys.exit(0)", "complete", None),
])
def test_how_a_script_ends_is_told_and_what_it_recorded_is_kept(folder, ending, status, error):
    (folder / "ends.py").write_text(BEGIN + ending + "\n")
    run = run_once(folder, "ends.py")
    assert run.status == status and "so far" in run.log
    assert (run.error is None) if error is None else (error in run.error)
    if status != "died":
        assert run.networks[0].populations[0].trains[0].time.size == 3  # every 27.9 ms
    if status == "failed" and "raise" in ending:
        assert run.error.splitlines()[1].startswith(f'  File "{folder / "ends.py"}"')


def test_a_script_that_takes_too_long_is_stopped_with_what_it_has_started(folder):
    (folder / "endless.py").write_text(
        BEGIN + "import subprocess\nchild = subprocess.Popen(['sleep', '60'])\n"
        "print('child', child.pid, flush=True)\ntime.sleep(60)\n")
    chosen = options(folder, "endless.py")
    chosen.timeout = 8.0
    started = time.perf_counter()
    run = compare.run_once(chosen, "laconeu", sys.executable, 0, lambda phase: None)
    assert time.perf_counter() - started < 30
    assert run.status == "stopped" and "stopped after 8 s" in run.error
    assert "has run at 100 ms" in run.error
    child = int(re.search(r"child (\d+)", run.log)[1])
    for _ in range(100):
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            break
        if "Z" in open(f"/proc/{child}/stat").read().split()[2:3]:
            break
        time.sleep(0.05)
    else:
        pytest.fail("the script's child still runs")


def test_an_interpreter_that_is_not_there_is_reported(folder):
    run = run_once(folder, "poisson.py", python=str(folder / "no_python"))
    assert run.status == "not importable" and "cannot start" in run.error


# --- capture ----------------------------------------------------------------------------------


def test_everything_recorded_is_kept_through_reset_clearing_and_setup(deterministic_runs):
    run = deterministic_runs[0]
    assert run.status == "complete", run.error
    assert [len(network.populations) for network in run.networks] == [2, 2]
    cells = run.networks[1].populations[1]
    assert [(t.segment, t.t_start, t.t_stop) for t in cells.trains] == [(0, 0, 30), (1, 0, 40)]
    assert [(s.segment, s.piece, s.t_start, s.values.shape) for s in cells.signals] == [
        (0, 0, 0.0, (301, 3)), (1, 0, 0.0, (201, 3)), (1, 1, 20.0, (201, 3))]
    first = run.networks[0].populations[1].trains[0]
    # after reset() the same again, and after the clearing a steady current goes on
    again = cells.trains[1]
    until = again.time < 30.0
    assert np.array_equal(again.time[until], first.time[first.time < 30.0])
    assert again.time.max() > 30.0


def test_run_k_adds_k_to_every_seed_and_unseeded_generators_repeat(folder):
    (folder / "seeds.py").write_text("""
import json
import random
import numpy as np
import pyNN.laconeu as sim
from pyNN.random import NumpyRNG, RandomDistribution
np.random.seed(10)
sim.setup(timestep=0.1)
found = dict(numpy_rng=NumpyRNG(seed=5).seed, native=sim.NativeRNG(6).seed,
             engine=sim.simulator.state.network.seed)
found["generator"] = float(np.random.default_rng(7).random())
found["legacy"] = float(np.random.rand())
found["unseeded"] = [float(RandomDistribution("uniform", (0, 1)).next()) for _ in range(2)]
found["python"] = random.random()
sim.setup(timestep=0.1, rng_seed=11)
found["given"] = sim.simulator.state.network.seed
print("FOUND", json.dumps(found))
""")
    found = []
    for seed in (0, 0, 3):
        run = run_once(folder, "seeds.py", seed=seed)
        assert run.status == "complete", run.error + run.log
        found.append(json.loads(run.log.split("FOUND ")[1].splitlines()[0]))
    assert found[0] == found[1]
    assert [found[0][name] for name in ("numpy_rng", "native", "engine", "given")] == [5, 6, 42, 11]
    assert [found[2][name] for name in ("numpy_rng", "native", "engine", "given")] == [8, 9, 45, 14]
    assert found[0]["legacy"] == np.random.RandomState(10).rand()
    assert found[2]["legacy"] == np.random.RandomState(13).rand()
    assert found[2]["generator"] == np.random.default_rng(10).random()
    assert found[0]["unseeded"][0] != found[0]["unseeded"][1]
    assert all(found[0][name] != found[2][name] for name in ("unseeded", "python"))


def test_keywords_of_setup_are_shifted_for_each_back_end():
    def shift(backend, **keywords):
        return capture.shift_setup(keywords, backend, 2, [])

    assert shift("nest") == dict(rng_seed=44, spike_precision="on_grid")
    assert shift("nest", spike_precision="off_grid", rng_seeds=[1, 2]) == dict(
        spike_precision="off_grid", rng_seeds=[3, 4])
    assert shift("nest", grng_seed=7)["grng_seed"] == 9
    assert shift("neuron", rng_seed=7) == dict(rng_seed=9, native_rng_baseseed=2)
    assert shift("neuron", native_rng_baseseed=7) == dict(native_rng_baseseed=9)
    assert shift("brian2") == {}
    notes = []
    assert capture.shift_setup(dict(spike_precision="off_grid", rng_seed=1), "laconeu", 0,
                               notes) == dict(rng_seed=1)
    assert "off_grid" in notes[0]


def test_the_clock_tells_building_running_and_reading_apart(monkeypatch):
    now = iter(range(100))
    monkeypatch.setattr(capture.time, "perf_counter", lambda: float(next(now)))
    clock = capture.Clock()
    clock.start()  # 0
    clock.setup_begins()  # 1: before setup() is the rest
    clock.enter("run")  # 2: 1 of building
    clock.leave()  # 3: 1 of running
    clock.enter("data")  # 4: 1 between two runs
    clock.enter("aside")  # 5: 1 of data, and what is inside counts as the outermost
    clock.leave()  # 6
    clock.leave()  # 7
    clock.enter("aside")  # 8: 1 between
    clock.leave()  # 9: nowhere
    clock.enter("run")  # 10: 1 between; 3 more of building
    clock.leave()  # 11
    assert clock.stop() == dict(build=4.0, run=2.0, data=3.0, rest=2.0)  # 12: after the last run


# --- statistics and judgement -----------------------------------------------------------------


def population(trains, n_cells, duration, dt=0.1):
    """A statistics.Population with these [(cell, time)] spikes."""
    trains = sorted(trains)
    cell = np.array([c for c, _ in trains], np.int64)
    time = np.array([t for _, t in trains], float)
    kept = statistics.Trains(0, 0.0, duration, np.arange(n_cells), cell, time)
    return statistics.Population(0, 0, "cells", n_cells, "IF_curr_exp", dt, ["spikes"], [], [kept],
                                 [])


def test_statistics_are_those_of_plain_formulas():
    rng = np.random.default_rng(5)
    counts = rng.poisson(40, 12)
    times = [np.sort(rng.choice(10000, n, replace=False)) * 0.1 for n in counts]
    times[3] = times[3][:0]  # a silent cell
    found = statistics.describe(population([(c, t) for c, ts in enumerate(times) for t in ts], 12,
                                           1000.0))
    assert found["spikes"] == sum(map(len, times))
    assert found["rates"] == pytest.approx([float(len(ts)) for ts in times], abs=1e-6)
    intervals = [np.diff(ts) for ts in times if len(ts) > 3]
    assert found["cvs"] == pytest.approx([i.std() / i.mean() for i in intervals])
    bins = [np.histogram(ts, np.arange(0, 1000.1, statistics.BIN))[0] for ts in times if len(ts)]
    # elephant adds a tolerance of 1e-8 to spike times at the edges of bins
    bins = [np.bincount(np.floor(ts / statistics.BIN + 1e-8).astype(int), minlength=200)
            for ts in times if len(ts)]
    expected = np.corrcoef(bins)[np.triu_indices(11, 1)]
    assert found["correlations"] == pytest.approx(expected, abs=1e-6)
    assert found["correlation"] == pytest.approx(expected.mean(), abs=1e-6)
    late = statistics.describe(population([(c, t) for c, ts in enumerate(times) for t in ts], 12,
                                          1000.0), skip=400.0)
    assert late["rates"] == pytest.approx([(ts >= 400).sum() / 0.6 for ts in times], abs=1e-5)
    silent = statistics.describe(population([], 4, 100.0))
    assert silent["rate"] == 0.0 and silent["cv"] is None and silent["correlation"] is None


def test_the_first_differing_spike_is_the_earliest_and_knows_missing_ones():
    ours = population([(0, 1.0), (0, 9.0), (1, 2.0), (1, 5.0), (2, 3.0)], 3, 10.0)
    theirs = population([(0, 1.0), (0, 9.1), (1, 2.04), (1, 5.0), (1, 4.0), (2, 3.0)], 3, 10.0)
    exact = agreement.compare_exactly(ours, theirs, agreement.Tolerances())
    first = exact["spikes"]["first"]
    assert (first["cell"], first["number"], first["here"], first["there"]) == (1, 2, 5.0, 4.0)
    assert first["steps"] == pytest.approx(-10.0)
    assert exact["spikes"]["differing"] == 2 and exact["spikes"]["shift"] is None
    missing = agreement.compare_exactly(ours, population([(0, 1.0)], 3, 10.0),
                                        agreement.Tolerances())
    first = missing["spikes"]["first"]
    assert (first["cell"], first["here"], first["there"], first["steps"]) == (1, 2.0, None, None)
    assert "at 2 ms here only" in agreement.explain(missing)[0]
    same = agreement.compare_exactly(ours, ours, agreement.Tolerances(steps=0.0))
    assert same["equal"] and agreement.explain(same) == []


def test_different_populations_are_reported():
    def run(*populations):
        network = statistics.Network(0, 0.1, list(populations), [])
        return statistics.Run("laconeu", 0, networks=[network])

    def named(number, label, size=3):
        made = population([], size, 10.0)
        made.number, made.label = number, label
        return made

    reasons = []
    pairs = agreement.match_populations(run(named(0, "E"), named(1, "I"), named(2, "X")),
                                        run(named(0, "I"), named(1, "E"), named(2, "Y")), reasons)
    assert pairs == [((0, 0), (0, 1)), ((0, 1), (0, 0))]
    assert reasons == ["population X is not there", "population Y is there only"]
    reasons = []
    assert agreement.match_populations(run(named(0, "E", 3)), run(named(0, "E", 4)), reasons) == []
    assert reasons == ["E has 3 IF_curr_exp here, 4 IF_curr_exp there"]


def described(rng, shift=0.0, cells=40):
    """describe()'s result for a network whose runs have something in common."""
    common = rng.normal(0, 0.05)
    rates = np.maximum(0, 20 * np.exp(common + rng.normal(0, 0.3, cells)) + shift)
    return dict(spikes=int(rates.sum()), rate=rates.mean(), cv=rng.normal(0.8, 0.05),
                correlation=rng.normal(0.01, 0.01), rates=rates, signals={})


@pytest.mark.parametrize("seeds", [2, 5])
def test_two_samples_of_one_distribution_are_called_different_in_at_most_one_of_100(seeds):
    rng = np.random.default_rng(seeds)
    alarms, trials, populations = 0, 100, 2
    for _ in range(trials):
        rows = [row for _ in range(populations) for row in agreement._statistics(
            [described(rng) for _ in range(seeds)], [described(rng) for _ in range(seeds)])]
        for row in rows:
            judge = agreement._judge_distance if row["name"] == "ks" else agreement._judge_means
            judge(row, agreement.FALSE_ALARMS / len(rows))
        alarms += any(row["agrees"] is False for row in rows)
    # binomial with p = 0.01 and 100 trials exceeds 5 once in two thousand
    assert alarms <= 5


def test_rates_that_differ_by_half_are_called_different_with_three_seeds():
    rng = np.random.default_rng(8)
    rows = agreement._statistics([described(rng) for _ in range(3)],
                                 [described(rng, shift=10.0) for _ in range(3)])
    agreement._judge_means(rows[0], agreement.FALSE_ALARMS / 20)
    assert rows[0]["title"] == "mean rate" and rows[0]["agrees"] is False
