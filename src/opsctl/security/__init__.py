"""Is the service safe: checks with three answers, and the keys' age."""
