"""Makes the set-up scripts and the measurements importable."""

import sys
from pathlib import Path

for folder in ("scripts", "benchmarks"):
    sys.path.insert(0, str(Path(__file__).parents[2] / folder))
