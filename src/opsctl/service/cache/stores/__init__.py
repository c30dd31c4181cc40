"""Stores of L2: LMDB, Redis or Valkey, Cloudflare KV; `open.py` picks the one of the book."""
