"""What does each BEN code mean, and what helps: the pages of `opsctl explain`."""

EXPLANATIONS: dict[str, str] = {
    "BEN001": (
        "A collection that was to be measured is not green and idle. While an optimizer works, searches take many"
        " times longer, so a comparison would say something about the moment and not about the collection. Nothing"
        " was measured. Wait until `opsctl collections status` shows green, then run the command again."
    ),
    "BEN002": (
        "A collection changed while it was measured: points came or went, its parameters were changed, or its"
        " optimizer began to work. The two halves of the run then measure two different things. Stop the writers"
        " and run the command again."
    ),
    "BEN003": (
        "The same search, measured twice in turns, differs from itself by more than the noise floor (5 % unless"
        " `--noise-floor` says otherwise). No comparison from this run can be trusted. End other work on the machine"
        " or measure from a quieter one."
    ),
    "BEN004": (
        "The measuring process did not get the CPU it asked for: between blocks it spins for a third of a"
        " millisecond and compares CPU time with wall time. A starved client stretches client times. End other work,"
        " or accept it with `--allow-noise`, which turns BEN003 and BEN004 into warnings."
    ),
    "BEN005": (
        "Not one query has an answer: no point passes the filter, or the collection is empty. Recall and latency of"
        " empty answers mean nothing. Check field names and values of the filter against the payload."
    ),
    "BEN006": "No stored run has this id, or its file cannot be read. `opsctl bench list` shows what is there.",
    "BEN007": (
        "A run that was itself invalid (noisy, starved, changed during the run) is not compared with anything."
        " Measure again."
    ),
    "BEN008": (
        "The two runs were made on different machines, engine versions, data, parameters or queries. A difference"
        " between them cannot be put down to one cause. `--anyway` compares them nevertheless and says what differs."
    ),
    "BEN009": (
        "There is nothing to measure: the name is not in the book, or its collection has not been built yet."
        " `opsctl collections rebuild NAME` builds it."
    ),
    "BEN010": "The source holds too few points to draw queries from. Fill it first: `opsctl catalog generate`.",
    "BEN011": (
        "A query log has bad lines. Every line is a JSON object with either `vector` (finite numbers) or `text`, and"
        " optionally `filter`, written as in the book of collections."
    ),
    "BEN012": (
        "The vectors of a query log do not fit the collection: another dimension, or texts that nothing can embed."
        " Use the embedding model that the collection was made with."
    ),
    "BEN013": (
        "Scratch collections could not be removed. They cost memory until they are deleted; the message names them,"
        " and the next run removes them first."
    ),
    "BEN014": "A duration is a row of numbers with units: `250ms`, `30s`, `5m`, `1h30m`.",
    "BEN015": (
        "No payload field of the source can be filtered by: no text repeats, and there are no numbers. Fill the"
        " source with payloads, or measure with vectors alone."
    ),
}
