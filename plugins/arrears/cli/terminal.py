"""Where the command line writes: as wide as the terminal; in a log, which has no width, wide enough for a batch id."""

import sys

from rich.console import Console

LOG_WIDTH = 140

console = Console(highlight=False, width=None if sys.stdout.isatty() else LOG_WIDTH)
errors = Console(stderr=True, highlight=False)
