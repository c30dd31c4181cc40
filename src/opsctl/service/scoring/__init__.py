"""How a language model scores items in batches."""
