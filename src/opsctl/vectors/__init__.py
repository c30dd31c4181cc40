"""Words that every user of the vector search shares: filters, strategies, recall and measured queries."""
