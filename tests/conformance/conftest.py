"""
PyNN's own system scenarios and examples, from its source distribution.

It is not part of this repository: pip fetches that of the installed version, or the environment
variable PYNN_SOURCE names a folder where it is unpacked already. These tests take a minute and a
network, and so run where they are asked for by their path; one example wants MPI:

    pip install ".[test]" mpi4py mpich
    pytest tests/conformance
"""

import importlib.metadata
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent


def pytest_ignore_collect(collection_path, config):
    """Leave these tests out, unless a path given on the command line lies in this folder."""
    asked = [(config.invocation_params.dir / argument.split("::")[0]).resolve()
             for argument in config.invocation_params.args if not argument.startswith("-")]
    return None if any(path.is_relative_to(HERE) for path in asked) else True


@pytest.fixture(scope="session")
def pynn_source(tmp_path_factory):
    """The folder of PyNN's unpacked source distribution, of the version that is installed."""
    if "PYNN_SOURCE" in os.environ:
        return Path(os.environ["PYNN_SOURCE"])
    folder = tmp_path_factory.mktemp("pynn")
    version = importlib.metadata.version("PyNN")
    done = subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "PyNN",
         "--dest", str(folder), f"PyNN=={version}"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    [archive] = folder.glob("*.tar.gz")
    with tarfile.open(archive) as sdist:
        sdist.extractall(folder, filter="data")
    [unpacked] = (path for path in folder.iterdir() if path.is_dir())
    return unpacked
