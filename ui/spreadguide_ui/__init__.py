"""The chat page: a Gradio front end that speaks HTTP to the SpreadGuide API and to nothing else."""

from spreadguide_ui.app import mount

__all__ = ["mount"]
