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
    "FIL004": """A file that was named is not there, or is a folder, a pipe, a socket or a device.

What is no file may never end, or never begin: a pipe is read only where the shell has opened it, as `<(command)`.""",
    "FIL005": """A file is not text in the expected encoding.

The message names the first byte that does not fit. Exports from spreadsheets are often Windows-1252.""",
    "FIL006": """A file is larger than any real one of its kind, so it is not read into memory.

Books and runbooks may have 2 MiB; what is larger is some other file by mistake.""",
    "FIL007": """A folder was named into which is not rendered: it holds the project, its books, or files of somebody else.

A render replaces files, and removes those that it no longer makes. So it takes a folder that is empty, or one in which
an earlier render of the same kind has left its `lock.json`; of other files in there it touches none.""",
    "FIL008": """The `lock.json` in a rendered folder does not say which files a render has made.

Mostly a merge that was left half-way. Restore it from git; if everything in the folder was rendered, remove the folder
and render again.""",
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
    "SUP001": "A command was told to use Supabase, but `supabase.url` is not set. It is the project's address, such as "
    "https://project.supabase.co, as the dashboard shows it under Data API; without `/rest/v1`.",
    "SUP002": """There is no key for the Supabase project.

Keys never stand in opsctl.yaml. Write the secret key (`sb_secret_...`, or the older `service_role` token) into a file
of mode 600 named by `supabase.key_file`, or set OPSCTL_SUPABASE_KEY.""",
    "SUP003": "The extra is not installed: pip install 'opsctl[supabase]'.",
    "SUP004": """Nobody answers at `supabase.url`.

Free projects are paused after a week without use; the dashboard wakes them up. Otherwise check name, network, TLS.""",
    "SUP005": """The project does not accept the key, or the key's role has no right to what was asked.

A key belongs to one project; it may have been rotated. Catalogue and artefacts need the secret key, because the
publishable one (`anon`) sees only what row level security and its policies let everybody see.""",
    "SUP006": """Something answers at `supabase.url`, but not as Supabase does.

Mostly another service, a proxy with a login page, or an address that ends in `/rest/v1`.""",
    "SUP007": """There is no such table, view, column or schema in what the project's Data API shows.

Schemas beside `public` have to be exposed in the dashboard; a table that was just made shows after a moment, when
PostgREST has read the schema again (`notify pgrst, 'reload schema'`).""",
    "SUP008": """The project did not answer within `supabase.timeout_seconds`, or gave the statement up by its own limit.

Tables are read in the order of the column that the mapping calls `id`; without an index on it every page sorts all.""",
    "SUP009": "There is no bucket of the name `supabase.bucket`, or the key may not see it. opsctl makes no buckets: "
    "make a private one in the dashboard.",
    "SUP010": "The object is not in the bucket: somebody removed it after it was listed.",
    "SUP011": "The file is larger than the bucket or the project allows. The limit is set in the dashboard under "
    "Storage; opsctl itself has none, it streams.",
    "SUP012": "The project refused or failed for a reason that stands in the message, in the server's own words.",
    "SUP013": """The table shows no rows, so there is nothing to import, and nothing was changed.

With a secret key it is really empty. With a publishable key, row level security may hide every row: PostgREST then
answers with an empty list and not with an error.""",
    "SUP014": """The column that the mapping calls `id` cannot order the rows of the table.

Pages follow each other by that column, so it has to be there in every row, to be unique, and to have an exact value
(a whole number, a text, a UUID, a time). The primary key is all that.""",
    "ART001": "The name of an artefact becomes the name of a file and of an object, so it holds letters, digits, dots, "
    "hyphens and underscores only; no slashes, no blanks, no `..`.",
    "ART002": "No artefact has this name, or none of this name has a digest that begins so.",
    "ART003": """The bytes that came back are not those that were put: their SHA-256 differs, or they broke off.

The digest is part of the name under which an artefact is kept, so it cannot get lost. Nothing was written.""",
    "ART004": "The file was written by somebody while it was stored, so its digest no longer fits; nothing was kept.",
    "ART005": "A file is there already and has another content; opsctl does not overwrite it.",
    "PRM001": """Prometheus does not answer at its address.

It is that of the stack (`opsctl stack up --watch` starts it), or `watch.prometheus_url`.""",
    "PRM002": """Prometheus answers, and refuses the expression: it does not parse, or asks for too much.

The message of Prometheus stands in `why`.""",
    "ALM001": """Alertmanager does not answer at its address, or refuses what it was asked.

It is that of the stack (`opsctl stack up --watch` starts it), or `watch.alertmanager_url`.""",
    "SNK001": """The sink does not answer, which takes the messages of alerts in the place of pagers and mailboxes.

It is a part of the stack: `opsctl stack up --watch` starts it, `opsctl stack logs sink` shows what it said.""",
    "TOL001": """promtool or amtool cannot be run, which test rules and routes for real.

They come with Debian's packages `prometheus` and `prometheus-alertmanager`, and with every release of both.""",
}
