"""Commands of `opsctl stack`."""

from opsctl.cli.options import group

app = group("stack: not built yet.")
