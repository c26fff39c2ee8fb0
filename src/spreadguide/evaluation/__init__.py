"""Measures SpreadGuide on sets of questions, claims and passages, by the same steps that answer its users."""
