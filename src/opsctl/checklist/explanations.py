"""What the codes of the checklist mean; those of its items, `CHK001` to `CHK099`, stand in its book."""

EXPLANATIONS = {
    "CHK101": """The evidence ledger does not verify, so nothing on the checklist can pass.

A record was changed, removed, added or torn. Proofs that can be edited prove nothing; `opsctl evidence verify` names each
broken place. Restore the ledger from a backup, or move it away and measure anew.""",
    "CHK102": """There is no such item on the checklist.

Items are meant by their code, such as `CHK007`, or by their name; `opsctl checklist run` shows both.""",
    "CHK103": """There is no such account in the checklist's book.

Only accounts that stand under `accounts:` in `ops/checklist.yaml` sign and waive, so that everybody can read who may. Add
the person there, with a role; the change of the book is reviewed as any other.""",
    "CHK104": """The account may not do that: its role is none of those that the book names for it.

Who signs an item stands in its `sign.roles`, who waives in `waivers.roles`, who does a routine in its `roles`.""",
    "CHK105": """The item is not signed by anybody: it rests on evidence alone.

A signature never stands for a measurement. Make the evidence (`opsctl checklist run --refresh`), or set the item aside with
a reason and an end: `opsctl checklist waive`.""",
    "CHK106": """A waiver or a signature would hold for longer than the book allows.

A waiver ends after 90 days at most: what is set aside for ever should be taken off the list, where everybody sees it. A
signature ends after the `sign.expires` of its item.""",
    "CHK107": """A signature is bound to a commit, and files differ from the one that is checked out.

Nobody could tell later what was signed. Commit the changes first. An item whose signature has nothing to do with the code
says `same_commit: false` in its `sign`.""",
    "CHK108": """Another `opsctl checklist run --refresh` is at work in this project.

Two of them would measure at the same time and disturb each other. Wait for it; its progress stands in
`.opsctl/checklist/refresh.json`.""",
    "CHK109": """The journal of a refresh cannot be read.

Another version wrote it, or it was edited. It is put aside, and the refresh begins anew; evidence that is fresh is not made
again, since it stands in the ledger.""",
    "CHK110": """There is no such routine in the checklist's book.

`routines:` in `ops/checklist.yaml` may have daily, weekly and monthly.""",
    "CHK111": """A text that goes into the ledger for good is empty, or too long, or has characters that no terminal shows.

Give a reason, a note or a name of one to 500 characters on a line.""",
    "CHK112": """The checklist needs a book, and there is none.

`opsctl init` writes a starter book `ops/checklist.yaml` with the items of a ranking service; change it to what yours needs.""",
    "CHK113": """There is nothing to withdraw: the item is not waived, or this account has not signed it, or that was withdrawn already.

Anybody who may waive may end a waiver; a signature is taken back by the account that gave it. The ledger keeps what was said
and that it was withdrawn.""",
}
