"""What the codes of the evidence ledger mean."""

EXPLANATIONS = {
    "EVD001": """The chain of evidence is broken: a record was changed, removed, added or torn.

Each record names the SHA-256 of the one before it, and the file `head` names the last one, so that records
cut off at the end are missed too. Proofs up to the first finding still count. Compare with a backup of
`.opsctl/evidence/`; to begin a new chain, move the folder away.""",
    "EVD002": """The id names no record, or more than one.

Ids are shown by `opsctl evidence list`; the beginning of an id, or the sequence number, is enough as long as
it is unique.""",
}
