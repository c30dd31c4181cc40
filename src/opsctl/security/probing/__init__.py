"""What the checks that probe a running service share: how it is asked, and what it says that it can do."""
