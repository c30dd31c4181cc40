"""The fault proxy: stands between two parts of a stack and spoils the line between them, for a time that always ends."""
