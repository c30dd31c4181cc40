"""What do the codes EXP140-EXP159 mean."""

EXPLANATIONS: dict[str, str] = {
    "EXP140": """A method on which the verdict would rest has no certificate.

A certificate says that 10,000 simulated experiments without an effect found one in 5 of 100, and that as many with a known
effect had it in 95 of 100 intervals; those named `verdict_...` say how often a whole analysis ships what does nothing, what helps,
and what breaks a guardrail. docs/guides/experiments.md has the figures. A certificate is of the very code that was measured: after
a change of `experiments/statistics`, `experiments/analysis`, `verdict.py`, or of what the book means, it is void.

`opsctl experiments certify` measures all methods in some minutes; `opsctl experiments certify mean ratio` only these.
""",
    "EXP141": """No method has this name.

`opsctl experiments certify --list` shows them.
""",
    "EXP142": """`opsctl experiments certify --markdown FILE` writes a table into a page that people wrote, between two marks, and the page
does not have both.
""",
    "EXP143": """A file of certificates for a release was to be written of some methods only, or of too few experiments.

It takes the place of all certificates that came with the release, so what it lacks would not be certified any more. Leave
`--quick` and the names of methods out: `opsctl experiments certify --ship FILE`.
""",
}
