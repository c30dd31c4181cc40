"""What the codes of migrations mean."""

EXPLANATIONS = {
    "MIG001": """A migration's file name is wrong, or two share one version.

Names are those of the Supabase CLI: `<YYYYMMDDHHMMSS>_what_it_does.sql`.""",
    "MIG002": """A migration was changed after it had been applied.

The database would no longer be what its migrations say. Put the file back and write the change as a new
migration. In an embedded stack that holds nothing of value, remove `.opsctl/stack` and begin anew.""",
    "MIG003": """The database was migrated by a newer opsctl than this one.""",
    "MIG004": """A migration failed; it was rolled back as a whole, and those before it stay applied.""",
}
