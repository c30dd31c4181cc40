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
can check against while you type. YAML reads `yes`, `no`, `on` and `off` as true and false, which are no numbers.""",
    "CFG008": """A book that was named, or that the settings name, is not there.

`opsctl init` writes the starter books into a project; `books` in opsctl.yaml says where they are looked for.""",
    "CFG004": """A key, or an `OPSCTL_*` variable, that opsctl does not know.

A misspelt key would be ignored by a lenient reader and its default would hold in silence; opsctl refuses it and
names the nearest key that it does know.""",
    "CFG005": """The book is larger than any real book.

A few YAML aliases of aliases can stand for billions of values, and an alias inside itself for endlessly many;
checking such a file would use up all memory. The limits are 2 MiB of text, 200,000 values, and lists or maps
a hundred deep.""",
    "CFG009": """A book has a name that is too long, or that holds characters nobody can type.

Its name becomes that of groups of rules, of files and of dashboards: at most 100 characters, none of them a control
character, and all of them UTF-8.""",
    "CFG010": """A book, or a folder of books, that the settings name was not read, because there is nothing to read.

That is right where a project has none; `books` in opsctl.yaml says where they are looked for. A file that ends in `.yml`
is no book: books end in `.yaml`.""",
    "CFG006": """A file that should hold a secret is empty.

An empty key would be sent as no key at all, and the server's refusal would point at the wrong place.""",
    "CFG007": """The project folder given by `--project` or OPSCTL_PROJECT is not there.

Only `opsctl init` makes one; other commands would work on an empty project and find nothing, in silence.""",
}
