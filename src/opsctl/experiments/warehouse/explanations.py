"""What do the codes EXP050-EXP079 mean."""

EXPLANATIONS: dict[str, str] = {
    "EXP050": """A look at an experiment was asked for at a moment that makes no sense.

It lies before the start or, of an experiment for readers, in the future; it has no time zone, several moments do not rise,
or the experiment ends before it starts. A look at a future horizon, taken today, would be a verdict before its time.""",
    "EXP051": """Analysis of Parquet files needs libraries that are not installed: DuckDB and pyarrow.

They come with `pip install 'opsctl[experiments]'`. Without them an experiment can be analysed in the database.""",
    "EXP052": """There are no Parquet files where exposures or events were looked for.

A history is a folder with `exposures/` and `events/`; below, files may lie in any folders. Names that begin with a dot or
an underscore are somebody's unfinished work and are not read.""",
    "EXP053": """A Parquet file is empty, cut short, damaged, or no Parquet file at all.

Nothing is analysed without it: what is missing would count as nothing. Remove it, or bring it again.""",
    "EXP054": """A Parquet file is not what a history holds.

Exposures have the columns experiment, unit_id (text or whole number), variant, exposed_at (timestamp) and, where the book
has dimensions, attributes (a JSON object as text, or a map); events have event, unit_id, value (a number) and observed_at.
A timestamp without a zone is taken as UTC. All files have their columns alike.""",
    "EXP055": """The memory that DuckDB may take does not do for this analysis.

It moves what it can into temporary files, but some state per thread has to stay. Allow more memory, or fewer threads.""",
    "EXP056": """There is no room on disk for the temporary files of an analysis.

They hold what does not fit into memory, and go when the analysis ends.""",
    "EXP057": """The exported files do not reach as far as the moment of the look.

What came after the last export is in no file and would count as nothing, so that windows would seem to be over without a
single event. Export again, or look at the moment until which the files are complete.""",
    "EXP058": """The values of a metric, or their squares, add up to more than the largest number there is.

A sum of squares is needed for every interval. Look for values that cannot be right, or cap the metric by `winsorise`.""",
    "EXP059": """The database lacks the tables of experiments.

It is another database than the service's, or its migrations have not been applied.""",
    "EXP060": """The database role may not read the tables of experiments, or only some of their rows.

Row-level security is on for all tables. A role that it applies to would see fewer units than there are, and the analysis
would look right. So every row is asked for, or nothing: take the tables' owner, or a role with `bypassrls` and `select`.""",
    "EXP065": """Attributes of exposures are no JSON, so units cannot be told apart by a dimension.

The column `attributes` holds a JSON object of texts, such as `{"segment": "heavy"}`, or is a map.""",
    "EXP066": """A metric was asked for that the experiment's book does not have.""",
    "EXP070": """Rows may still appear behind the place where an export would end, so it waited, and gave up.

Ids are given out before a transaction ends. A transaction that was open when the export began is still open; once it has
ended, run the export again. `select pid, xact_start, query from pg_stat_activity` shows it.""",
    "EXP071": """The exported files hold rows that the database does not have yet.

They come from another database, or this one was restored to an earlier time. New rows would get ids that the export
believes to have written. Export into an empty folder.""",
    "EXP073": """An export was asked of a replica.

Ids are given out before transactions end, so an export has to wait for those that are open, and only the primary knows
them. Analysis itself may read a replica.""",
    "EXP072": """The file that says how far an export has come cannot be read.

It lies beside the exported files, as `export.json`. Restore it, or export into an empty folder.""",
}
