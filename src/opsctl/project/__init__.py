"""Is this project set up: the starter files, and what a machine lacks."""
