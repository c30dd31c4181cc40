"""From sufficient statistics to a verdict: one analysis of one experiment, the same figures whoever makes it again."""
