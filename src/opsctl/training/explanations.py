"""What the codes of the training mean."""

EXPLANATIONS = {
    "TRN001": """There is no such exercise.

`opsctl training list` shows all, in the order of the path; they are books in `ops/training`.""",
    "TRN002": """An exercise breaks something on purpose, and only on the local stack of a project whose name was given.

It is refused where `qdrant.url` or `database.url` name a server, and without `--confirm NAME`, the name of the project's folder.
Make a project for it: `mkdir school && cd school && opsctl init`.""",
    "TRN003": """The exercise was not begun, its start was ended in the middle, or somebody else has begun it.

A check counts only what came after `opsctl training start`, so that a state that was right before teaches nothing. One person
at a time works on an exercise in a project; `--again` begins anew.""",
    "TRN004": """The file of an exercise that was begun cannot be read.

They are in `.opsctl/training`; `opsctl training start NAME --again` writes it anew.""",
    "TRN005": """The stack is not in the state that the exercise begins from.

What is missing is named, and the command that makes it: an exercise about an alias needs a derived collection that is built.""",
    "TRN006": """What was given on the command line is no answer, or nobody's name.

An answer is `--answer NAME=VALUE`, with the name that the check asks for; a name is a word that a list can show.""",
}
