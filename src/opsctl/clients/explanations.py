"""What the codes of files, processes and PostgreSQL mean."""

EXPLANATIONS = {
    "FIL001": """There is no room left to write.

The disk is full, a quota is used up, or a file-size limit (`ulimit -f`) was met. Files are replaced as a whole, so
the old content is untouched and nothing is half-written; run the command again once there is room.""",
    "FIL002": """Another process holds the lock, and two at once would spoil each other's work.

The message names the process and what it does. The kernel owns the lock: it goes with the process, also after
kill -9, so a lock file that stays behind never has to be removed.""",
    "FIL003": """A file or folder cannot be read or written, for another reason than a full disk.

Mostly the owner or the mode; the message holds the system's own words.""",
    "FIL004": """A file that was named is not there, or is a folder.""",
    "FIL005": """A file is not text in the expected encoding.

The message names the first byte that does not fit. Exports from spreadsheets are often Windows-1252.""",
    "PRC001": """A process could not be started: the program is missing, not executable, or not to be reached by the
account that it should run under.""",
    "PRC002": """A process did not end, even by SIGKILL, or belongs to somebody else; it is named.

Its pid file is kept, so that `opsctl stack down` can be tried again as another user.""",
    "PRC003": """A pid file is damaged, so opsctl does not know which process it stands for and signals none.

Look for the process by its command line, end it by hand, then remove the file.""",
    "DBS001": """No database answers at this address.

The embedded one runs while `opsctl stack status` says so. For a server of your own check host, port, firewall and
TLS; `opsctl config show` prints the address that holds and who set it.""",
    "DBS002": """The database refused the password.

Passwords come from `database.password_file` or OPSCTL_DATABASE_PASSWORD, never from the address. Supabase shows the
database password only once; it can be reset in the project's database settings.""",
    "DBS003": """The server answers, but the database in the address does not exist.""",
    "DBS004": """The address of the database cannot be understood.""",
    "DBS005": """The server gave a statement up after `database.statement_timeout_seconds`.

Either the work is larger than the limit allows, or somebody holds a lock: look at pg_stat_activity.""",
    "DBS006": """The disk of the database server is full; the transaction was rolled back.""",
    "DBS007": """Every connection of the pool was in use for the whole wait, or the server went away.""",
    "DBS008": """Two transactions stood in each other's way, and PostgreSQL ended this one.

Everything of it was rolled back; the same command can be run again.""",
}
