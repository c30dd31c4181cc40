"""What does each COL code mean, and what helps: the pages of `opsctl explain`."""

EXPLANATIONS: dict[str, str] = {
    "COL001": "The vector database does not answer. The embedded one is started by `opsctl stack up`; a server of "
    "your own stands at `qdrant.url` (`opsctl config show` prints it and its origin). Rebuilds try again for a "
    "minute before they give up, and the same command goes on where they stopped.",
    "COL002": "The vector database did not answer in time. It is overloaded, or `qdrant.timeout_seconds` is too "
    "short for the collection.",
    "COL003": "The vector database refuses the API key. Set `OPSCTL_QDRANT_API_KEY`, or `qdrant.api_key_file`. "
    "A rebuild needs a key that may create collections and change aliases.",
    "COL004": "The vector database answers with a server error, or asks to slow down. Its log says why.",
    "COL005": "The vector database refuses the request itself; its own words are shown. Usually a parameter of the "
    "book that this server or version does not know.",
    "COL006": "The collection or alias is not there. When the service says so of a feed, its source collection is missing: "
    "`opsctl catalog generate` or `opsctl catalog import` makes it.",
    "COL007": "The disk of the vector database is full. Nothing that was acknowledged is lost. Free some space, "
    "`opsctl collections gc` may help, and run the same command again.",
    "COL008": "Something answers at `qdrant.url`, but not as Qdrant does: a proxy, another service, or the gRPC port.",
    "COL010": "Two derived collections of the book have the same filter. That costs twice the memory for nothing; "
    "let both names be aliases of one.",
    "COL011": "A collection has the name that the book gives to a derived collection. Searches reach a derived "
    "collection by an alias, and an alias and a collection cannot share a name. opsctl never deletes a collection "
    "that it did not build: take the three steps that the message names.",
    "COL012": "The alias exists already and leads to a collection that opsctl did not build.",
    "COL013": "The server would have more collections than `limits.collections` allows. Qdrant advises against more "
    "than a few hundred; `opsctl collections plan` shows cheaper ways.",
    "COL014": "Another machine is building this derived collection: its generation carries a fresh sign of life.",
    "COL015": "The source collection does not exist. `opsctl catalog generate` or `opsctl catalog import` makes it.",
    "COL016": "No point of the source has a field of the filter. Mostly a typing error; the message names the field "
    "that was likely meant.",
    "COL017": """No point of the source passes the filter.

`--allow-empty` builds an empty collection all the same; `when_empty: skip` in the book leaves the collection out, where
nothing serves under its name, until the source has points for it.""",
    "COL018": "The disk has too little room for a second generation beside the live one.",
    "COL019": "The source's vector is missing or has another length than the book or the embedding says. Searches "
    "with vectors of another length fail, so the rebuild is refused before it begins.",
    "COL020": "A checkpoint file is damaged or comes from another version. Without it the rebuild begins anew; the "
    "live generation is not touched.",
    "COL021": "The server's optimizer failed on the new generation. The alias still leads to the old one.",
    "COL022": "The new generation was not indexed in time. The same command goes on waiting.",
    "COL023": "The alias leads somewhere else than when the rebuild began: somebody else swapped it. The swap is by "
    "compare and set, so that nobody's work is undone unseen. Running the command again takes the new state as given.",
    "COL024": "The new generation served badly during the watch, and there was no earlier one to swap back to.",
    "COL025": "There is nothing to roll back to, to verify, or to compare: no generation serves, or no earlier good "
    "one is left. Where only the alias is gone, a script may have deleted it, `opsctl collections realias` leads it to "
    "the newest verified generation again.",
    "COL026": "The verification failed. The alias was not moved; the generation is kept for inspection and is named.",
    "COL027": "The book has no derived collection of this name.",
    "COL028": "The live generation differs from its source. `opsctl collections drift --repair` writes and deletes "
    "only what differs.",
    "COL029": "A duration on the command line is not one: write `250ms`, `30s`, `5m`, `2h` or `1d`.",
    "COL030": "A rollback changes what every search sees; it wants `--yes`. `--dry-run` shows what would happen.",
    "COL031": """The alias leads to nothing, and no generation can take it.

`opsctl collections realias` goes by what each generation notes of itself on the server: it must have been built for this
alias and be verified. What was not is named with its reason; servers before 1.16 keep no notes at all. Only a rebuild
helps.""",
    "COL060": "No query of the log has a filter, so there is nothing that a derived collection could hold. Log the "
    "filter beside each query, in the words of the book.",
}
