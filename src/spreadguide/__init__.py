"""SpreadGuide: cited, checked answers from a folder of reports about spreading innovation in health care."""

__version__ = "0.1.0"
