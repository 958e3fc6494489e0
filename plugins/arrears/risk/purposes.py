"""What models are asked about a loan. Light to import: the DAG is made from it."""

PURPOSES = ("early_warning", "self_cure")
"""Will it be thirty days behind within ninety days; and, where it is a little behind: will it come back by itself."""
