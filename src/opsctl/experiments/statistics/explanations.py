"""What do the codes EXP080-EXP099 mean."""

EXPLANATIONS: dict[str, str] = {
    "EXP080": """An arm, or a stratum, has no units (a quantile: no events), so there is nothing to say of it. Either nobody was exposed yet,
or the events are not where the analysis looks for them.""",
    "EXP081": """An arm has one unit only. How far its value may be off is told by how units differ from each other, and one differs from
none.""",
    "EXP082": """No unit differs from another in either arm, so nothing says what chance alone would do. A difference between two constants
is a fault of the metric or of the assignment far more often than an effect.""",
    "EXP083": """What a ratio divides by is 0 for all units, such as clicks for each feed where no feed was asked for.""",
    "EXP084": """What a ratio divides by is hardly told from 0: its standard error is more than a third of its mean. The delta method, and with
it every interval of the ratio, would be worth nothing. More units help.""",
    "EXP085": """The control's value is not told from 0, so a difference as a share of it (a lift, a relative margin) may be anything. The
difference itself is told all the same; use an absolute margin, such as `2pp`, or a metric that is not near 0.""",
    "EXP086": """The values before the start did not sharpen the estimate: there are none, they are the same for all units, or too few units
have some. The unadjusted values are right, with wider intervals.""",
    "EXP087": """The quantile lies too far out for the number of units: its interval would go beyond the least or the greatest event. More units,
or a level nearer to the middle (0.9 in place of 0.99), help.""",
    "EXP088": """So many events have exactly the same value that the quantile moves in steps; an interval of no width would call any difference
significant. Count the events at or below the value as a ratio metric instead.""",
    "EXP089": """Nothing can be said of how units were divided: there are none, or one arm only can have some.""",
    "EXP090": """At a planned look nothing can be decided: all of alpha is spent at the planned number of units, and every look after that one
would be a free try. What was decided there stands.""",
    "EXP091": """There are too few units for a confidence sequence, whose guarantee holds for large samples only. It starts to count from the
first look with enough units on; what is shown before that is no evidence.""",
    "EXP092": """Two experiments cannot be tested for an interaction: of the four groups that they make, one has too few units.""",
    "EXP093": """The experiment cannot reach its smallest effect worth finding (`mde`) by its horizon. The advice says what would help: more
units, more days, a larger effect, a pre-period (CUPED), or no sharing of units with other experiments.""",
    "EXP094": """Whether the experiment can reach its `mde` is not known: a primary metric has no `mde`, or no `baseline` is written or measured
for it (of a mean or a ratio, its deviation over units, too).""",
    "EXP095": """All readers of interleaved feeds chose alike, such as the same number from either arm in every session: nothing says what
chance alone would do.""",
    "EXP096": """No cap for extreme values can be taken: too few units lie above the quantile, or the quantile is 0, so that a cap there would
leave nothing of the metric. Values count as they are; use `winsorise` only where a few units hold most of a sum.""",
    "EXP097": """Nobody in either arm had any event of a guardrail that is to stay high, so it has watched nothing. Most often the service
does not write the event: `opsctl experiments lint` says which ones nobody writes. Of a guardrail that is to stay low (`direction:
decrease`), such as errors, nothing is good news, and counts as far as the number of units goes.""",
    "EXP098": """Every unit of both arms has 0, so there is no variance to test with; what can be shown is how large a share of the units can be
affected at all. A margin in the metric's own unit, such as `0.3`, is no share of units: write it as `2%`, or measure a proportion.""",
}
"""Why something cannot be told, mostly: these are answers (`CannotTell`), not errors."""
