"""What do numbers say: estimates, tests, intervals and plans from sufficient statistics alone."""
