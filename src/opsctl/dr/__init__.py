"""Disaster recovery: backups of both stores, proof that they restore, and drills that lose everything for real."""
