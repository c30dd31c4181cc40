"""Who chooses what is shown and learns from what came of it, and what a log says of a policy that did not make it."""
