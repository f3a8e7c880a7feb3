"""
examples/lecture.ipynb: it runs from top to bottom, and what it prints is what its words say.
"""

import re
from pathlib import Path

import nbclient
import nbformat
import pytest

NOTEBOOK = Path(__file__).resolve().parent.parent / "examples" / "lecture.ipynb"


@pytest.fixture(scope="module")
def executed():
    """(what was printed, the number of figures) of the notebook, run in a kernel of its own."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3",
                            resources={"metadata": {"path": str(NOTEBOOK.parent)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    printed = "".join(output.text for output in outputs
                      if output.output_type == "stream" and output.name == "stdout")
    return printed, sum("image/png" in output.get("data", ()) for output in outputs)


def numbers(words, printed):
    """The groups of `words`, the only match, as floats."""
    (found,) = re.findall(words, printed)
    return [float(number) for number in ([found] if isinstance(found, str) else found)]


def test_it_is_committed_without_outputs_and_in_short_cells():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert not cell.outputs and cell.execution_count is None
        assert len(cell.source.splitlines()) <= 28


@pytest.mark.slow
def test_every_experiment_draws_its_figure(executed):
    assert executed[1] == 12


@pytest.mark.slow
def test_single_cells_print_what_the_text_says(executed):
    printed, _ = executed
    assert "spikes: [6, 1, 5]" in printed and "20 spikes in 200 ms" in printed
    assert numbers(r"rest vanishes at ([\d.]+) nA", printed) == [4.51]
    slowest, fastest = numbers(r"from (\d+) Hz at 4\.514 nA to (\d+) Hz", printed)
    assert slowest < 6 and 180 < fastest < 200
    # the solution of the equation, see test_lecture.py
    assert numbers(r"laconeu +v from (-[\d.]+) to (-[\d.]+) mV", printed) == [-68.58, -58.885]


@pytest.mark.slow
def test_populations_print_what_the_text_says(executed):
    printed, _ = executed
    counts = numbers(r"mean spike counts: input ([\d.]+), output ([\d.]+)", printed)
    # as in test_lecture.py: pyNN.nest, 4 standard deviations
    assert counts == [pytest.approx(46.8, rel=0.1), pytest.approx(821, rel=0.1)]
    without, = numbers(r"without inhibition: detectors ([\d.]+) spikes", printed)
    inhibited, = numbers(r"with inhibition: detectors ([\d.]+) spikes", printed)
    assert inhibited < 0.8 * without < 80
    broad = numbers(r"without inhibition: (\d+) spikes, (\d+) %", printed)
    sharp = numbers(r"with inhibition: (\d+) spikes, (\d+) %", printed)
    assert broad[0] > 1.5 * sharp[0] and broad[1] > 1.5 * sharp[1]
    fast, regular = numbers(r"g = 3: (\d+) Hz, variation of intervals ([\d.]+)", printed)
    slow, irregular = numbers(r"g = 5: (\d+) Hz, variation of intervals ([\d.]+)", printed)
    assert fast > 250 and regular < 0.2 and slow < 60 and irregular > 0.4


@pytest.mark.slow
def test_synapses_learn_what_the_text_says(executed):
    printed, _ = executed
    best, others = numbers(r"best tuned sources ([\d.]+) uS, of the others ([\d.]+) uS", printed)
    assert best > 1.5 * others
    spread = numbers(r"additive: mean ([\d.]+), standard deviation ([\d.]+)", printed)
    narrow = numbers(r"multiplicative: mean ([\d.]+), standard deviation ([\d.]+)", printed)
    assert spread[1] > 0.25 and narrow[1] < 0.02
    assert narrow[0] == pytest.approx(0.488, rel=0.03)  # A+ / (A+ + A-), as steps go to 0
