"""How candidates become a feed: agents, exploration, diversity; pure, the same seed and state give the same slate."""
