"""PostgreSQL's side of disaster recovery: base backups, the archive of its write-ahead log, and points in time."""
