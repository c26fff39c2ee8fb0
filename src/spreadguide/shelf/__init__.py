"""Keeps the folder of reports in order: what is in it, adding, removing, and checking reports and briefs."""
