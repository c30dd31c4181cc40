"""A marketplace whose truth is known: readers, vendors, what they choose, and what each policy would have brought."""
