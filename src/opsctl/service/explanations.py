"""What the codes of starting the service mean, at length."""

EXPLANATIONS: dict[str, str] = {
    "SVC301": """The host at which the service is to listen is no address of this machine, or no name of one.

`127.0.0.1` is heard by this machine alone, `0.0.0.0` by every machine that reaches it.""",
    "SVC304": """All workers of the service together open at most `pooled_connections` connections to the database, and each
needs at least one of its own.""",
    "SVC303": """All workers of the service ended while they started, such as for a server that does not answer or a
file that cannot be opened. Each wrote why; with `opsctl stack logs service` for the one of the stack.""",
    "SVC302": """The service cannot listen at this port: another program does, or the port is not for this user.

Two services at one port would each get a part of the requests, so this is refused even where the kernel allows it.""",
}
