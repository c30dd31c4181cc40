"""What the codes of the exporter mean."""

EXPLANATIONS = {
    "EXP001": """The exporter cannot listen at the port that it was given.

Another process has it, perhaps the exporter of the stack (`opsctl stack status` shows its port). `opsctl metrics
export --once` prints the figures without listening.""",
}
