"""What the codes of dashboards mean."""

from opsctl.dashboards.lint.run import explanations

EXPLANATIONS = explanations() | {
    "DSH090": """A book of dashboards has the name of a file that is rendered beside it: `alerts` or `lock`.

`alerts` shows each rule against its threshold; panels of your own go into any other book. `lock.json` names all files
of a render with their digests.""",
    "DSH091": """Grafana's SDK is not installed, through which dashboards are written.

1. `pip install 'opsctl[grafana]'`, in the environment in which opsctl runs. Where the SDK is there in another version, add
   `--upgrade`.
2. Run the command again, such as `opsctl dashboards render`.

Nobody needs it to look at dashboards: `opsctl dashboards preview` draws the same panels without it.""",
    "DSH092": """The preview cannot listen at its port, or is asked for by another name than that of this machine.

It answers on loopback only, and only to pages of its own: a page of somebody else's must not read your figures.""",
    "DSH093": """A page of the preview asks for a panel, a time or a choice that the preview does not offer.

Only the expressions of the books are ever sent to Prometheus.""",
}
