"""
What the Markdown pages tell their readers to type works, and their links lead somewhere.

Every command of a page must have an entry in COMMANDS that says how it is run here: shortened where
it would take long, from the project's folder or in an empty one with a script and a notebook of the
reader's. Commands for the peers are run as far as that goes without them. A command without entry
fails, and so does an entry without command. What .ci/run types from the README is left to it.
"""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from pyNN.random import NumpyRNG

import pyNN_laconeu as sim

ROOT = Path(__file__).resolve().parent.parent
PAGES = ["README.md", "CHANGELOG.md", "cython_kernels/README.md", "examples/README.md",
         "pyNN_laconeu/README.md", "tests/README.md", "tests/conformance/EXAMPLES.md",
         "cython_kernels/models/REFERENCE.md"]
PROGRAMS = {"python": [sys.executable], "laconeu": [sys.executable, "-m", "pyNN_laconeu"],
            "pytest": [sys.executable, "-m", "pytest"]}

# What the reader's own script and notebook hold.
SCRIPT = """
import sys
import pyNN.nest as sim
sim.setup(timestep=0.1)
cells = sim.Population(2, sim.IF_curr_exp(i_offset=1.0))
cells.record("spikes")
sim.run(50.0)
print(cells.mean_spike_count(), sys.argv[1:])
sim.end()
"""
NOTEBOOK = """{"cells": [{"cell_type": "code", "execution_count": null, "id": "a", "metadata": {},
"outputs": [], "source": "import pyNN.nest as sim; print(sim.setup())"}],
"metadata": {}, "nbformat": 4, "nbformat_minor": 5}"""

SHORT, SILENT = ["--simtime", "200"], []
ELSEWHERE = None    # run by another test or stage: see its comment
NO_PEER = 2         # exit status where a peer is not installed
HAS_NEST = find_spec("nest") is not None

# command -> what it is run with in addition, or ELSEWHERE
COMMANDS = {
    # README.md
    "laconeu run script.py": SILENT,
    "laconeu compare script.py --with nest": ["--timeout", "300"],
    "laconeu info": ELSEWHERE,  # test_command_info.py
    # examples/README.md; also with other numbers in test_examples.py and test_lecture.py
    "python examples/ring.py": SHORT,
    "python examples/ring.py nest": ELSEWHERE,  # compare/test_examples_peers.py
    "python examples/reduced_hodgkin_huxley.py --plot reduced_hodgkin_huxley.png": SHORT,
    "python examples/hodgkin_huxley.py --plot hodgkin_huxley.png": SHORT,
    "python examples/cond_exp_response.py --plot cond_exp_response.png": ["laconeu"],
    "python examples/izhikevich.py --plot izhikevich.png": SILENT,
    "python examples/izhikevich_patterns.py --plot izhikevich_patterns.png": SILENT,
    "python examples/ring.py --plot ring.png": SHORT,
    "python examples/integrator.py --plot integrator.png": SHORT,
    "python examples/synchrony.py --plot synchrony.png": SHORT,
    "python examples/brunel.py --plot brunel.png": [*SHORT, "--order", "5000"],
    "python examples/brunel_states.py --plot brunel_states.png": [*SHORT, "--size", "1250"],
    "python examples/brunel_phase_diagram.py --plot brunel_phase_diagram.png": [
        *SHORT, "--size", "1250", "--n-g", "3", "--n-eta", "3"],
    "python examples/microcircuit.py --plot microcircuit.png": [*SHORT, "--scale", "0.02"],
    "python examples/stdp.py --plot stdp.png": SHORT,
    "python examples/stdp_weights.py --plot stdp_weights.png": SHORT,
    "python examples/benchmarks/all.py --small --output results": [
        "--only", "import_time", "--rounds", "1", "--peers"],
    "python examples/benchmarks/all.py --full --output results": [
        "--only", "import_time", "--rounds", "1", "--peers"],
    "python examples/benchmarks/all.py --peer-python /path/to/venv/bin/python --peers nest NEST": [
        "--help"],
    "python examples/benchmarks/brunel_ai.py --full --set n=10000 --threads 1 --rounds 3": [
        "--set", "n=1000", "--rounds", "1", "--peers"],
    # pyNN_laconeu/README.md
    "laconeu run": ELSEWHERE,               # the command's name
    "laconeu compare": ELSEWHERE,
    "python script.py": ELSEWHERE,          # any script
    "python script.py laconeu": ELSEWHERE,  # conformance/: PyNN's examples
    "laconeu run script.py --its own arguments": SILENT,
    "laconeu run notebook.ipynb --output run.ipynb": SILENT,
    "laconeu compare script.py --with nest --with neuron --its own arguments": [
        "--timeout", "300"],
    "laconeu compare script.py --with nest --peer-python nest=/path/to/venv/bin/python --seeds 3": [
        "--timeout", "300"],
    # cython_kernels/, tests/
    "python tests/check_vectorised.py": ELSEWHERE,  # a stage of .ci/run
    "python tests/reference_page.py": ELSEWHERE,    # test_reference_page.py
    "python example.py BACKEND": ELSEWHERE,         # conformance/, a stage of .ci/run
    "pytest": ELSEWHERE,                            # a stage of .ci/run
    "pytest tests/conformance": ELSEWHERE,          # a stage of .ci/run
}


def text_of(page):
    return (ROOT / page).read_text(encoding="utf-8")


def commands_of(page):
    """What stands in code spans, in bash blocks and in indented lines and begins as a command."""
    text = re.sub(r"<!-- ci: \w+ -->\n```bash\n.*?```\n", "", text_of(page), flags=re.S)
    blocks = "\n".join(re.findall(r"```bash\n(.*?)```", text, re.S)
                       + re.findall(r"^ {4}(\S.*)$", text, re.M)).splitlines()
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.S))
    found = [re.sub(r"\s+#.*$", "", line).strip() for line in [*blocks, *spans]]
    return [line for line in found if re.match(r"(python|laconeu|pytest)( (?!\.\.\.)|$)", line)
            and line not in PROGRAMS or line == "pytest"]


def test_every_page_is_looked_at():
    tracked = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True)
    if tracked.returncode:
        pytest.skip("not a git clone")
    assert sorted(tracked.stdout.split()) == sorted(PAGES)


def test_every_command_has_its_entry_and_every_entry_its_command():
    assert {command for page in PAGES for command in commands_of(page)} == set(COMMANDS)


@pytest.mark.parametrize("command", [command for command, how in COMMANDS.items()
                                     if how is not ELSEWHERE])
def test_a_command_does_what_its_page_says(command, tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "notebook.ipynb").write_text(NOTEBOOK)
    program, *arguments = command.split()
    # Scripts of the project are named from its folder; what they write goes elsewhere.
    arguments = [str(ROOT / each) if each.startswith("examples/") else each for each in arguments]
    own = COMMANDS[command]
    # compare's own options come before those of the script
    at = 2 if arguments[0] == "compare" else len(arguments)
    done = subprocess.run([*PROGRAMS[program], *arguments[:at], *own, *arguments[at:]],
                          cwd=tmp_path, capture_output=True, text=True, timeout=600)
    alone = arguments[0] == "compare" and (not HAS_NEST or "/path/to/" in command)
    assert done.returncode == (NO_PEER if alone else 0), done.stdout[-3000:] + done.stderr[-3000:]
    for written in re.findall(r"(?:--plot|--output) (\S+)", command):
        assert (tmp_path / written).exists(), done.stdout[-3000:]


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files_and_headings_that_are_there(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
        if target.startswith("http"):
            continue
        path, _, heading = target.partition("#")
        linked = (ROOT / page).parent / path if path else ROOT / page
        assert linked.exists(), target
        if heading:
            headings = re.findall(r"^#+ (.*)$", linked.read_text(encoding="utf-8"), re.M)
            anchors = {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-")
                       for each in headings}
            assert heading in anchors, target


def test_the_ten_lines_run_and_so_do_all_other_snippets(capsys):
    snippets = {page: re.findall(r"```python\n(.*?)```", text_of(page), re.S) for page in PAGES}
    assert {page: len(found) for page, found in snippets.items() if found} == {
        "README.md": 2, "cython_kernels/models/REFERENCE.md": 2}
    first, ten = snippets["README.md"]
    names = {}
    exec(first, names)
    assert names["sim"].Population is sim.Population
    exec(ten, names)
    spikes = float(capsys.readouterr().out.split()[0])
    assert 1.0 < spikes < 100.0 and len(names["block"].segments[0].spiketrains) == 100
    parts, noise = snippets["cython_kernels/models/REFERENCE.md"]
    sim.setup()
    names = {name: getattr(sim, name) for name in dir(sim)}
    exec("celltype = " + parts, names)
    population = sim.Population(2, names["celltype"])
    assert population.receptor_types == ["ampa", "gaba"]
    exec(noise, {"sim": sim, "population": population})
    sim.run(1.0)


def test_the_line_on_electrical_synapses_works():
    (line,) = re.findall(r"^ {4}(sim\.Projection.*)$", text_of("pyNN_laconeu/README.md"), re.M)
    sim.setup()
    a, b = (sim.Population(2, sim.IF_curr_exp(), initial_values={"v": v}) for v in (-65.0, -55.0))
    exec(line, {"sim": sim, "a": a, "b": b,
                "connector": sim.FixedProbabilityConnector(1.0, rng=NumpyRNG(1))})
    b.record("v")
    sim.run(1.0)
    v = b.get_data().segments[0].analogsignals[0].magnitude
    assert np.all(np.diff(v, axis=0) < 0.0)
