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
    "EXP125": """The settings of a simulated arm hold a key that the simulator does not know, or a value that does not fit. Keys of the
service's `ranking` mean the same in both; `learner` and `embedding` are known here only.""",
    "EXP126": """An arm's items are to be seen in a space that is trained on what readers chose in the warm-up, and they chose too little
there. Give the simulation more `warm_up_days` or more `users`.""",
    "EXP127": """The book has no part `simulation`, which says how many readers, for how many days, and in what kind of world.""",
    "EXP128": """No simulation of this experiment is here, or another version of opsctl wrote it. `opsctl experiments simulate NAME` makes
one; it takes some minutes, and gives the same numbers each time.""",
    "EXP129": """`opsctl experiments simulate` wants to know which experiments: names, or `--all`, and not both.""",
    "EXP130": """`opsctl experiments report NAME --markdown FILE` writes figures into a page that people wrote, between two marks, so that no
figure is ever typed by hand. It takes one experiment, and a page with both marks, or none yet.""",
    "EXP131": """A file of a simulation is gone, was added, or is not what was written; or there is no `manifest.json`, which names every
file with its SHA-256 and is written last. Part of a simulation is another experiment than the one that its study tells the truth of,
so nothing of it is analysed. `opsctl experiments simulate NAME` makes it again, with the same numbers.""",
}
