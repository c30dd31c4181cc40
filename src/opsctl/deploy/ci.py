"""What does a job on GitHub run, so that every change is measured, broken and restored before it lands?"""

from collections.abc import Mapping

from opsctl.deploy.facts import ProjectFacts
from opsctl.deploy.templating import render

# At commits, with the release that each is.
_ACTIONS = {
    "checkout": "uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683  # v4.2.2",
    "setup_python": "uses: actions/setup-python@a26af69be951a213d495a4c3e4e4022e16d87065  # v5.6.0",
    "cache_restore": "uses: actions/cache/restore@1bd1e32a3bdc45362d1e726936510720a7c30a57  # v4.2.0",
    "cache_save": "uses: actions/cache/save@1bd1e32a3bdc45362d1e726936510720a7c30a57  # v4.2.0",
    "upload": "uses: actions/upload-artifact@ea165f8d65b6e75b540449e92b4886f43607fa02  # v4.6.2",
}


def render_ci(facts: ProjectFacts) -> Mapping[str, str]:
    """Return the workflow; it is copied to `.github/workflows/`."""
    wheel = f"dist/opsctl-{facts.version}-py3-none-any.whl"
    return {"opsctl.yml": render("ci/opsctl.yml", {"wheel": wheel, **_ACTIONS})}
