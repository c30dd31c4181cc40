"""What the codes of migrations and API keys mean."""

EXPLANATIONS = {
    "MIG001": """A migration's file name is wrong, or two share one version.

Names are those of the Supabase CLI: `<YYYYMMDDHHMMSS>_what_it_does.sql`.""",
    "MIG002": """A migration was changed after it had been applied.

The database would no longer be what its migrations say. Put the file back and write the change as a new
migration. In an embedded stack that holds nothing of value, remove `.opsctl/stack` and begin anew.""",
    "MIG003": """The database was migrated by a newer opsctl than this one.""",
    "KEY001": """A key was asked for with a plan that the service's book does not have.

A plan says how much a key may ask; the service refuses a key of a plan that it does not know.""",
    "KEY002": """There is no key with this prefix that still holds.

The prefix is the part of a key between `opk_` and the next `_`; `opsctl security keys list` shows all of them.""",
    "KEY003": """The time after which a key is to expire is no duration, or one beyond the end of the calendar.""",
    "KEY004": """A key was asked for without a name, or with one that is too long or not printable; the name is how people
know later what it is for.""",
    "KEY005": """A key was to be rotated that was revoked, has expired, or whose place another key takes already.

What no longer holds needs a new key, not another one in its place: `opsctl security keys create`. Where the key that took
its place was lost, revoke that one first; the old one, while it still holds, can then be rotated again.""",
    "KEY006": """The connection to the database broke while a key was rotated, and nobody can be asked whether that was done.

A rotation is one transaction: either the old key has a new one in its place and a moment when it ends, or nothing was
changed. `opsctl security keys list` tells which. A new key that was made and not shown is of no use: revoke it, and rotate
the old one again.""",
    "MIG004": """A migration failed; it was rolled back as a whole, and those before it stay applied.""",
}
