"""What the codes of alert books mean."""

from opsctl.alerts.lint.run import explanations

EXPLANATIONS = explanations() | {
    "ALR090": """An alert or a rule was named that no book has.

`opsctl alerts list` shows all; an objective gives several alerts, `NAME_burn_TIER` and `NAME_absent`.""",
    "ALR091": """The proving ground could not be made or used: a command of opsctl failed there.

It is a whole stack in `.opsctl/proving`, made anew by each `opsctl alerts prove`. The message says which command failed
and why; a full disk and a missing program are the usual reasons (`opsctl doctor`).""",
    "ALR092": """Rules were asked for that read native histograms, for a Prometheus that has none.

Prometheus 3 can turn classic histograms into native ones with custom buckets; version 2.42 cannot.""",
    "ALR060": """An alert lacks a unit test: that it fires, that it does not just below its threshold, or without data.

Tests are made from the declaration of the rule; only a `query` brings its own, as `firing` and `quiet`.""",
    "ALR061": """promtool refuses a rule, or a unit test of it fails.

The text is promtool's own. `opsctl alerts render` writes the same rules and tests to `alerts/rendered/prometheus`.""",
    "ALR062": """An alert goes another way than its book says, by our own reading of the routes or by amtool's.

`alerts/rendered/alertmanager/routes.yml` lists the way of every alert and what mutes it.""",
    "ALR063": """amtool is older than a key of `delivery.yaml` as it is rendered, so it cannot say where alerts go.

Nothing is wrong with the book. Our own reading of the routes was held against it all the same; the command ends with 5, for
amtool's was not. The Alertmanager that reads the file must know the key, too. `opsctl deploy render` says the same of its files.""",
    "ALR093": """promtool and amtool test rules and routes for real; one of them is not on this machine.

Without them the expressions are parsed, and that is all that can be said: the command ends with 3, never with 0.""",
    "ALR094": """The environment variable TMPDIR names no folder that can be written, so promtool cannot test anything.

Nothing was tested, and nothing recorded: the rules may be right.""",
}
