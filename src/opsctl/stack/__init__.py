"""The embedded stack: a real PostgreSQL and a real vector engine as processes of this project."""
