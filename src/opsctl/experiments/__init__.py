"""Experiments whose statistics are certified: assignment, tracking, analysis, verdicts, and a simulator that knows the truth."""
