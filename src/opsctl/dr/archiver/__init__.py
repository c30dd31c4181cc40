"""The archiver: a process that receives the write-ahead log as it is written and keeps it in the repository."""
