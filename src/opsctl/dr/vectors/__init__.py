"""How vectors are backed up, put back, and brought level with the truth."""
