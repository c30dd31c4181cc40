"""How much does the service hold, and what would it take to hold more."""
