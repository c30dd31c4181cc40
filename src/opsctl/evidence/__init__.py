"""What was proven, by whom, from what, and for how long it counts: the ledger that the checklist reads."""
