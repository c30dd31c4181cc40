"""What the codes of faults mean."""

from opsctl.chaos.registry import all_faults

EXPLANATIONS = {
    "FLT000": """A fault was asked for that opsctl does not know.

`opsctl alerts prove --list` shows all faults, and which alerts each of them is to raise.""",
} | {fault.code: f"{fault.name}: {fault.explanation}" for fault in all_faults().values()}
