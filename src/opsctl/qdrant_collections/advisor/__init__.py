"""Is a derived collection worth it: every way to answer a hot filter measured, and advice that follows from it."""
