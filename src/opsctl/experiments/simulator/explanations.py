"""What do the codes EXP120-EXP139 mean."""

EXPLANATIONS: dict[str, str] = {
    "EXP120": """`simulation: {world: ...}` of an experiment's book changes single numbers of the simulated marketplace, and one of these
is unknown, out of its bounds, or does not fit the others. Every number, its usual value and its meaning stand in
`opsctl.experiments.simulator.world_book.World`.""",
    "EXP121": """The simulator was given no arms, or an assignment that does not say for each reader which arm it is in. A reader in no arm
(-1) needs a warm-up, whose treatment it keeps.""",
    "EXP122": """Two simulated arms share one policy object. What one arm's readers do would then teach the other, and the difference
between the arms would shrink or vanish: each arm needs a learner of its own.""",
    "EXP123": """The vectors that an arm's policy sees are not one finite row for each vendor of the simulated world, in its order, with a
group from 0 on. They are made from `Market.observables`, of the same market that is run.""",
    "EXP124": """A simulated policy showed a vendor that was not among the candidates, one vendor twice, or a slate of another size than the
world's `slate`. Regret would be counted against a best slate that the policy was not bound to.""",
}
