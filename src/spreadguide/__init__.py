"""SpreadGuide: cited, checked answers from a folder of reports about spreading innovation in health care."""

from spreadguide import offline

__version__ = "0.1.0"

offline.enforce()
