"""Does a command change something, or may it: read off the command itself, whatever its runbook says of it?"""

import re
from collections.abc import Callable
from dataclasses import replace

from opsctl.runbooks.calls import opsctl_calls
from opsctl.runbooks.model import Runbook, Step

IsChanging = Callable[[list[str]], bool]
"""Tells whether a command of opsctl changes something."""

_WRITES = re.compile(
    r"\b(?:rm|rmdir|unlink|truncate|shred|dd|kill|pkill|killall|mv|cp|ln|touch|mkdir|chmod|chown|reboot|shutdown|mkfs)"
    r"\s+\S"
    r"|\bsed\s+(?:-\w+\s+)*(?:-\w*i|--in-place)|\bfind\b.*-(?:delete|exec|execdir|ok|okdir)\b|\btee\s+\S"
    r"|\bgit\s+(?:push|reset|checkout|clean)\b"
    r"|\b(?:systemctl|service)\s+(?:\S+\s+)?(?:start|stop|restart|reload)\b"
    r"|\b(?:kubectl|docker|podman)\s+(?:\S+\s+)*?(?:delete|apply|scale|rollout|restart|stop|kill|rm|exec|run)\b"
    r"|\bcurl\b.*(?:-X\s*|--request[ =])['\"]?(?:POST|PUT|PATCH|DELETE)\b"
    r"|\bcurl\b.*\s(?:-d|-F|-T|--data|--data-raw|--data-binary|--json|--form|--upload-file)[\s='@]"
    r"|(?<![<>=-])>{1,2}\|?\s*(?!&|/dev/(?:null|stdout|stderr)\b)[\w./\"'$~]|&>{1,2}\s*(?!/dev/null\b)\S"
)
_WRITES_SQL = re.compile(
    r"\b(?:insert\s+into|update\s+\w+\s+set|delete\s+from|merge\s+into|truncate|drop|alter|create|vacuum|analyze|reindex"
    r"|grant|revoke|copy|call|refresh|pg_terminate_backend|pg_cancel_backend|pg_reload_conf)\b|\\(?:!|i\b|o\b|copy\b)",
    re.IGNORECASE,
)
# What runs something that does not stand there to be read.
_SUBSTITUTES = re.compile(r"\$\(|`|[<>]\(")
_HIDES = re.compile(
    r"(?:^|[;&|({!]|\b(?:then|do|else|if|elif|while|until|time|exec|sudo|command|env|nohup|builtin)\s)\s*(?:\w+=\S*\s+)*"
    r"(?:[\"'\\$]|(?:[\w./-]*/)?(?:eval|source|\.|trap|alias|(?:ba|da|z|k|c|tc|fi)?sh|python[\d.]*|perl|ruby|node|php|ssh"
    r"|xargs|parallel|psql\s.*-\w*f)(?=\s|$|[;&|)]))",
    re.MULTILINE,
)
_SINGLE_QUOTED = re.compile(r"'[^']*'")
_QUOTED = re.compile(
    r"(?<![;&|({!\n])(?<=\S)(?:'[^']*'|\"[^\"]*\")|(?<=[^;&|({!\s])[ \t]+(?:'[^']*'|\"[^\"]*\")"
)
_COMMENT = re.compile(r"^\s*#.*$", re.MULTILINE)


def changes_something(step: Step, is_changing: IsChanging) -> bool:
    """Tell whether a command changes something, or hides what it does."""
    command = _COMMENT.sub("", step.command).replace("\\\n", "  ").strip()
    bare = _QUOTED.sub(" ''", command)
    writes_sql = "psql" in command and _WRITES_SQL.search(command) is not None
    return (
        writes_sql
        or _SUBSTITUTES.search(_SINGLE_QUOTED.sub("''", command)) is not None
        or _WRITES.search(bare) is not None
        or _HIDES.search(bare) is not None
        or any(is_changing(words) for _, words in opsctl_calls(step))
    )


def with_found_changes(runbook: Runbook, is_changing: IsChanging) -> Runbook:
    """Return a runbook whose steps know of changes that nobody announced, so that none is run unasked."""
    steps = tuple(
        replace(step, is_changing=step.mark is None and changes_something(step, is_changing))
        for step in runbook.steps
    )
    return replace(runbook, steps=steps)
