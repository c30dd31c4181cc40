"""Commands of `opsctl catalog`."""

from opsctl.cli.options import group

app = group("catalog: not built yet.")
