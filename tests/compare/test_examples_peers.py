"""
The scripts of examples/ on pyNN.nest and pyNN.neuron, each in a process of its own, small.

They run to the end, save their figure and print their numbers; where these do not hang on Poisson
draws, they are those of pyNN.laconeu.
"""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
pytestmark = pytest.mark.compare


def run(script, backend, figure, *arguments):
    """What the script prints on the backend, after it has saved its figure."""
    if backend != "laconeu" and importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", EXAMPLES / f"{script}.py", backend, *arguments,
         "--plot", figure], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert figure.stat().st_size > 10000
    return done.stdout


def numbers(words, printed):
    """All numbers in what `words` match, as floats."""
    return [float(number) for found in re.findall(words, printed)
            for number in re.findall(r"-?\d+\.?\d*", found)]


@pytest.mark.parametrize("backend", ["nest", "neuron"])
@pytest.mark.parametrize("script, arguments, words", [
    ("izhikevich", [], "DCSource"),
    ("izhikevich_patterns", [], r"\(T\) inhibition-induced bursting"),
    ("ring", ["--simtime", "500"], "inhibitory +mean spike count"),
    ("integrator", ["--simtime", "1000"], "strongest cell"),
    ("synchrony", ["--simtime", "1000"], "10 most dispersed"),
    ("stdp", ["--simtime", "1000"], "after +mean weight of the best tuned"),
    ("stdp_weights", ["--simtime", "1000"], "additive +mean"),
])
def test_a_script_runs_on_other_backends(script, arguments, words, backend, tmp_path):
    assert re.search(words, run(script, backend, tmp_path / "figure.png", *arguments))


@pytest.mark.parametrize("backend", ["nest", "neuron"])
def test_hodgkin_huxley_prints_the_same_rates(backend, tmp_path):
    theirs, ours = (run("hodgkin_huxley", name, tmp_path / "figure.png", "--simtime", "300")
                    for name in (backend, "laconeu"))
    rates = r"[\d.]+ nA: +[\d.]+ Hz"
    assert "20 spikes in 200 ms" in theirs and len(numbers(rates, ours)) == 6
    assert numbers(rates, theirs) == pytest.approx(numbers(rates, ours), rel=0.01)


@pytest.mark.parametrize("backend, closest", [("nest", 1e-8), ("neuron", 0.1)])
def test_conductance_pulses_move_v_as_the_equation_says(backend, closest, tmp_path):
    printed = run("cond_exp_response", backend, tmp_path / "figure.png")
    found = re.search(rf"{backend} +v from .* further than (\S+) mV", printed)
    assert float(found[1]) < closest
