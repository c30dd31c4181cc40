"""What the codes of costs mean."""

EXPLANATIONS = {
    "CST001": """The plan names somebody for a part of the bill whose prices for that part are not in the price book.

`providers` of the costs book chooses by the names of the price book; each provider there says which parts it can fill.
`own` means the service's own process, and is good for the edge, the model and the embedding only. The message lists what
there is.""",
    "CST002": """A price was retrieved on a day that is yet to come.

Nobody can have read it then, so it is a slip of the pen, and the price would count as fresh for too long. A day's grace
is given for time zones.""",
    "CST003": """`--with` chooses another provider for one part, to see what it would cost: `--with model=haiku_4_5`.

It may be given once for each part. What is only tried is not recorded, because evidence is of what is planned.""",
    "CST010": """The stack on which feeds are to be measured came up without anybody who asks.

`opsctl costs measure` makes a stack of its own, with a key and readers. This should not happen; run the command again, and
report it if it stays.""",
}
