"""One measurement in a process of its own: ``python -m benchmarks.speed.worker ROW CONTENDER DATA_DIR ROUND QUICK``.

The last line it prints is the figures as JSON.
"""

import json
import sys
import tempfile
import warnings
from pathlib import Path

from benchmarks.speed.row import Work
from benchmarks.speed.suite import SUITE


def main(arguments: list[str]) -> None:
    """Measure and print."""
    row, contender, data_dir, number, quick = arguments
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        work = Work(Path(data_dir), Path(folder), int(number), quick == "True")
        figures = SUITE[row].contender(contender).measure(work)
    print(f"\n{json.dumps(figures)}")


if __name__ == "__main__":
    main(sys.argv[1:])
