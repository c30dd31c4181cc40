"""What the codes of alert books mean."""

EXPLANATIONS = {
    "ALR090": """An alert or a rule was named that no book has.

`opsctl alerts list` shows all; an objective gives several alerts, `NAME_burn_TIER` and `NAME_absent`.""",
    "ALR091": """The proving ground could not be made or used: a command of opsctl failed there.

It is a whole stack in `.opsctl/proving`, made anew by each `opsctl alerts prove`. The message says which command failed
and why; a full disk and a missing program are the usual reasons (`opsctl doctor`).""",
}
