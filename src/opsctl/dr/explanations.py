"""What the codes of backups, their verification, restores and drills mean."""

EXPLANATIONS = {
    "DRC001": """What lies in the repository under a key is not what was put there: its size or its SHA-256 differs.

A disk or a transfer has changed it, or somebody has. The manifest holds the digest that it must have. Nothing of it was
given out as whole. Other copies of the same backup, such as the one off-site, may still be good.""",
    "DRC002": """The stored bytes are those that were put, and yet the content that comes out of them is not the one that went in.

That cannot come from the repository: the backup was already wrong when it was made, mostly by bad memory of that
machine. Take another backup, and do not trust this one.""",
    "DRC003": """A manifest, or another small thing that is named by its own digest, has not the digest that its name says.

It was changed or cut short where it lies. It is not used; older ones are untouched by that.""",
    "DRC004": """A key or name does not have the form of a small sealed thing: `name@`, 64 digits, and `.zst` or `.zst.age`.

Such keys are made by opsctl; this one was typed, or belongs to something else.""",
    "DRC005": """A thing that is handled in memory as a whole is larger than any real one.

Manifests and WAL segments are small (a segment has up to 1 GiB); what is larger is kept as a file, in pieces.""",
    "DRC006": """A backup was made by an opsctl whose manifests this one does not understand.

It is not guessed at. The message says which version made it; install that one, or a newer one, to restore it.""",
    "DRC007": """A field of a manifest is missing, unknown, or holds another kind of value than it must.

The message names the field by its path. Manifests are made by opsctl only, so this one was edited or damaged; a
restore by a wrong manifest would bring back wrong data, so nothing of it is used.""",
    "DRC008": """What should be the manifest of a backup is none: it is not JSON, or is of something else.""",
    "DRC009": """A policy of retention keeps nothing, or a number in it is negative.

The newest verified backup is kept whatever the policy says, and yet a policy of nothing is surely a mistake.""",
    "DRC040": """A Qdrant cluster has nodes whose address nobody has named.

A snapshot holds what is on one node, so each needs an address of its own. On Qdrant Cloud that is the address of the
cluster with `/node-0`, `/node-1` and so on behind it.""",
    "DRC041": """The points of a collection did not come in the order of their ids, or one of them came twice.

Digests and comparisons walk along the ids, so nothing certain can be said of such a collection. It may happen while a
cluster moves shards about; then run the command again when it is at rest.""",
    "DRC042": """Each time that the aliases were looked at, one of them led to a collection that had not been there before.

A backup whose aliases lead to nothing would be of no use. Rebuilds that follow each other so closely are a mistake, or
a schedule that should keep away from that of the backup.""",
    "DRC043": """A snapshot was made by the embedded vector node and is to be restored to a Qdrant server, or the other way round.

Both keep their data in files of their own. The truth lies in PostgreSQL: build the vectors anew from it.""",
    "DRC044": """A snapshot is of another minor version of the engine than the node, or of a newer patch.

Qdrant reads snapshots of its own minor version only, and none of a patch that it does not know yet. Start the version
that made it, restore, and upgrade then.""",
    "DRC045": """The vectors of a snapshot were made by another embedding model than the settings name.

The model is noted in the collection. Vectors of two models lie in different spaces: searches would find something, and
it would mean nothing.""",
    "DRC046": """The vectors of a snapshot have another length than those that the settings make.""",
    "DRC047": """Where a collection is to be put back there is one already, or an alias has its name.

A restore goes into a fresh stack and takes the place of the old one at its end. In place it replaces every point of the
collection, which wants to be said. Through an alias nothing is ever replaced.""",
    "DRC048": """A collection came back from its snapshot and is not what the manifest says it was.

Parameters, payload indexes and, where nothing was written while the snapshot was taken, number, ids and payloads of all
points are compared. Each difference is told. A collection that was not there before was removed again.""",
    "DRC049": """An alias is to lead to a collection that is not there, or is called as a collection is.

Aliases are set all at once or not at all, so none was changed.""",
    "DRC050": """Aliases were set and lead elsewhere right afterwards: somebody else moves them.""",
    "DRC051": """After everything that differed was written again or removed, the collection still differs from the truth.

Mostly somebody writes meanwhile: the service, a synchronisation, another restore. The message names the first ids. The
comparison is by the item's last change and its time, so a point that holds the right text may still be of another
change.""",
    "DRC052": """The place that a collection has in the outbox was moved while it was brought to the truth.

Somebody follows the outbox for it, although everybody should wait. What was levelled stays; stop the other one and run
the restore again.""",
    "DRC020": """The server keeps tables outside its own data directory, in tablespaces.

A base backup is kept as one stream, and each tablespace would be another. Move the tables to `pg_default`, or take
logical backups.""",
    "DRC021": """The server, its address or the role is not fit for this kind of backup; `why` says what it lacks.

Base backups and the archiver need PostgreSQL 15 or newer, its own address and not that of a transaction pooler, the
primary, `wal_level = replica`, and a role with REPLICATION; incremental backups need 17 and `summarize_wal = on`.
Hosted Supabase gives nobody such a role: there, backups are logical.""",
    "DRC022": """A base backup or a dump is not whole: its stream breaks off, is damaged, or lacks what must be in it.

While one is made, nothing of it is kept then. While one is restored, nothing was restored; take another backup.""",
    "DRC023": """PostgreSQL's own manifest of a base backup, with the digest of every file, is damaged or another one.

It is kept beside the backup and has a digest of its own. Without it nobody can tell whether the files are right.""",
    "DRC024": """No base backup ends before the point to which you want to go.

Recovery only goes forward, from the end of a base backup. `opsctl dr list` shows them; retention decides how far back
the oldest is. Backups on a branch of time that a restore has left do not count, unless that timeline is named.""",
    "DRC025": """The archived log ends before the point to which you want to go.

What came after it was lost with the server, or was not shipped yet. `--to latest` restores to where it ends.""",
    "DRC026": """A part of the archived log is missing, and nothing behind the gap can be replayed.

Gaps come from an archiver that did not run for longer than the server keeps its log (`max_slot_wal_keep_size`). The
next base backup closes it. The message says how far a restore can go.""",
    "DRC027": """An incremental backup cannot be restored, because one that it builds on is gone or damaged.

An older backup together with the archived log leads to the same points; without `--from` it is chosen by itself.""",
    "DRC028": """The folder for a restore has something in it. A restore never writes over anything; name a new folder.""",
    "DRC029": """PostgreSQL's own check (`pg_verifybackup`, `pg_combinebackup`) refuses a base backup; its words stand in `why`.

The repository gave back what was put there, so it was wrong when it was made, or the disk here is failing.""",
    "DRC030": """A restored server did not start, failed while it replayed its log, or did not stop cleanly.

Its own words stand in `why`. Nothing was handed over: the folder can be removed, and another backup tried.""",
    "DRC031": """The recovery ended before its target, so what it brought back is not what was asked for.

For a time, the log must hold a transaction that was committed after it: otherwise nobody knows that nothing is missing.
`--to latest` restores to the end of the log, and says of when its last transaction is. A restore point of that name may
also have been made before the oldest backup that is left.""",
    "DRC032": "A dump is restored into a database with nothing in it only. Make a new one, and name that.",
    "DRC033": """Tables do not have as many rows as were counted when the backup was made, in the same snapshot.

Rows are counted exactly, and the dump was made of the same moment, so something is missing in it or was not restored.""",
    "DRC034": """Pages, tables or indexes of a restored database are damaged, by PostgreSQL's own `pg_checksums` or `pg_amcheck`.

The damage may be older than the backup: look at the running server with the same programs.""",
    "DRC035": """Two servers with the same identity and the same timeline have archived into one repository.

That comes from a copy of a server's disk that was started beside the original. A restore by opsctl begins a timeline of
its own, so it never does that. What lies before the first difference can still be restored.""",
    "DRC036": "The note of the archiver cannot be read. It writes a new one every few seconds while it runs.",
    "DRC037": """A file of the archived log is not what its name says, or is damaged: of another server or place, or too short.

It is not replayed. A later base backup does not need it.""",
    "DRC038": """A point to go to cannot be understood.

It is `latest`, a position such as `0/3000028`, a time with its zone such as `2026-11-29T12:00:00Z`, or `name:` and a
restore point.""",
    "DRC039": """There is no room for a restore. It needs the unpacked backups, what is combined of them, and the log.""",
    "DRC060": """No backup has a name that begins so, several have, or there is none yet.

`opsctl dr list` shows their names; the time alone is mostly enough.""",
    "DRC061": """The manifest that lies below the name of one backup is that of another.

Somebody has moved it. It is not used: its files are below the other name. Nothing else is touched by that.""",
    "DRC062": """The settings, books and runbooks of the project are larger together than any real ones.

They are kept in every backup, so that another region can start from it. Something else lies in one of their folders.""",
    "DRC063": """The manifest of a backup is damaged, or cannot be read, so nothing of that backup can be told or restored.

Everything hangs on the manifest: without it nobody knows which bytes are right. Another copy may be whole; the same backup
lies off-site where `offsite` is set.""",
    "DRC064": """Searches in restored collections do not find what the same searches found when the snapshots were taken.

A few searches and their answers are kept in each backup, and asked again, exactly, before a restore counts. So the vectors or the
index are not those that were saved, whatever the counts say. Nothing was handed over; the target is as it was.""",
    "DRC065": """The database that came back lacks migrations that it had when the backup was made.

The point lies before them, or the backup is of another database. Nothing was handed over; the target is as it was.""",
    "DRC067": """A restore in the place of the running stack wants the name of the project, so that nobody does it by mistake.

What is there is moved aside and kept, but readers get what was restored. `--dry-run` shows the plan first.""",
    "DRC068": """A restore into a folder writes over nothing, and there is something in it already.

Nor does it go into a file, into a name that is no UTF-8, or anywhere within the repository.""",
    "DRC069": """A logical backup (`pg_dump`) is of one moment: there is no log that leads from it to a point in time.

It is loaded into an empty database: `opsctl dr load`. Its vectors are built anew from that database.""",
    "DRC070": """There is a file in the place where a new secret key should go. It is never written over.

A backup can be opened with the key that it was made for and with no other; with the key it would be lost for good.""",
    "DRC071": """The off-site copy was asked for, and `offsite` in ops/backup.yaml names none.

Without one, whatever takes the repository takes every backup: a disk, a fire, a stolen account.""",
    "DRC072": """Two kinds of backup were asked for at once; each backup is of one.""",
    "DRC073": """An incremental backup was asked for, and there is nothing to build on, or what there is must not be built on.

It needs the one before it, PostgreSQL's own manifest of that one on this machine, and a full one that is younger than
`schedule.full_every`. Without an option opsctl makes a full one then by itself.""",
    "DRC074": """Old backups are not removed as long as a manifest cannot be read: nobody knows what that backup needs.

Give the key (`encryption.identity_file`, or `OPSCTL_BACKUP_IDENTITY`), or look what has damaged it: `opsctl dr verify --all`.""",
    "DRC075": """A drill has nothing to do: its loss has no runbook, or nothing stands below Mitigation there.

A drill loses something for real and then runs the commands of `recover_NAME.md`, as somebody would at night, and nothing else. So what
is proven is the runbook. `opsctl runbooks lint` finds losses without one.""",
    "DRC076": """The drill wanted to destroy everything in the middle of a backup, and the backup did not begin.

So nothing was destroyed, and the drill says nothing.""",
    "DRC077": """There is no such loss: each is a book in `ops/recoveries`, and `opsctl dr scenarios` lists them.""",
    "DRC078": """Vectors alone can only come back beside the database that they have to agree with.

In a new folder there is none. `--into live` puts them beside the one that runs; without `--only` both stores are restored.""",
    "DRC079": """No drill of a loss was held yet, or none in a run of this name. `opsctl dr drill` holds one.""",
    "DRC084": """What a backup keeps of the project's settings and books cannot be unpacked.

Its bytes are those that were put there, so it was wrong when it was made, or something in it would lead out of the folder.""",
    "DRC085": """Every backup was found bad by its last verification, or was left out by `--without`.

Look what they say (`opsctl dr verify --all --stored-only`), and whether the off-site copy is better (`--offsite`). With `--backup NAME` one is
tried all the same; a restore that comes to an end has been proven, whatever was said of it before.""",
    "DRC080": """A file is no journal of drills: it is not JSON, cut short, holds a key twice, or is of something else.

`opsctl dr drill` writes one for each run. It is written as a whole or not at all, so what is cut short was copied badly.""",
    "DRC081": """A journal of drills was written by an opsctl whose journals this one does not understand.

It is not guessed at. Use the opsctl that held the drills, or hold them again.""",
    "DRC082": """A field of a journal of drills is missing, unknown, or holds another kind of value than it must.

The message names it by its path. Journals are written by opsctl only, so this one was edited or damaged; figures of
which one is wrong are worth nothing, so none of it is shown.""",
    "DRC083": """A journal of drills says what no drill can leave behind: stages out of order, or a pass with reasons against it.

It was edited. The evidence ledger holds the figures of each drill, too: `opsctl evidence list --kind dr.drill`.""",
    "DRC087": """A backup that copies the files of a server cannot be loaded into a database that runs.

It is put together and started: `opsctl dr restore`. Only a logical one (`opsctl dr backup --logical`) is loaded.""",
    "DRC088": """A logical backup has no roles: the role that made it may not read them, as on hosted servers.

With `--no-owners` everything belongs to whoever loads it; grants and policies are left out, so look at row level security afterwards.""",
    "DRC089": """A logical backup cannot be tried on this machine, because its database needs what PostgreSQL here does not have.

Mostly it is an extension. Its stored bytes were hashed all the same; try it on a server that has what is missing.""",
    "DRC090": """There is a file in the place where the roles should go. It is never written over.""",
}
