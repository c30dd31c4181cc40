"""One site of pages from the evidence ledger and the stored runs: whoever reads it needs neither opsctl nor a network."""
