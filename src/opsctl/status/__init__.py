"""How is the service right now: golden signals from two looks at its own metrics."""
