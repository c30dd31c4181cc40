"""Commands of `opsctl evidence`."""

from opsctl.cli.options import group

app = group("evidence")
