"""Keeps libraries from calling home: nothing but an explicit command may reach the network.

Some read these variables when they are first imported, so the package sets them before it imports anything else.
ONNX Runtime 1.29 and later sends usage reports unless told not to; the dependency is held below that as well.
"""

import os

QUIET = {
    "ORT_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "DO_NOT_TRACK": "1",
}
"""Variables by which libraries are told to make no look-ups and send no reports."""


def enforce() -> None:
    """Set the variables of `QUIET` for this process and its children, whatever they were before."""
    os.environ.update(QUIET)
