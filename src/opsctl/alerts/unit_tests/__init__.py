"""Unit tests of rules for promtool, made from the same declarations as the rules: series in, alerts out."""
