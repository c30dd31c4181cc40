"""Commands of `opsctl config`."""

from opsctl.cli.options import group

app = group("config")
