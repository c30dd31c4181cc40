"""How text becomes a vector: one Protocol, and the embedders behind it."""
