"""Measures what llama-cpp-python does by itself at this moment: reads a fixed prompt, writes a few tokens, prints JSON.

python benchmarks/side_by_side_probe.py '{"model": FILE, "context": 4096, "threads": 2}'
"""

from __future__ import annotations

import json
import sys

from raw_engine import WARM_UP_TOKENS, Raw

PROMPT_TOKENS = 256
TOKENS = 24
TEXT = "A ward, a practice and a hospital each took up the new way of working at a different pace. " * PROMPT_TOKENS


def main() -> int:
    """Measure, and print the result."""
    given = json.loads(sys.argv[1])
    raw = Raw({"model_path": given["model"], "context": given["context"], "threads": given["threads"]})
    prompt = raw.tokens(TEXT)[:PROMPT_TOKENS]
    raw.measure(prompt[:WARM_UP_TOKENS], 2)
    print(json.dumps(raw.measure(prompt, TOKENS)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
