"""Runbooks: what to do about each alert, checked, and run step by step."""
