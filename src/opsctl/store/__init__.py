"""What the relational truth looks like: migrations, repositories and the outbox."""
