"""Words that every room shares: errors, exit codes, findings, events, time. Standard library only."""
