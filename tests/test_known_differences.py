"""
What the README says of the differences from the peers, the list of them and the tests that pin
them agree.
"""

import ast
import re
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
sys.path.insert(0, str(TESTS / "compare"))

from known_differences import KNOWN_DIFFERENCES  # noqa: E402


@pytest.mark.parametrize("difference", KNOWN_DIFFERENCES, ids=lambda each: each.what[:40])
def test_a_known_difference_is_in_the_readme_and_has_its_test(difference):
    readme = (TESTS.parent / "pyNN_laconeu" / "README.md").read_text(encoding="utf-8")
    section = re.search(rf"## Differences from pyNN\.{difference.peer}\n(.*?)\n## ", readme, re.S)
    assert difference.what in " ".join(section[1].split())
    assert difference.cause
    file, _, name = difference.test.partition("::")
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
