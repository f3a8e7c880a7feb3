"""Notebooks: `laconeu run notebook.ipynb`, and `%load_ext pyNN_laconeu` inside one."""

import re
import sys
from importlib.util import find_spec

from . import redirect
from .clock import Clock, print_report

NEEDED = ("nbclient", "nbformat", "ipykernel")
# The first and the last cell that a notebook is run with. Neither is saved.
FIRST_CELL = "from pyNN_laconeu.command import notebook; notebook.load(); del notebook"
LAST_CELL = "from pyNN_laconeu.command import notebook; print(notebook.report())"
COLOURS = re.compile(r"\x1b\[[0-9;]*m")

clock = None  # runs in a notebook's own process, from load() on


def load():
    """Let the imports of other back ends give laconeu from now on, and start the clock."""
    global clock
    if redirect.active is None:
        redirect.redirect("laconeu", children=True)
    if clock is None:
        clock = Clock()


def unload():
    """Undo load(), and print where the time went since."""
    global clock
    if clock is not None:
        clock.stop()
        print_report(clock)
        clock = None
    if redirect.active is not None:
        redirect.active.undo()


def report():
    """Where the time went since load()."""
    return clock.report()


def run_notebook(path, output=None):
    """Run all cells of a notebook in order, in a fresh kernel of this Python; print what they do.

    path: of the notebook, which is left alone. output: where to save it with its outputs,
    after an error too. Returns the exit status.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        return failed(f"notebooks need {', '.join(missing)}: pip install 'pyNN_laconeu[tools]'")
    import nbformat
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    try:
        notebook = nbformat.read(path, as_version=4)
    except OSError as error:
        return failed(f"cannot read {path}: {error.strerror}")
    except (nbformat.reader.NotJSONError, nbformat.ValidationError, KeyError) as error:
        return failed(f"{path} is not a notebook: {error}")
    language = notebook.metadata.get("language_info", {}).get("name", "python")
    if language != "python":
        return failed(f"{path} is written in {language}, not in Python")

    client = printing_client(notebook, path)
    cells = notebook.cells
    number, status = 0, 0
    notebook.cells = [nbformat.v4.new_code_cell(source)
                      for source in (FIRST_CELL, *(cell.source for cell in cells), LAST_CELL)]
    notebook.cells[1:-1] = cells
    try:
        with client.setup_kernel(cleanup_kc=True):
            client.execute_cell(notebook.cells[0], 0, store_history=False)
            try:
                for number, cell in enumerate(cells, 1):
                    client.execute_cell(cell, number)
            except CellExecutionError as error:
                status = failed(f"cell {number} of {path}:\n{readable(error.traceback)}", 1)
            last = client.execute_cell(notebook.cells[-1], len(cells) + 1, store_history=False)
            print("".join(out.get("text", "") for out in last.outputs).rstrip(), file=sys.stderr)
    except CellExecutionError as error:
        status = failed(readable(error.traceback), 1)
    except DeadKernelError:
        status = failed(f"cell {number} of {path}: the kernel died", 1)
    finally:
        notebook.cells = cells
        if output is not None:
            nbformat.write(notebook, output)
    return status


def printing_client(notebook, path):
    """A client that prints the outputs of all but the first and the last cell as they come."""
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient

    class Kernel(AsyncKernelManager):
        """This Python, whatever kernel of whatever environment the notebook names."""

        kernel_spec = KernelSpec(
            argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}",
                  "--log-level=ERROR"],
            display_name="Python", language="python")

    class Client(NotebookClient):
        def output(self, outs, msg, display_id, cell_index):
            out = super().output(outs, msg, display_id, cell_index)
            if out is not None and 0 < cell_index < len(self.nb.cells) - 1:
                show(out)
            return out

    folder = str(path.resolve().parent)
    return Client(notebook, km=Kernel(), timeout=None, resources={"metadata": {"path": folder}})


def show(out):
    """Print one output of a cell; errors are told at the end."""
    if out.output_type == "stream":
        stream = sys.stderr if out.name == "stderr" else sys.stdout
        print(readable(out.text), end="", file=stream, flush=True)
    elif "data" in out:
        print(readable(out.data.get("text/plain", "")), flush=True)


def readable(text):
    """Without colours where nobody sees them."""
    return text if sys.stdout.isatty() else COLOURS.sub("", text)


def failed(message, status=2):
    print(f"laconeu run: {message}", file=sys.stderr)
    return status
