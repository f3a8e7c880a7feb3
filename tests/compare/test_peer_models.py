"""
What the reference page says of the peers is what the peers installed here do.

Each model of each peer is made and run for 2 ms, see tests/peer_models.py.
"""

import sys
from pathlib import Path

import pytest

for module in ("nest", "neuron", "brian2"):
    pytest.importorskip(module)
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import peer_models  # noqa: E402

pytestmark = pytest.mark.compare

HOW = "ask them again, `python tests/peer_models.py`, then `python tests/reference_page.py`"


def test_the_table_is_of_the_versions_that_are_here():
    assert peer_models.stored()["versions"] == peer_models.versions(), HOW


@pytest.mark.parametrize("peer", peer_models.PEERS)
def test_a_peer_has_the_models_that_the_page_says(peer):
    said, found = peer_models.stored()["models"][peer], peer_models.ask_in_a_process(peer)
    assert found == said, HOW
