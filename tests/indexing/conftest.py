"""Makes ``tests/index_samples.py`` importable, whichever folder of tests is run."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
