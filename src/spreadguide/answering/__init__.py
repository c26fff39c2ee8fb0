"""Hits → answer: evidence units, sufficiency gate, prompt, citation parsing, verification and assembly."""
