"""Commands of `opsctl alerts`: books checked, rendered, tested, proven."""

from opsctl.cli import alerts_lint, alerts_prove, alerts_render, alerts_test
from opsctl.cli.options import group

app = group("Alerts and objectives: checked, rendered, tested, and proven to arrive in time.")

alerts_lint.register(app)
alerts_render.register(app)
alerts_test.register(app)
alerts_prove.register(app)
