"""What do the codes EXP001-EXP049 mean: books, starts, assignment."""

EXPLANATIONS: dict[str, str] = {
    "EXP001": """A book of experiments, or a folder of them, has problems.

All problems of all books are told at once, each with its place; nothing was started. `opsctl experiments lint` shows
them together with warnings.""",
    "EXP002": """Two files of experiments have one name, such as `a.yaml` and `a.yml`.

Starts, exposures and verdicts tell experiments apart by their names.""",
    "EXP003": """No experiment has this name.""",
    "EXP004": """Two experiments that share a layer would share units of it.

Whoever puts experiments into one layer wants that no unit is in both. Give them parts that do not overlap in at least
one layer that they share (`start` is inside a part, `end` is not); or leave the layer out of one of them: then their
arms are independent of each other, and the analysis screens for interactions. An experiment that has ended takes up
nothing.""",
    "EXP005": """An arm sets something that the service cannot be told for a single reader.

What an arm may set are keys of `ranking` in ops/service.yaml that are decided for each feed. An unknown key would be no
treatment at all, and the experiment a long way to find no difference.""",
    "EXP006": """Two arms of an experiment do the same, so nothing is tried.

A trial of the machinery itself, whose arms are equal on purpose, says so with the tag `aa`.""",
    "EXP008": """A book does not say how many units it expects by its horizon (`units`), so nobody can say whether they are enough.

Whether they can be is shown by `opsctl experiments plan --daily N`, from how many readers come on a day.""",
    "EXP009": """The horizon is no whole number of weeks.

Readers differ from one weekday to the next; an experiment that holds more Saturdays than Mondays measures a mixture that
never comes back.""",
    "EXP010": """No metric is a guardrail, so an experiment could ship whatever it breaks.

A guardrail has a `margin`: by how much it may get worse. Latency, cost and returning readers are usual ones.""",
    "EXP011": """A baseline says how much a metric's past tells (`correlation`), but the metric has no `pre_period` in which the past is
measured; or it is a quantile, for which there is no such method.""",
    "EXP012": """A file of an experiment has a name that no experiment can have.

The name is part of the hashes by which units get their arms, and of keys in the database: lower case letters, digits and
underscores, beginning with a letter, 60 at most.""",
    "EXP013": """A book holds a value that neither JSON nor PostgreSQL has a word for, such as `.nan`, `.inf`, a date, or a zero byte.

Books are kept from their start on, so that nobody has to believe in what they said.""",
    "EXP014": """A metric counts nothing by the horizon: its `after` and `window` begin or end only when the experiment is over.

`after: 7d, window: 1d` is known of a unit eight days after its first exposure, so a horizon of seven days sees none of
them. With one of nine days only the units of the first day count.""",
    "EXP015": """Interleaving fills one feed from two arms by turns, and this experiment has more than two, or is over before that stage
ends.""",
    "EXP016": """A book has another ramp than the experiment that runs.

What runs was ramped up by `opsctl experiments ramp`; a ramp that is written into the book afterwards changes nothing by
itself, and one that is less than what runs never will.""",
    "EXP017": """A layer's part or the holdout leaves an experiment no units, or fewer than a thousandth of them.""",
    "EXP018": """Two experiments that may have the same reader set the same thing.

One of the two arms would be overwritten by the other, and both experiments would measure a mixture. Put them into one
layer, in parts that do not overlap; make one experiment of them, with an arm for each combination; or let one end before
the other begins. As long as neither runs it is a warning.""",
    "EXP019": """An experiment runs whose book is not in the folder any more, or never was in this one.

What runs is what was started, whatever became of the file. `opsctl experiments stop NAME` ends it.""",
    "EXP020": """The book was changed after the experiment had started.

What was started is what runs, and what will be analysed: hypothesis, metrics, margins and horizon were fixed before
anybody saw data, and everything that the verdict is worth rests on that. The differences are shown. Put the book back as
it was; or stop the experiment and write the change as a new one, under a name of its own. Only `ramp` may change, by
`opsctl experiments ramp`.""",
    "EXP021": """An experiment of this name was started before.

A name is used once: its exposures and looks would mix with those of the first time. Copy the book to a new name, by which
units also get their arms anew.""",
    "EXP022": """The experiment was not started, or it has ended.""",
    "EXP023": """A ramp can only rise.

Units that are in an experiment would lose their arm half way, and be counted with what they did afterwards. To end it for
everybody: `opsctl experiments stop`.""",
    "EXP024": """A start, a stop or a ramp wants `--confirm` with the name of the experiment.

They change what readers see at once, and none of them can be taken back: a start fixes the book, a ramp never falls, and
an experiment that was stopped is not started again.""",
    "EXP025": """An experiment would begin in the future: the clock of this machine went back, or that of the database ahead.

Which events came after an exposure is then anybody's guess, so nothing is concluded before the clocks agree.""",
    "EXP026": """An experiment that runs has units that the one to be started would get, too, in a layer that is there to keep them
apart.""",
    "EXP030": """An id of a unit is empty, no text, or not whole text in UTF-8.

Ids are opaque texts: they are hashed as they are, neither trimmed nor normalised, so the same reader must have the same id
everywhere. `é` written as one character and as two are two ids.""",
    "EXP031": """A started experiment was written by another version of opsctl, which this one cannot read.""",
    "EXP032": """There are more ids than one JSON document should hold; `--ndjson` writes a line for each.""",
    "EXP033": """A running experiment has run for as long as it was meant to.

Its verdict is due. Whoever lets it run until it shows something has another rule for stopping than the book's, and
another rate of false findings.""",
    "EXP034": """What the statistics of experiments rest on is not installed: `pip install 'opsctl[experiments]'`.

Assigning readers needs none of it; sizes, analyses and simulations do.""",
    "EXP035": """The traffic that was said for a plan cannot be: nobody comes, more come on a day than there are, or the first day is none.""",
    "EXP036": """A guardrail probably cannot show that its margin holds with the units that are expected.

That it holds and that nobody can tell look alike then. A wider margin, a pre-period or more units would help.""",
    "EXP037": """The simulator would refuse a book: it does not know a setting of an arm, of the warm-up or of the world, or a value does
not fit.

Settings of an arm mean the same as `ranking` of the service; `learner` and `embedding` are known to the simulator only.""",
    "EXP038": """A metric counts an event that the service does not write, so for readers it is 0 for everybody, unless somebody else writes it.

The service writes what readers do: kinds of interactions, such as `click`. Anything else (`session`, a latency, a cost) has to be
written into the table `experiment_metrics`, for the readers of every arm alike, by whoever knows it. A guardrail that nobody writes
watches nothing; a misspelt event looks the same. Where a book is simulated first and the simulator writes the event, it is told for
information; `start` looks into the database, too, and warns of what is in neither.""",
    "EXP039": """Two planned looks lie nearer to each other than half a percent of the horizon, or one lies so near to the horizon.

Between them hardly anybody comes, so the second one could decide nothing that the first did not, and the bounds of looks count as one
what is so near. Leave one of them away.""",
    "EXP040": """No treatment has a weight, so every unit is in the control and there is nothing to compare.

An arm of weight 0 gets nobody. A rollout that is over is no experiment: stop it, and set what was shipped in the service.""",
}
