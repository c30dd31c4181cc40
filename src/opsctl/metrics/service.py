"""Every metric of the service, declared once; `opsctl metrics list` prints this contract."""

from opsctl.metrics.model import Merging, Metric, MetricType

# Prometheus' default buckets are too coarse for ranking; every bound that an objective names must be a bucket.
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0)
FAST_SECONDS = (0.00005, 0.0001, 0.00025, 0.0005, *SECONDS)
SCORES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
BATCH_SIZES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)

ROUTES = ("feed", "interactions", "content", "trending", "health", "ready", "metrics", "docs", "other")
STATUS_CLASSES = ("2xx", "3xx", "4xx", "5xx")
CACHE_OUTCOMES = ("hit", "miss", "stale", "negative", "poisoned", "error")
SEGMENTS = ("cold", "light", "regular", "heavy")
TIERS = ("multi_agent", "simple", "trending")
LEVELS = ("debug", "info", "warning", "error")
LOG_EVENTS = ("request", "feed_generated", "message")


def _counter(name: str, unit: str, help: str, **labels: tuple[str, ...]) -> Metric:  # noqa: A002 - Prometheus' word
    return Metric(name=f"ranking_{name}", type=MetricType.COUNTER, unit=unit, help=help, labels=labels)


def _gauge(name: str, unit: str, help: str, merging: Merging, **labels: tuple[str, ...]) -> Metric:  # noqa: A002
    return Metric(
        name=f"ranking_{name}", type=MetricType.GAUGE, unit=unit, help=help, labels=labels, merging=merging
    )


def _histogram(
    name: str,
    unit: str,
    help: str,  # noqa: A002
    buckets: tuple[float, ...],
    **labels: tuple[str, ...],
) -> Metric:
    return Metric(
        name=f"ranking_{name}",
        type=MetricType.HISTOGRAM,
        unit=unit,
        help=help,
        labels=labels,
        buckets=buckets,
    )


# The edge.
REQUESTS = _counter(
    "requests_total",
    "requests",
    "Requests answered, by route and status class.",
    route=ROUTES,
    status=STATUS_CLASSES,
)
REQUEST_SECONDS = _histogram(
    "request_duration_seconds",
    "seconds",
    "Time from the first byte in to the last byte out.",
    FAST_SECONDS,
    route=ROUTES,
)
REQUESTS_IN_FLIGHT = _gauge("requests_in_flight", "requests", "Requests being answered now.", Merging.SUM)
REFUSED = _counter(
    "refused_total",
    "requests",
    "Requests refused at the edge, by reason.",
    reason=(
        "no_key",
        "wrong_key",
        "revoked_key",
        "expired_key",
        "scope",
        "rate_limit",
        "too_large",
        "malformed",
        "too_slow",
    ),
)
RATE_LIMIT_EVICTIONS = _counter(
    "rate_limit_evictions_total",
    "cells",
    "Users whose used allowance was forgotten for want of room; above 0 the limit lets more through.",
)
RATE_LIMIT_UNLOCKED = _counter(
    "rate_limit_unlocked_total",
    "requests",
    "Requests counted without the lock of the rate limit, because its holder was stopped.",
)
EMPTY_FEEDS = _counter(
    "empty_feeds_total", "feeds", "Feeds answered without a single item, which is a failure."
)

# Caches.
CACHE_LOOKUPS = _counter(
    "cache_lookups_total",
    "lookups",
    "Lookups by tier, kind of entry and outcome.",
    tier=("l1", "l2"),
    kind=(),
    outcome=CACHE_OUTCOMES,
)
CACHE_EVICTIONS = _counter(
    "cache_evictions_total", "entries", "Entries dropped for want of room.", tier=("l1", "l2"), kind=()
)
CACHE_INVALIDATIONS = _counter(
    "cache_invalidations_total",
    "entries",
    "Entries dropped because what they say has changed.",
    tier=("l1", "l2"),
    kind=(),
)
CACHE_BYTES = _gauge(
    "cache_bytes", "bytes", "Bytes held, keys and index included.", Merging.SUM, tier=("l1", "l2"), kind=()
)
CACHE_ENTRIES = _gauge("cache_entries", "entries", "Entries held.", Merging.SUM, tier=("l1", "l2"), kind=())
CACHE_REBUILDS = _counter(
    "cache_rebuilds_total", "rebuilds", "L2 stores made anew because their file was damaged."
)

# Vectors and database.
VECTOR_SEARCH_SECONDS = _histogram(
    "vector_search_duration_seconds",
    "seconds",
    "One search, seen by the client.",
    SECONDS,
    path=("derived", "filtered"),
)
VECTOR_ERRORS = _counter(
    "vector_errors_total", "searches", "Searches that failed.", path=("derived", "filtered")
)
POOL_CONNECTIONS = _gauge(
    "pool_connections", "connections", "Connections of the pool.", Merging.SUM, state=("idle", "busy")
)
POOL_WAITING = _gauge("pool_waiting", "requests", "Requests that wait for a connection.", Merging.SUM)
POOL_WAIT_SECONDS = _histogram("pool_wait_seconds", "seconds", "Time until a connection was free.", SECONDS)
QUERY_SECONDS = _histogram(
    "database_query_duration_seconds", "seconds", "One round of the database.", SECONDS, query=()
)

# Feeds.
FEEDS = _counter(
    "feeds_total",
    "feeds",
    "Feeds built (not those answered from L1), by tier and segment.",
    tier=TIERS,
    segment=SEGMENTS,
)
FEEDS_DEGRADED = _counter(
    "feeds_degraded_total",
    "feeds",
    "Feeds of a lower tier, by why: a dependency, or what was wrong; `exercise` where nothing was.",
    tier=TIERS[1:],
    reason=("vectors", "database", "model", "l2", "overload", "deadline", "empty", "defect", "exercise"),
)
FEED_GENERATION_SECONDS = _histogram(
    "feed_generation_duration_seconds",
    "seconds",
    "Making one feed that was not in L1, also one that failed, was refused or came too late.",
    FAST_SECONDS,
)
STAGE_SECONDS = _histogram(
    "stage_duration_seconds",
    "seconds",
    "Stages of building a feed.",
    FAST_SECONDS,
    stage=("reader", "retrieve", "content", "score", "rank", "log"),
)
FEED_QUALITY = _histogram("feed_quality_ratio", "ratio", "Mean quality of the items of a feed.", SCORES)

# Agents, exploration, policy.
AGENT_SCORE = _histogram(
    "agent_score_ratio", "ratio", "Scores that an agent gave to what was shown.", SCORES, agent=()
)
AGENT_SECONDS = _histogram(
    "agent_duration_seconds", "seconds", "One agent scoring one batch of candidates.", FAST_SECONDS, agent=()
)
EXPLORED = _counter("explored_items_total", "items", "Items shown for exploration.", arm=())
SHOWN = _counter("shown_items_total", "items", "Items shown in feeds that were built.")
THOMPSON_PLAYS = _counter("thompson_plays_total", "plays", "Plays of an exploration arm.", arm=())
THOMPSON_P_BEST = _gauge(
    "thompson_p_best_ratio", "ratio", "Probability that the arm is the best one.", Merging.NEWEST, arm=()
)
THOMPSON_MEAN = _gauge("thompson_mean_ratio", "ratio", "Posterior mean of the arm.", Merging.NEWEST, arm=())
THOMPSON_ENTROPY = _gauge(
    "thompson_entropy_nats", "nats", "Entropy of P(best); 0 is decided.", Merging.NEWEST
)
THOMPSON_VALUE_REMAINING = _gauge(
    "thompson_value_remaining_ratio",
    "ratio",
    "95th percentile of what a better arm could still bring.",
    Merging.NEWEST,
)
THOMPSON_PENDING = _gauge(
    "thompson_pending", "decisions", "Decisions whose reward window is still open.", Merging.NEWEST
)
POLICY_VARIANCE = _gauge(
    "policy_variance", "ratio", "Trace of the covariance of the agents' weights.", Merging.NEWEST
)
POLICY_WEIGHT = _gauge("policy_weight_ratio", "ratio", "Mean weight of an agent.", Merging.NEWEST, agent=())
POLICY_UPDATES = _counter(
    "policy_updates_total", "updates", "Updates of the policy.", outcome=("applied", "no_signal")
)

# The scoring model.
MODEL_CALLS = _counter(
    "model_calls_total", "calls", "Calls of the scoring model.", outcome=("ok", "error", "invalid")
)
MODEL_SECONDS = _histogram(
    "model_call_duration_seconds", "seconds", "One call of the scoring model.", SECONDS
)
MODEL_BATCH_ITEMS = _histogram("model_batch_items", "items", "Items in one call.", BATCH_SIZES)
MODEL_QUEUE_SECONDS = _histogram(
    "model_queue_seconds", "seconds", "Time an item waited for its batch.", FAST_SECONDS
)
MODEL_ITEMS = _counter(
    "model_items_total",
    "items",
    "Items to be scored, by what came of it; what waited too long or found the queue full was dropped, not sent.",
    outcome=("scored", "missing", "invalid", "error", "dropped"),
)
MODEL_TOKENS = _counter(
    "model_tokens_total", "tokens", "Tokens that the endpoint counted.", direction=("input", "output")
)
MODEL_COST = _counter("model_cost_dollars_total", "dollars", "Price of these tokens by the book.")

# Interactions and learning.
INTERACTIONS = _counter("interactions_total", "interactions", "Interactions taken in, by kind.", kind=())
INTERACTIONS_REPEATED = _counter(
    "interactions_repeated_total", "interactions", "Interactions known already by their idempotency key."
)
DECISIONS_DROPPED = _counter(
    "decisions_dropped_total", "decisions", "Decisions not logged because the queue was full."
)
EXPOSURES = _counter(
    "experiment_exposures_total",
    "exposures",
    "Readers of a day that an experiment's arm was first shown to, by experiment and arm; each worker counts its own.",
    experiment=(),
    arm=(),
)
EXPOSURES_DROPPED = _counter(
    "experiment_exposures_dropped_total", "exposures", "Exposures not written because the queue was full."
)
OUTBOX_LAG = _gauge(
    "outbox_lag", "changes", "Changes of content that the caches have not followed yet.", Merging.NEWEST
)
LOG_LINES = _counter(
    "log_lines_total",
    "lines",
    "Lines that the workers wrote, by level and event; a request's level follows its status.",
    level=LEVELS,
    event=LOG_EVENTS,
)

# The workers, and what they depend on.
WORKERS = _gauge("workers", "workers", "Worker processes that answer.", Merging.SUM)
WORKER_CPU_SECONDS = _counter(
    "worker_cpu_seconds_total",
    "seconds",
    "CPU time that the workers used; its rate over the workers is their use.",
)
EVENT_LOOP_LAG_SECONDS = _histogram(
    "event_loop_lag_seconds", "seconds", "How late an event loop came to what was due, each 0.1 s.", SECONDS
)
DEPENDENCY_UP = _gauge(
    "dependency_up",
    "state",
    "1 where the dependency answered when it was last asked, each 2 s (the model: with each call); else 0.",
    Merging.MINIMUM,
    dependency=(),
)
BREAKER_STATE = _gauge(
    "breaker_state",
    "state",
    "1 while the service leaves a dependency alone, 0.5 while it tries again with a few calls, else 0; worst worker.",
    Merging.MAXIMUM,
    dependency=(),
)
BREAKER_CHANGES = _counter(
    "breaker_changes_total",
    "changes",
    "Changes of a breaker, by the state that it went to.",
    dependency=(),
    state=("closed", "open", "half_open", "isolated", "forced_closed"),
)
TIER_STATE = _gauge(
    "tier_state",
    "state",
    "1 while a tier is left alone after failures of its own, 0.5 while it is tried again, else 0; worst worker.",
    Merging.MAXIMUM,
    tier=TIERS[:2],
)
SENTINEL_OK = _gauge(
    "sentinel_ok",
    "state",
    "0 where the vector database gave another than the known answer when it was last asked, else 1; worst worker.",
    Merging.MINIMUM,
)
ADMISSION_LIMIT = _gauge(
    "admission_limit",
    "feeds",
    "Whole feeds that may be made at once, as learnt from how long they take.",
    Merging.SUM,
)
ADMISSION_WAITING = _gauge(
    "admission_waiting", "feeds", "Feeds that wait for a turn to be made.", Merging.SUM
)
RETRIES = _counter(
    "retries_total",
    "calls",
    "Calls that failed and were to be tried again, by whether the budget allowed it.",
    dependency=(),
    outcome=("retried", "refused"),
)
LOG_DROPPED = _counter("log_lines_dropped_total", "lines", "Log lines that could not be written.")

ALL: tuple[Metric, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
