"""What the codes of faults mean."""

from opsctl.chaos.drill_explanations import DRILL_EXPLANATIONS
from opsctl.chaos.registry import all_faults

_GROUND = {
    "CHA001": """The fault proxy of a drill does not answer. It is a process of the drill's own ground, between the service and what
it depends on, and ends with the command that started it.""",
    "CHA002": """The fault proxy refuses what it was asked to spoil: a number outside its bounds, or a fault of HTTP on a line that
does not speak it.""",
    "CHA003": """The fault proxy knows no such line, or the fault on it has ended: each has a time after which it ends by itself.""",
    "CHA061": """A helper of the proving ground (fault proxy, Redis, simulated model, watchdog) did not start, or is gone; its log is named.""",
    "CHA062": """A fault needs a line that this ground does not have. The shared cache has one only where redis-server is installed:
`apt-get install redis-server`, and `opsctl doctor` tells whether it is there.""",
    "CHA063": """The mitigation of a drill is a command of opsctl, as the runbook has it: it runs on the drill's own ground.""",
    "CHA064": """No run of drills is kept under this name in `.opsctl/chaos/runs`.""",
    "CHA065": """Faults by hand are made on a ground that `opsctl chaos ground` holds, in another terminal; never on the project's own
stack. Faults of who asks, such as `overload`, are made by drills only: the readers belong to the process that holds the ground.""",
    "CHA066": """No mutant has this name. A mutant is a protection taken away on purpose, so that a drill can show its teeth;
`opsctl chaos teeth --dry-run` lists them.""",
    "CHA068": """The readers of a drill were late themselves, because the machine was too busy: latencies would be those of the sender. A
measurement at fault is no verdict, so the drill is inconclusive.""",
    "CHA067": """A fault found nothing to break, such as no worker to kill. A drill of it would hold for nothing, so it is inconclusive.""",
}

EXPLANATIONS = (
    _GROUND
    | DRILL_EXPLANATIONS
    | {
        "FLT000": """A fault was asked for that opsctl does not know.

`opsctl chaos faults` lists all of them, and `opsctl alerts prove --list` which alerts each of them is to raise.""",
    }
    | {fault.code: f"{fault.name}: {fault.explanation}" for fault in all_faults().values()}
)
