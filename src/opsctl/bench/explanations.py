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
    "BEN016": (
        "Nothing was measured: none of the filters that the data allows lets a share of points pass that is near to one of"
        " those wanted. The command ends with 5. Fill the source with more, and more varied, payloads."
    ),
    "BEN020": (
        "A process that was to send requests could not begin: it ran out of memory or files, or reading the book, a log"
        " or a schema failed in it. Its last words are shown. Nothing was sent."
    ),
    "BEN021": (
        "Not one connection to the target could be made, so nothing was sent. Start the service (`opsctl serve`,"
        " `opsctl stack up`), or correct the address."
    ),
    "BEN022": (
        "The target answers, but its certificate is not trusted, or it does not speak TLS. Name the certificate that"
        " signed it as `ca_file` in the book; checks cannot be turned off."
    ),
    "BEN065": (
        "Two runs were named that have nothing to say about each other: one of a load and one of latencies, or twice"
        " the same run. `opsctl bench list` shows the kind and the subject of each."
    ),
    "BEN066": (
        "A baseline is a name, such as `main`, for one stored run. This one is not set, its run was removed, or the"
        " word cannot be a name: small letters, digits and `_.-`, a letter first, not `latest` or `previous`."
        " `opsctl bench baseline set NAME RUN` sets one, `opsctl bench baseline list` shows all."
    ),
    "BEN067": "The file of a baseline is damaged. Setting the baseline anew replaces it.",
    "BEN068": (
        "Loads are compared second by second, and this run keeps no histogram of each second, so nothing can be said"
        " about how sure a difference would be. Measure again with this version."
    ),
    "BEN030": (
        "A gate is a metric, an operator and a limit: `p99 < 500ms`, `mean <= 20ms`, `max < 2s`, `error_rate < 0.1%`,"
        " `hit_ratio > 80%`, `hit_ratio.L2 > 50%`, `recall >= 0.95`, `rate >= 9900/s`, `goodput > 9000/s`, `drops < 1`."
        " Before a time may stand an endpoint (`feed.p99`), a tier (`L1.p99`) or a clock (`service.p99`,"
        " `queue_wait.p99`). A gate passes only where the whole interval of the measured value is on its right side."
        " `rate` and `goodput` are those of the phase for which most requests are planned."
    ),
    "BEN031": (
        "A log to replay has bad lines, each of which is named. Lines are JSON objects with `at_seconds`, `method`,"
        " `path` and optionally `body`, lines of the service's own log, or lines in the Common Log Format."
    ),
    "BEN032": (
        "A check of the book names a JSON Schema that is not there, is none, or cannot be used because the extra"
        " `opsctl[load]` is not installed. `schema_file` is looked for beside the book; references to other places of"
        " the net are not followed."
    ),
    "BEN033": (
        "A load goes to this machine only, so that a wrong address floods nobody else. `--target-allow HOST` names"
        " another host on purpose."
    ),
    "BEN034": (
        "Nothing can be sent: the service of the project does not answer, or the target is not an address. See"
        " `opsctl stack status`, or name a target: `--target http://127.0.0.1:8000`."
    ),
    "BEN035": (
        "The sender itself was late: requests started later than planned although a connection was free. Latencies are"
        " counted from the planned moment and would blame the service. Give the sender more `processes`, a lower"
        " rate or a machine of its own; `validity.lag_share` says how much is allowed."
    ),
    "BEN036": (
        "Fewer requests were sent than planned (`validity.achieved_share`). What was measured is a lower load than the"
        " one that was asked for. The finding says whether the service kept all connections busy or the sender was too"
        " slow. `opsctl bench capacity` finds the rate that holds."
    ),
    "BEN037": (
        "So many requests waited for a connection that some were never sent (`limits.most_waiting`). Those that were"
        " dropped have no latency, so every percentile is too good."
    ),
    "BEN038": (
        "The sending processes waited for a CPU for a part of the time, because something else ran on it"
        " (`validity.starved_share`). Many short waits are usual where sender and service share cores, and change nothing:"
        " then it is a warning. It makes the run invalid where the p99 of the sender's lag is above 1 % of the objective, or"
        " the waits took more than half of the time. Send from another machine, or end other work."
    ),
    "BEN039": (
        "The cache was filling or emptying while it was measured: L1 answered another share of the requests in the last"
        " third of the run than in the first. Such a run measures a moment of change. Warm up longer, or say"
        " `validity: {cache: any}` where a cold cache is what is to be measured."
    ),
    "BEN040": (
        "More than one in a hundred requests of the warm-up went wrong. The service is broken, or the book asks for"
        " what it does not have. Look at its log: `opsctl stack logs service`."
    ),
    "BEN041": (
        "A vector collection behind the service was not at rest, or changed while it was measured: an optimizer at work"
        " makes searches many times slower. Wait until `opsctl collections status` shows green."
    ),
    "BEN042": "A sending process ended before its time, or nothing could be sent; what is left is not the load of the plan.",
    "BEN043": (
        "The run holds too few requests for a percentile that a gate asks for, so that gate is inconclusive: p99 needs"
        " 368 requests, p99.9 needs 3,688, and more where slow ones come in bursts. Run it for longer."
    ),
    "BEN044": (
        "Recall cannot be measured: the book asks for a `shadow`, or a gate for `recall`, and the load does not go to"
        " the service of this project, whose vectors would have to be searched."
    ),
    "BEN045": "No load has this name: neither `ops/loads/NAME.yaml` of the project nor a shipped one, nor a file.",
    "BEN046": "A rate, duration or speed on the command line does not fit the book: see the message for the bounds.",
    "BEN069": (
        "Two services were loaded in turns, and more than a quarter of the rounds said nothing, because the sender was"
        " late or starved. A round counts only as a whole. End other work on the machine, or send less."
    ),
    "BEN070": (
        "The capacity is the highest rate at which the gates hold, and this load has none that could be missed. Gates"
        " on the rate itself and on recall do not count here. Write latency and error gates into its book."
    ),
    "BEN071": (
        "The Universal Scalability Law has three parameters; through one or two measured worker counts passes any"
        " number of such curves. Measure three or more: `opsctl bench capacity --workers 1,2,4`."
    ),
    "BEN050": (
        "Loads are sent with Locust only where it is installed, and it is not: `pip install 'opsctl[locust]'`. The"
        " engine `opsctl` needs nothing of it and sends the same book."
    ),
    "BEN051": (
        "Locust's process ended before the load was over. Its last words stand in the message: mostly an error in the"
        " locustfile, a port in use, or workers that never came."
    ),
    "BEN052": "There is no such locustfile, or it is no Python file.",
    "BEN053": (
        "Options for Locust were given that do not go together: `--users` and `--spawn-rate` say how many users of a"
        " plain locustfile run, and workers on other machines are counted by `--expect-workers`, not by `--processes`."
    ),
    "BEN072": "A length of time on the command line is too short, or too long, for what is to be measured with it.",
    "BEN073": (
        "`--workers 1,2,4` restarts the service of the embedded stack with one, two and four workers. Each is a whole"
        " number from 1 to 64, and a service that runs elsewhere is left alone."
    ),
    "BEN074": (
        "The service was started with another number of workers and did not become ready. The log that is named says"
        " why; the stack's own service is started again in any case."
    ),
}
