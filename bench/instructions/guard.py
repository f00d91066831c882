"""Instructions a step of every learner, counted by Valgrind: the same every time, so that a change shows.

    python bench/instructions/guard.py PROGRAM [--update]

PROGRAM is count_instructions, built with -DAXONOMY_LEVELS=x86-64-v3 -DAXONOMY_COUNT=ON (make count).

Compares with counts.json, which is of one compiler; under another there is nothing to compare with, and that
is said. `--update` writes what was counted.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

COUNTS = Path(__file__).with_name("counts.json")
MOST = 1.03  # of the instructions there were


def run(*command: str) -> list[str]:
    """Return the lines that a command prints."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def counted(program: Path) -> dict[str, float]:
    """Return the instructions a step of each learner and dtype."""
    with tempfile.TemporaryDirectory() as folder:
        options = ["--toggle-collect=counted_steps", "--dump-after=counted_steps"]
        output = f"--callgrind-out-file={folder}/out"
        names = [line.split() for line in run("valgrind", "--tool=callgrind", *options, output, str(program))]
        dumps = sorted(Path(folder).glob("out.*"), key=lambda path: int(path.suffix[1:]))
        if len(dumps) < len(names):
            raise SystemExit(f"expected {len(names)} counts, got {len(dumps)}")
        totals = [int(re.search(r"^(?:summary|totals): (\d+)", path.read_text(), re.M)[1]) for path in dumps]
    return {
        f"{name} {dtype}": round(total / int(steps), 1)
        for (name, dtype, steps), total in zip(names, totals, strict=False)
    }


def compiler() -> str:
    """Return the compiler's own line about itself."""
    return run("c++", "--version")[0]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program", type=Path)
    parser.add_argument("--update", action="store_true", help="write counts.json")
    arguments = parser.parse_args()
    if shutil.which("valgrind") is None:
        print("no valgrind: nothing counted")
        return 0
    found = counted(arguments.program)
    if arguments.update:
        COUNTS.write_text(json.dumps({"compiler": compiler(), "instructions": found}, indent=1) + "\n")
        print(f"{COUNTS}: {len(found)} counts")
        return 0
    known = json.loads(COUNTS.read_text())
    if known["compiler"] != compiler():
        print(f"counts are of {known['compiler']}, not of {compiler()}: nothing compared")
        return 0
    before = known["instructions"]
    if set(before) != set(found):
        print(f"other learners than in {COUNTS.name}: {sorted(set(before) ^ set(found))}; --update")
        return 1
    grown = {name: found[name] / before[name] for name in found if found[name] > MOST * before[name]}
    shrunk = {name: found[name] / before[name] for name in found if found[name] * MOST < before[name]}
    for name, ratio in {**grown, **shrunk}.items():
        print(f"{name}: {found[name]:,.0f} instructions a step, {ratio:.2f} of {before[name]:,.0f}")
    if shrunk and not grown:
        print("fewer than were known: --update keeps them so")
    print(f"{len(found)} counted, {len(grown)} grown by more than {MOST - 1:.0%}")
    return 1 if grown else 0


if __name__ == "__main__":
    sys.exit(main())
