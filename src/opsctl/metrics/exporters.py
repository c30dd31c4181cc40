"""Every metric of the exporter: readers, vectors, proofs, backups, running experiments, costs; nothing that a worker counts."""

from opsctl.metrics.model import Merging, Metric, MetricType
from opsctl.metrics.service import SEGMENTS

SEGMENTS_AND_ALL = (*SEGMENTS, "all")
FAMILIES = ("business", "embeddings", "evidence", "recovery", "experiments", "costs")
OUTCOMES = ("ship", "do_not_ship", "keep_running", "invalid")
COST_POINTS = ("average", "peak_hour", "sustained")
COST_PARTS = ("edge", "service", "vectors", "database", "model", "embedding", "observability")
LIFT_FIGURES = ("lift", "low", "high")


def _gauge(name: str, unit: str, help: str, **labels: tuple[str, ...]) -> Metric:  # noqa: A002 - Prometheus' word
    return Metric(
        name=name, type=MetricType.GAUGE, unit=unit, help=help, labels=labels, merging=Merging.NEWEST
    )


ACTIVE_READERS = _gauge(
    "business_active_readers",
    "readers",
    "Readers with an interaction in the last 24 hours (day, DAU) or 30 days (month, MAU).",
    window=("day", "month"),
    segment=SEGMENTS_AND_ALL,
)
SESSION_LENGTH = _gauge(
    "business_session_length_seconds",
    "seconds",
    "Mean time from the first to the last interaction of a session of the last 7 days; 30 quiet minutes end one.",
    segment=SEGMENTS_AND_ALL,
)
RETENTION = _gauge(
    "business_retention_ratio",
    "ratio",
    "Part of the readers of a week who came back in the 24 hours that begin this many days after their first visit.",
    days=("1", "7", "30"),
    segment=SEGMENTS_AND_ALL,
)
SAVE_RATIO = _gauge(
    "business_save_ratio", "ratio", "Saves over views of the last 7 days.", segment=SEGMENTS_AND_ALL
)
ENGAGEMENT = _gauge(
    "business_engagement_ratio",
    "ratio",
    "Clicks, saves, shares, inquiries and purchases over views of the last 7 days; may exceed 1.",
    segment=SEGMENTS_AND_ALL,
)
VENDOR_DISCOVERY = _gauge(
    "business_vendor_discovery_ratio",
    "ratio",
    "Of the vendors that a reader met in the last 7 days, the part that this reader had never met before.",
    segment=SEGMENTS_AND_ALL,
)
NPS = _gauge(
    "business_nps_points",
    "points",
    "Promoters (9, 10) minus detractors (0 to 6), in percent of the answers of 90 days: -100 to 100.",
    segment=SEGMENTS_AND_ALL,
)
SATISFACTION = _gauge(
    "business_satisfaction_ratio",
    "ratio",
    "Part of the answers of 90 days to the question of satisfaction (1 to 5) that were 4 or 5.",
    segment=SEGMENTS_AND_ALL,
)
SURVEY_ANSWERS = _gauge(
    "business_survey_answers",
    "answers",
    "Answers of 90 days, on which the two figures above rest.",
    question=("nps", "satisfaction"),
    segment=SEGMENTS_AND_ALL,
)
NEWEST_CONTENT = _gauge(
    "business_newest_content_timestamp_seconds", "seconds", "When an item was added or changed last."
)
ARM_DECISIONS = _gauge(
    "business_arm_decisions", "decisions", "Feeds of the last 7 days in which the arm explored.", arm=()
)
ARM_REWARD = _gauge(
    "business_arm_reward_mean",
    "reward",
    "Mean reward of these feeds, of those whose reward is known.",
    arm=(),
)

SILHOUETTE = _gauge(
    "embedding_silhouette_ratio",
    "ratio",
    "How much nearer items are to their own category than to the next, -1 to 1 (Rousseeuw 1987), on a sample.",
)
DAVIES_BOULDIN = _gauge(
    "embedding_davies_bouldin_index",
    "index",
    "Scatter of categories over their distance (Davies and Bouldin 1979), on a sample; less is better.",
)
UNIFORMITY = _gauge(
    "embedding_uniformity_nats",
    "nats",
    "Log of the mean Gaussian potential of pairs (Wang and Isola 2020), on a sample; 0 is collapsed.",
)
RECALL = _gauge(
    "embedding_recall_ratio",
    "ratio",
    "Part of the ten nearest of an exact search that a search as the service makes it finds.",
    collection=(),
)
SAMPLED_VECTORS = _gauge("embedding_sampled_vectors", "vectors", "Vectors in the sample.")

EVIDENCE_EXPIRY = _gauge(
    "opsctl_evidence_expiry_timestamp_seconds",
    "seconds",
    "When the newest record of a kind and subject goes stale.",
    kind=(),
    subject=(),
    verdict=("pass", "fail", "inconclusive"),
)
ALERT_DETECTION = _gauge(
    "opsctl_alert_detection_seconds",
    "seconds",
    "Time from the fault to the message: measured in the last proof, predicted, and allowed by the book.",
    alert=(),
    figure=("measured", "predicted", "allowed"),
)
ALERT_PROOF_EXPIRY = _gauge(
    "opsctl_alert_proof_expiry_timestamp_seconds",
    "seconds",
    "When the proof of an alert goes stale.",
    alert=(),
)
BACKUP_LAST_SUCCESS = _gauge(
    "opsctl_backup_last_success_timestamp_seconds",
    "seconds",
    "When the newest backup was whole; 0 where there is none.",
)
BACKUP_DUE = _gauge(
    "opsctl_backup_due_timestamp_seconds",
    "seconds",
    "When the next backup is overdue: 1.1 times `schedule.backup_every` after the newest; 0 where there is none.",
)
BACKUP_SIZE = _gauge("opsctl_backup_stored_bytes", "bytes", "What the newest backup takes in the repository.")
BACKUP_DURATION = _gauge("opsctl_backup_duration_seconds", "seconds", "How long the newest backup took.")
BACKUP_VERIFIED = _gauge(
    "opsctl_backup_verified_state",
    "state",
    "1 where the newest verification of a backup found no doubt, 0 where it did.",
)
BACKUP_VERIFICATION_DUE = _gauge(
    "opsctl_backup_verification_due_timestamp_seconds",
    "seconds",
    "When the newest good verification goes stale; 0 where there is none.",
)
WAL_SHIPPED = _gauge(
    "opsctl_wal_shipped_timestamp_seconds",
    "seconds",
    "When WAL last went into the repository, or there was none to ship; as the archiver noted it. Where a part of it was "
    "lost this stays until a base backup has begun after that.",
)
WAL_WAITING = _gauge(
    "opsctl_wal_waiting_bytes", "bytes", "WAL that the archiver has received and could not ship yet."
)
DRILL_DUE = _gauge(
    "opsctl_recovery_drill_due_timestamp_seconds",
    "seconds",
    "When the newest passed drill of a loss goes stale; 0 where the newest did not pass.",
    scenario=(),
)
RECOVERY_POINT = _gauge(
    "opsctl_recovery_point_seconds",
    "seconds",
    "Acknowledged work that was lost in the newest drill of a loss, in seconds (RPO).",
    scenario=(),
)
RECOVERY_TIME = _gauge(
    "opsctl_recovery_time_seconds",
    "seconds",
    "Time from the loss to the service level in the newest drill of a loss (RTO).",
    scenario=(),
)
RECOVERY_OBJECTIVE = _gauge(
    "opsctl_recovery_objective_seconds", "seconds", "What the book allows.", objective=("rpo", "rto")
)

EXPERIMENT_UNITS = _gauge(
    "experiment_units",
    "units",
    "Units that saw an arm of a running experiment since its start, those that saw several left out; `(unknown)` are arms that its book does not have.",
    experiment=(),
    arm=(),
)
EXPERIMENT_WEIGHT = _gauge(
    "experiment_weight_ratio", "ratio", "The share of units that an arm is to get.", experiment=(), arm=()
)
EXPERIMENT_SEVERAL_ARMS = _gauge(
    "experiment_several_arms_units",
    "units",
    "Units that saw more than one arm; beyond 1 % of all no analysis is valid.",
    experiment=(),
)
EXPERIMENT_SAMPLE_RATIO = _gauge(
    "experiment_sample_ratio_p_ratio",
    "ratio",
    "How likely arms so far from their weights are by chance (p, valid however often one looks); 0 where units are in an arm that gets nobody.",
    experiment=(),
)
EXPERIMENT_HORIZON = _gauge(
    "experiment_horizon_passed_ratio",
    "ratio",
    "How much of an experiment's time is over; above 1 it runs for longer than it was meant to.",
    experiment=(),
)
EXPERIMENT_RAMP = _gauge(
    "experiment_ramp_ratio", "ratio", "The share of the eligible units that is let in.", experiment=()
)
EXPERIMENT_LOOKS = _gauge(
    "experiment_looks", "looks", "How often somebody has looked at an experiment's results.", experiment=()
)
EXPERIMENT_ANALYSED = _gauge(
    "experiment_analysis_timestamp_seconds",
    "seconds",
    "When the newest analysis was made.",
    experiment=(),
)
EXPERIMENT_VERDICT = _gauge(
    "experiment_verdict_state",
    "state",
    "1 for the outcome of the newest analysis, 0 for the others.",
    experiment=(),
    outcome=OUTCOMES,
)
EXPERIMENT_LIFT = _gauge(
    "experiment_lift_ratio",
    "ratio",
    "Lift of a metric in an arm over the control in the newest analysis, and its interval, at the error rates that hold for that look.",
    experiment=(),
    metric=(),
    arm=(),
    figure=LIFT_FIGURES,
)
EXPERIMENT_GUARDRAIL = _gauge(
    "experiment_guardrail_broken_state",
    "state",
    "1 where the newest analysis shows that an arm breaks a guardrail of its experiment, 0 where it does not.",
    experiment=(),
    metric=(),
    arm=(),
)

COST_MONTH = _gauge(
    "opsctl_cost_month_dollars",
    "dollars",
    "What a month of the plan costs by the newest estimate, at three loads; left out where a part is not known.",
    point=COST_POINTS,
)
COST_MONTH_PART = _gauge(
    "opsctl_cost_month_part_dollars",
    "dollars",
    "The parts of it.",
    point=COST_POINTS,
    part=COST_PARTS,
)
COST_THOUSAND_FEEDS = _gauge(
    "opsctl_cost_thousand_feeds_dollars", "dollars", "What a thousand feeds cost then.", point=COST_POINTS
)
COST_REDUCTION = _gauge(
    "opsctl_cost_reduction_ratio",
    "ratio",
    "Part of the bill that caches and batches save at the load at which the budgets bind.",
)
COST_TRAFFIC = _gauge(
    "opsctl_cost_traffic_dollars",
    "dollars",
    "What a month of the traffic of now would cost, by the feeds asked for and made since the last look.",
)
COST_BUDGET = _gauge("opsctl_cost_budget_dollars", "dollars", "What a month may cost by the book.")
COST_BUDGET_USED = _gauge(
    "opsctl_cost_budget_used_ratio",
    "ratio",
    "Cost over budget: of the plan at the load at which it binds, and of the traffic of now.",
    of=("plan", "traffic"),
)

LAST_SUCCESS = _gauge(
    "opsctl_exporter_last_success_timestamp_seconds",
    "seconds",
    "When a family of figures was last worked out.",
    family=FAMILIES,
)
DURATION = _gauge("opsctl_exporter_duration_seconds", "seconds", "How long that took.", family=FAMILIES)

ALL: tuple[Metric, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
