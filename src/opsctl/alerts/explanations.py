"""What the codes of alert books mean."""

from opsctl.alerts.lint.run import CHECKS, SNOOZE, SNOOZE_EXPLANATION

EXPLANATIONS = {each.code: each.explanation for each in CHECKS.values()} | {
    SNOOZE: SNOOZE_EXPLANATION,
    "ALR090": """An alert or a rule was named that no book has.

`opsctl alerts list` shows all; an objective gives several alerts, `NAME_burn_TIER` and `NAME_absent`.""",
    "ALR091": """The proving ground could not be made or used: a command of opsctl failed there.

It is a whole stack in `.opsctl/proving`, made anew by each `opsctl alerts prove`. The message says which command failed
and why; a full disk and a missing program are the usual reasons (`opsctl doctor`).""",
    "ALR092": """Rules were asked for that read native histograms, for a Prometheus that has none.

Prometheus 3 can turn classic histograms into native ones with custom buckets; version 2.42 cannot.""",
}
