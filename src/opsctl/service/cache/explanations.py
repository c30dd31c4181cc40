"""What the codes of the caches mean."""

EXPLANATIONS = {
    "CAC001": """The journal of invalidations, `.opsctl/service/invalidations`, cannot be opened.

All workers of the machine map this file; through it they hear what was invalidated. It belongs to the user that
started the service, mode 600. It may be removed: the workers then start with empty memories.""",
    "CAC002": """The journal of invalidations has been locked for seconds.

A writer holds the lock for microseconds, and the kernel takes it back when a process dies. A process that was
stopped in between (SIGSTOP, a debugger) keeps it until it goes on or is ended. Nothing was posted.""",
    "CAC003": """The file of L2, `.opsctl/service/l2/l2.lmdb`, cannot be opened.

A damaged file is made anew by itself; this is a refusal of the system: rights, a full disk, a folder that is none.
It is a cache and may be removed while no service runs.""",
    "CAC004": """The book asks for Cloudflare KV as L2, but there is no API token.

It comes from the variable OPSCTL_CLOUDFLARE_TOKEN and needs the permissions to read and write Workers KV.""",
    "CAC005": """The L2 store does not answer, so that nothing was deleted in it.

The workers of this machine were told all the same. Entries in L2 end by themselves when their time is over; run the
command again when the store is back.""",
    "CAC006": """No running service could be asked for its figures.

`opsctl cache stats` reads `/metrics` of the service at `service.url`, or of the one of the embedded stack, which
`opsctl stack up` starts; `opsctl serve` starts one alone.""",
}
