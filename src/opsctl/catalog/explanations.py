"""What the codes of the catalogue and of its outbox mean, for `opsctl explain`."""

EXPLANATIONS: dict[str, str] = {
    "CAT001": "The mapping names a column that the file does not have. Nothing was imported: a wrong name would "
    "otherwise turn every row into a reject. Correct the mapping, or the header of the file.",
    "CAT002": "The file holds no rows: it is empty, or has a header and nothing else.",
    "CAT003": "The file as a whole cannot be read: its header is broken, it is UTF-16, or it is not Parquet.",
    "CAT004": "Reading Parquet needs the extra: pip install 'opsctl[parquet]'.",
    "CAT005": "The ending of the file name does not say whether it is CSV, JSONL or Parquet; the mapping can say so "
    "by `format`.",
    "CAT006": "Two imports of the same file with the same mapping ran at once. The record of progress moves by "
    "compare-and-set in the same transaction as the rows, so one of the two was rolled back and nothing is lost.",
    "CAT007": "A share is written as a percentage, `5%`, or as a number between 0 and 1.",
    "CAT008": "More rows were rejected than --max-rejects allows. The good rows were imported and stay. Every bad row "
    "stands in the rejects file with its line and its reason; mend the file and import it again.",
    "CAT009": "There is no such mapping: neither a file of that name nor one of the shipped mappings.",
    "CAT010": "The number of items to generate must be at least 1.",
    "CAT011": "The file was replaced, cut or still written while it was read. Rows read up to then were those of the "
    "file as it was and stay; the import is not called finished, and the next one takes the file as it then is.",
    "CAT012": "Simulated readers were asked for, but there is no published item that they could have looked at.",
    "OUT001": "Two synchronisations of one collection would overtake each other: the lock is an advisory lock in "
    "PostgreSQL, freed by the server when its holder ends or is killed.",
    "OUT002": "The collection was filled by another embedding model than the settings name now. Vectors of two models "
    "must not be mixed. Set `embedding` back, or build the collection anew with --from-scratch.",
    "OUT003": "The vectors of the collection are longer or shorter than those of the embedder.",
    "OUT004": "A collection of that name exists, holds points, and was not made by opsctl; it is left alone.",
    "OUT005": "The collection has followed the outbox further than the database's outbox goes: this is another "
    "database, or it was restored from a backup. Points that the database does not know would stay for ever, so "
    "the collection has to be built anew with --from-scratch.",
    "OUT006": "All points are written, but the collection's optimizer failed or took longer than half an hour.",
}
