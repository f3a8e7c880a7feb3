"""Says whether the compiler still vectorises every state-update loop; exit status 1 if not.

gcc gives up on a loop in silence (too many pointers that might alias, a branch it cannot turn
into a selection), and the loop is then several times slower. This compiles the rendered models
as setup.py does, for each instruction set, and reads gcc's own report. Where a loop written by
hand is to take the place of one of these, its instruction must be in the compiled code.

    python tests/check_vectorised.py
"""

import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from cython_kernels.render import render_models  # noqa: E402

FLAGS = ["-std=c11", "-O3", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off",
         "-fno-inline-functions", "-fno-inline-small-functions",
         "-fno-inline-functions-called-once", "-fno-thread-jumps", "-fno-tree-sink",
         "-fno-tree-pre"]
ISA_FLAGS = {
    "v2": ["-march=x86-64-v2"],
    "v3": ["-march=x86-64-v3"],
    "v4": ["-march=x86-64-v4", "-mtune=skylake-avx512", "-mprefer-vector-width=512"],
} if platform.machine() == "x86_64" else {"baseline": []}
# {instruction set: (beginning of the loops' names, what their code must contain)}, see
# cython_kernels/poisson_avx512.pxi
BY_HAND = {"v4": ("poisson_", r"vpmuludq\s.*%zmm")}


def loops_of(c_source):
    """[(name, lines of its passes over the neurons)] of the C functions that hold them."""
    definition = re.compile(r"^static void \w*?models_check_(\w+)_loop\(.*\{", re.ASCII)
    found = []
    for number, line in enumerate(c_source.splitlines(), 1):
        match = definition.match(line)
        if match:
            found.append((match.group(1), []))
        elif line.startswith("static "):
            found.append(("", []))
        elif found and re.match(r" +for \(__pyx_t_\d+ = 0;", line):
            found[-1][1].append(number)
    return [(name, passes) for name, passes in found if name]


def vectorised(c_file, flags):
    """(lines of the C file at which gcc says that it vectorised a loop, its assembly code)."""
    command = ["gcc", *FLAGS, *flags, "-fPIC", "-I", sysconfig.get_path("include"),
               # Of loops with equal code each is to have its line in the report.
               "-fno-ipa-icf", "-fopt-info-vec-optimized", "-S", str(c_file), "-o",
               str(c_file) + ".s"]
    report = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    lines = re.findall(r":(\d+):\d+: optimized: +loop vectorized", report)
    return {int(line) for line in lines}, Path(str(c_file) + ".s").read_text()


def has_instruction(name, instruction, assembly):
    """Whether the code of the kernel `name` has an instruction (a regular expression)."""
    code = re.search(rf"^\w+models_check_{name}:\n(.*?)\.cfi_endproc", assembly, re.S | re.M)
    return bool(code and re.search(instruction, code.group(1)))


def main():
    if "gcc" not in subprocess.run([shutil.which("gcc") or "true", "--version"],
                                   capture_output=True, text=True).stdout:
        sys.exit("gcc is not there: it is its report that this reads")
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "models_check.pyx")
        source.write_text(render_models("models_check"))
        subprocess.run([sys.executable, "-m", "cython", "-3", "-I", str(ROOT / "cython_kernels"),
                        "-X", "boundscheck=False,wraparound=False,cdivision=True", str(source)],
                       check=True)
        c_file = source.with_suffix(".c")
        loops = loops_of(c_file.read_text())
        if not loops or not all(passes for _, passes in loops):
            sys.exit("no loop found in the rendered models, or one without a pass")
        for isa, flags in ISA_FLAGS.items():
            lines, assembly = vectorised(c_file, flags)
            beginning, instruction = BY_HAND.get(isa, ("none", ""))
            by_hand = [name for name, _ in loops if name.startswith(beginning)]
            for name in by_hand:
                if not has_instruction(name, instruction, assembly):
                    print(f"{isa}: {name} has no {instruction}: where is the loop by hand?")
                    failed = True
            for name, passes in loops:
                if name in by_hand:
                    continue
                for k, line in enumerate(passes):
                    if line not in lines:
                        print(f"{isa}: {name} is not vectorised, pass {k + 1} of {len(passes)}")
                        failed = True
            print(f"{isa}: looked at {sum(len(passes) for _, passes in loops)} passes of "
                  f"{len(loops)} loops, {len(by_hand)} of which are written by hand")
    sys.exit(failed)


if __name__ == "__main__":
    main()
