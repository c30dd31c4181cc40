"""Commands of `opsctl bench`."""

from opsctl.cli.options import group

app = group("bench: not built yet.")
