"""Keep of a study and its report what this folder has: python docs/results/collect.py FOLDER

The runs as one table, the statistics, the findings, and the figures in few colours, as they are small then.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from PIL import Image

from axonomy.studies import Results

HERE = Path(__file__).parent
COLOURS = 128
GZIP = {"method": "gzip", "mtime": 0}  # the same runs give the same file


def collect(study: Path, out: Path) -> None:
    """Copy from the folder of a study whose report is written."""
    report = study / "report"
    Results.open(study).runs().to_csv(out / "runs.csv.gz", index=False, compression=GZIP)
    shutil.copy(report / "findings.txt", out)
    for name in ("statistics", "figures"):
        shutil.rmtree(out / name, ignore_errors=True)
        (out / name).mkdir()
    for path in (report / "statistics").glob("*.csv"):
        shutil.copy(path, out / "statistics")
    for path in (report / "figures").glob("*.png"):
        few = Image.open(path).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        few.save(out / "figures" / path.name, optimize=True)


if __name__ == "__main__":
    collect(Path(sys.argv[1]), HERE)
