"""What the codes of drills mean, for `opsctl explain`."""

DRILL_EXPLANATIONS = {
    "CHA010": """A drill, or a folder of drills, has problems, although each book may be right by itself.

All problems of all books are told at once, each with its place; nothing was started.""",
    "CHA011": """A drill names a fault that there is not.

`opsctl chaos faults` lists all of them.""",
    "CHA012": """An alert is allowed more time than its fault lasts.

An alert that is over before it was told is told to nobody, so the fault must outlast what the alert is allowed.""",
    "CHA013": """The command of the runbook is allowed more time than the fault lasts.

The trouble would end by itself, and the command would look as if it had helped.""",
    "CHA014": """The stop condition looks back for longer than the fault lasts, so it could never stop anything.""",
    "CHA015": """Two files of drills have one name, such as `a.yaml` and `a.yml`.

Records and pages tell drills apart by their names.""",
    "CHA016": """No drill has this name or this tag.

A run of no drills would end well, and nothing would have been tested; so it is refused.""",
    "CHA017": """A drill gives a fault something that it does not take, or leaves out what it needs.

What stands below `with` goes to the fault by name.""",
    "CHA018": """Two faults that are on together both change who asks: how often readers ask or repeat, or who presses beside them.

There is one crowd, so the later fault would overwrite the earlier, and whichever is undone first would undo both.""",
    "CHA019": """A drill names an alert that no rule of the project raises.

It would wait for it in vain at every run, and the service would get the blame.""",
    "CHA020": """A drill may cost more of the service level than is left for drills this month.

One minute is what may fail in a minute of usual traffic: a whole outage of one minute at 99.5 % costs 200. What may
cost how much is `budget: {sli_minutes: ...}` of the drill; left out, it follows from `max_share` and the fault's length.
What drills did cost is debited after each, also after one that was interrupted.""",
    "CHA021": """A line of the ledger of what drills cost is damaged, so nobody knows what is left.

No drill is begun before it is mended. A last line without an end is none of these: a crash cut it off. It is not counted,
which is said, and the next debit moves it to `budget.torn`.""",
    "CHA022": """A probe of a drill may wait for longer than the leases of faults are kept.

Probes are asked by whoever keeps the faults. One that waits for a minute lets their leases run out, and the drill would
be inconclusive.""",
    "CHA030": """A file is no journal of drills, or one of another version.""",
    "CHA040": """A file is no experiment of Chaos Toolkit, or nothing of it can be held as a drill.

A drill needs a fault of ours or a probe; one with neither would be green for ever.""",
    "CHA041": """An activity of an experiment is not run here: it calls a program or a module, or is more than a plain GET.

Put one of our faults in its place: they are undone by a lease whatever happens, which a rollback is not.""",
    "CHA042": """A probe of an experiment asks for something that our probes cannot.

Status, regular expression, range, and a plain JSON path with at most one value are known.""",
    "CHA043": """A fault of an experiment is made without a pause after it, so nothing says how long it is to last.

It lasts a minute then.""",
    "CHA044": """A part of an experiment, such as secrets or controls, has no counterpart here.""",
}
