"""Where the items come from: a seeded generator, imports of real files, and their way into the vectors."""
