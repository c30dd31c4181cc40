"""Where are things inside the containers, and what are the parts called: said once for compose and for Kubernetes."""

ROOT = "/srv/opsctl"
"""The project folder in a container: `opsctl.yaml` and books, read only."""
STATE = "/var/lib/opsctl"
"""What opsctl writes: evidence, spool of the archiver, files that the workers share."""
BACKUPS = "/var/lib/opsctl-backups"
"""The repository of backups, where the book names a folder."""
SECRETS = "/run/secrets"
"""Each secret is a file here."""
USER = 10001
"""Whom opsctl runs as."""
PORT = 8000
EXPORTER_PORT = 9464
POOLER_PORT = 6432
QDRANT_PORT = 6333
CACHE_PORT = 6379

S3_SECRETS = ("backup_access_key", "backup_secret_key")
"""Of the bucket of backups, where the book names one."""
