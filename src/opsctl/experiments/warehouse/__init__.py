"""Where the events lie and how they become sufficient statistics: the same SQL for PostgreSQL and for Parquet files."""
