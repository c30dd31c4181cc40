"""What the codes of breakers and guards mean, at length."""

EXPLANATIONS: dict[str, str] = {
    "SVC306": """A dependency failed so often, or was so slow, that its breaker is open: for a second at first, twice as long each
time after, up to half a minute. Nothing waits for it meanwhile; feeds come from a lower tier or out of memory.

`opsctl breakers list` shows the states, `opsctl status` whether the dependency answers. A few calls try it again by themselves.
An operator can order a breaker by hand: `opsctl breakers isolate`, `force-closed`, `release`.""",
    "SVC307": """A dependency gave no answer within the time that one call may take: a fifth of `limits.request_seconds`, unless
`resilience.DEPENDENCY.timeout` in ops/service.yaml says otherwise. The rest of the request's time is for what stands in.""",
    "SVC308": """So many calls of one dependency were under way that another one found no room in time. Each worker makes at most
`resilience.DEPENDENCY.at_once` calls at once, so that one slow dependency cannot take up all that the worker has.""",
    "BRK001": """No breaker has this name. There is one for each of `vectors`, `database`, `model` and `l2`, in each worker; an order
reaches all workers of this machine.""",
    "BRK002": """An order to a breaker has an owner, so that whoever finds it knows whom to ask. OPSCTL_OWNER names one for all orders.""",
    "BRK003": """An order to a breaker ends by itself, after a day at the latest: a dependency that somebody isolated at night and
forgot is an outage of its own. What is to stay belongs into `resilience` of ops/service.yaml.""",
}
