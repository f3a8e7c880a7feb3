"""
PyNN's system scenarios, every one on laconeu, those too that PyNN limits to other simulators.

They run as they stand in PyNN's source distribution, in a process of their own, with the plugin
`scenarios_on_laconeu`. There are 66, and one more whose name, issue367, hides it from pytest.
"""

import ast
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter

import cannot_pass
import pytest
from conftest import HERE


@pytest.fixture(scope="module")
def scenarios(pynn_source):
    """How often each scenario is in the source, as "file::function", by its decorator."""
    return Counter(
        f"{path.name}::{function.name}"
        for path in sorted((pynn_source / "test/system/scenarios").glob("test_*.py"))
        for function in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(function, ast.FunctionDef)
        and any(isinstance(each, ast.Call) and each.func.id == "run_with_simulators"
                for each in function.decorator_list))


@pytest.fixture(scope="module")
def outcomes(pynn_source, tmp_path_factory):
    """{"file::function": "passed", or what was reported instead}, all on laconeu."""
    folder = tmp_path_factory.mktemp("scenarios")  # where they write their files
    tests = pynn_source / "test"
    environment = {**os.environ, "MPLBACKEND": "Agg", "PYTHONDONTWRITEBYTECODE": "1",
                   "PYTHONPATH": os.pathsep.join([str(HERE), str(tests)])}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "scenarios_on_laconeu", "-p", "no:cacheprovider",
         "-o", "python_functions=test_* issue*", "-c", os.devnull, "--rootdir", str(tests),
         "--junit-xml", str(folder / "report.xml"), str(tests / "system/scenarios")],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    found = {}
    for case in ElementTree.parse(folder / "report.xml").iter("testcase"):
        name, _, simulator = case.get("name").rstrip("]").partition("[")
        assert simulator == "laconeu", case.get("name")
        name = f"{case.get('classname').rpartition('.')[2]}.py::{name}"
        problems = [f"{child.tag}: {child.get('message')}\n{child.text}" for child in case
                    if child.tag in ("failure", "error", "skipped")]
        assert name not in found, name
        found[name] = "\n".join(problems) or "passed"
    return found


def test_every_scenario_of_the_source_is_run_once_and_there_are_66_and_one(scenarios, outcomes):
    assert set(scenarios.values()) == {1}
    assert outcomes.keys() == scenarios.keys()
    assert sum("::test_" in name for name in outcomes) == 66
    assert len(outcomes) == 67


def test_every_scenario_passes_but_those_that_cannot(outcomes):
    failed = {name: outcome for name, outcome in outcomes.items()
              if outcome != "passed" and name not in cannot_pass.SCENARIOS}
    assert not failed, "\n\n".join(f"{name}\n{outcome}" for name, outcome in failed.items())


def test_the_list_of_scenarios_that_cannot_pass_only_shrinks(outcomes):
    for name in cannot_pass.SCENARIOS:
        assert name in outcomes, f"there is no scenario {name}"
        assert outcomes[name] != "passed", f"{name} passes: take it off the list"
    assert len(cannot_pass.SCENARIOS) <= cannot_pass.MOST_SCENARIOS
