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
    "MIG004": """A migration failed; it was rolled back as a whole, and those before it stay applied.""",
}
