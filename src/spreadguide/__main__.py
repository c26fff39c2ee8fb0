"""``python -m spreadguide``."""

from spreadguide.cli import main

main()
