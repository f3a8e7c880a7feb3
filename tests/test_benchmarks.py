"""
The benchmarks that compare cell by cell: they run, small and without a peer, and leave nothing out.

.ci/run runs all of them beside a peer; no test depends on a time.
"""

import csv
import subprocess
import sys
from pathlib import Path

import pyNN.laconeu as sim
import pytest
from pyNN.models import BaseCellType
from pyNN.standardmodels.cells import PointNeuron
from reference_page import public

BENCHMARKS = Path(__file__).resolve().parent.parent / "examples" / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import cells  # noqa: E402


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


def test_the_benchmark_of_cells_prints_and_saves_a_row_for_each(tmp_path):
    names, saved = ["Izhikevich", "HH_cond_exp"], tmp_path / "cells.csv"
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / "cells.py"), "--quick", "--peer", "none", "--rounds", "1",
         "--cells", *names, "--save", str(saved)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "laconeu: HH_cond_exp" in done.stderr  # progress
    with open(saved, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["cell type"], row["situation"]) for row in rows[1:]] == [
        (name, situation) for name in names for situation in ("quiet", "driven")]
    for row in rows[1:]:
        assert row["cell type"] in done.stdout and row["peer"] == ""
        assert float(row["rate"]) > 0.0
        if row["situation"] == "quiet":  # driven, noise may leave nothing of it
            assert 0.0 < float(row["uniform"]) < 1e5 and 0.0 < float(row["varied"]) < 1e5


def case(**changes):
    """What `table` gets from one round of both back ends."""
    ours = {cells.INPUT: {"quiet": 1.0, "driven": 5.0},
            "IF_cond_exp": {"quiet": 3.0, "quiet varied": 4.0, "quiet rate": 17.0, "driven": 7.0,
                            "driven varied": 9.0, "driven rate": 18.0}}
    theirs = {cells.INPUT: {"quiet": 10.0, "driven": 30.0},
              "IF_cond_exp": {"quiet": 150.0, "quiet rate": 17.0, "driven": 200.0,
                              "driven rate": 18.5, **changes}}
    return {"laconeu": [ours], "nest": [theirs]}


def test_the_input_is_subtracted_and_ratios_are_the_peers_over_ours():
    the_input, quiet, driven = cells.table(case())
    assert (the_input["uniform"], the_input["peer"], the_input["ratio uniform"]) == (4.0, 20.0, 5.0)
    assert (quiet["uniform"], quiet["varied"], quiet["peer"]) == (3.0, 4.0, 150.0)
    assert (quiet["ratio uniform"], quiet["ratio varied"]) == (50.0, 37.5)
    assert (driven["uniform"], driven["varied"], driven["peer"]) == (3.0, 5.0, 180.0)
    assert (driven["ratio uniform"], driven["ratio varied"]) == (60.0, 36.0)
    assert driven["ratio with input"] == 200.0 / 7.0


def test_what_noise_may_have_left_of_a_driven_cell_is_not_shown():
    driven = cells.table(case(driven=21.0))[2]
    assert driven["peer"] is None and driven["ratio uniform"] is None


def test_rates_that_differ_are_a_disagreement():
    size = cells.Size()
    assert cells.disagreements(cells.table(case()), size, "nest") == []
    sentence, = cells.disagreements(cells.table(case(**{"driven rate": 25.0})), size, "nest")
    assert "IF_cond_exp, driven" in sentence and "25.00 Hz on nest" in sentence
