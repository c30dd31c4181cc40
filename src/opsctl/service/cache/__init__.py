"""Cache tiers: L1 in the process, L2 a key-value store, one policy book."""
