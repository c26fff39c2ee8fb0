"""Build the index, or bring it up to date: ``python scripts/index.py --corpus DIR --index DIR [--json]``."""

import sys

from spreadguide.cli import main

sys.argv[1:1] = ["index", "build"]
main()
