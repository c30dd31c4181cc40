"""Commands of `opsctl collections`."""

from opsctl.cli.options import group

app = group("collections: not built yet.")
