"""Which local processes make up the embedded stack, and how they are started, watched and stopped."""
