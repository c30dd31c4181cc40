"""What the codes of settings and books mean."""

EXPLANATIONS = {
    "CFG001": """The file is not valid YAML, or not UTF-8 text.

The caret stands where the parser gave up; the cause is often one line above it: a quote that is not closed,
a tab where spaces belong, a colon without a space after it.""",
    "CFG002": """A key stands twice in the same map.

YAML parsers silently keep one of the two. opsctl refuses, because the other one was meant too. Collections,
alerts and drills are keyed by name, so this also finds two of one name.""",
    "CFG003": """A value has the wrong type or breaks a rule of the book.

Every problem of the book is shown at once. `opsctl config schema NAME` prints the JSON Schema that editors
can check against while you type.""",
    "CFG008": """A book that was named, or that the settings name, is not there.

`opsctl init` writes the starter books into a project; `books` in opsctl.yaml says where they are looked for.""",
    "CFG004": """A key, or an `OPSCTL_*` variable, that opsctl does not know.

A misspelt key would be ignored by a lenient reader and its default would hold in silence; opsctl refuses it and
names the nearest key that it does know.""",
    "CFG005": """The book is larger than any real book.

A few YAML aliases of aliases can stand for billions of values, and an alias inside itself for endlessly many;
checking such a file would use up all memory. The limits are 2 MiB of text and 200,000 values.""",
    "CFG006": """A file that should hold a secret is empty.

An empty key would be sent as no key at all, and the server's refusal would point at the wrong place.""",
    "CFG007": """The project folder given by `--project` or OPSCTL_PROJECT is not there.

Only `opsctl init` makes one; other commands would work on an empty project and find nothing, in silence.""",
}
