"""Checks of security, one file each, named after its code; `security.registry` lists them."""
