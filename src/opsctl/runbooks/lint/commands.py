"""Do the commands of the runbooks exist, are their changes announced, and is nothing left to be filled in?"""

import re
import shlex
from collections.abc import Iterator

from opsctl.runbooks.lint.registry import Complaint, LintContext, at, check
from opsctl.runbooks.model import CHANGES, Step

_WRITES = re.compile(
    r"\b(?:rm|rmdir|unlink|truncate|shred|dd|kill|pkill|killall|mv|chmod|chown|reboot|shutdown|mkfs)\s+\S"
    r"|\bsed\s+-i|\bfind\b.*-delete|\bgit\s+(?:push|reset|checkout|clean)\b"
    r"|\b(?:systemctl|service)\s+(?:\S+\s+)?(?:start|stop|restart|reload)\b"
    r"|\b(?:kubectl|docker|podman)\s+(?:\S+\s+)*?(?:delete|apply|scale|rollout|restart|stop|kill|rm)\b"
    r"|\bcurl\b.*(?:-X\s*|--request[ =])(?:POST|PUT|PATCH|DELETE)\b"
    r"|\bcurl\b.*\s(?:-d|--data|--data-raw|--data-binary|--json)\s"
    r"|(?<![0-9&<>=-])>{1,2}\s*(?!&|/dev/(?:null|stdout|stderr)\b)[\w./\"$~]"
)
_WRITES_SQL = re.compile(
    r"\b(?:insert\s+into|update\s+\w+\s+set|delete\s+from|truncate|drop|alter|create|vacuum|analyze|reindex"
    r"|pg_terminate_backend|pg_cancel_backend|pg_reload_conf)\b",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(
    r"<[A-Za-z][\w -]*>|\bTODO\b|\bFIXME\b|\bXXX\b|\.\.\.|\bCHANGE_?ME\b|\bexample\.(?:com|org)\b"
)
_PROMQL = re.compile(r"--data-urlencode 'query=(?P<expr>[^']*)'")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_GIVEN = frozenset({"HOME", "PATH", "PWD", "USER", "HOSTNAME", "RANDOM", "SECONDS", "TMPDIR"})
_WITH_RULE = {("alerts", "prove"), ("alerts", "test"), ("runbooks", "show"), ("runbooks", "run")}


@check("RBK005")
def without_commands(context: LintContext) -> Iterator[Complaint]:
    """Diagnosis or Mitigation has no command: at night people copy, they do not compose."""
    for runbook in context.own:
        for section in ("Diagnosis", "Mitigation"):
            line = next((each.line for each in runbook.headings if each.text == section), None)
            if line is not None and not runbook.of_section(section):
                yield Complaint(
                    title=f"{section} has no command",
                    location=at(runbook, line),
                    fix="a fenced block of the kind `sh`",
                )


@check("RBK006")
def commands(context: LintContext) -> Iterator[Complaint]:
    """A command does not parse: a verb or an option that opsctl does not have, or no shell at all.

    Commands of opsctl are held against the real command tree, without being run; everything else against bash.
    """
    for runbook, step in context.steps():
        problem = context.shell(step.command)
        if problem is not None:
            yield Complaint(
                title=f"step {step.number} is no shell script: {problem}", location=at(runbook, step.line)
            )
            continue
        for line, words in opsctl_calls(step):
            problem = context.parses(words)
            if problem is not None:
                yield Complaint(
                    title=f"step {step.number}: `opsctl {' '.join(words)}`: {problem}",
                    location=at(runbook, line),
                    fix="`opsctl --help` shows what there is",
                )


@check("RBK007")
def expressions(context: LintContext) -> Iterator[Complaint]:
    """A question to Prometheus names a series, a label or a value that nobody exposes."""
    for runbook, step in context.steps():
        for found in _PROMQL.finditer(step.command):
            problem = context.promql(found["expr"])
            if problem is not None:
                yield Complaint(title=f"step {step.number}: {problem}", location=at(runbook, step.line))


@check("RBK008")
def unmarked_change(context: LintContext) -> Iterator[Complaint]:
    """A command changes something and does not say so: `opsctl runbooks run` would not ask before it runs.

    Write `# changes: what it does` as the first line of the block. A command of opsctl counts as changing where it has
    `--dry-run` or `--yes`; of others those that write, end, remove or send.
    """
    for runbook, step in context.steps():
        if step.changes == "" or (step.changes is None and _is_changing(step, context)):
            yield Complaint(
                title=f"step {step.number} changes something and does not say what",
                location=at(runbook, step.line),
                fix=f"`{CHANGES} what it does` as the first line of the block",
            )


@check("RBK011")
def placeholders(context: LintContext) -> Iterator[Complaint]:
    """A command holds something to be filled in, which nobody does at night, or a note to finish it later."""
    for runbook, step in context.steps():
        found = _PLACEHOLDER.search(step.command.removeprefix(CHANGES))
        if found is not None:
            yield Complaint(
                title=f"step {step.number} holds `{found[0]}`, to be filled in by hand",
                location=at(runbook, step.line),
                fix="a variable such as $SERVICE_URL, or the value itself",
            )


@check("RBK016")
def names(context: LintContext) -> Iterator[Complaint]:
    """A command names a rule, an alert or a code that is not there."""
    rules = {rule.name for rule in context.rules} | {name for node in context.nodes for name in node.alerts}
    for runbook, step in context.steps():
        for line, words in opsctl_calls(step):
            for name in _unknown_names(words, rules=rules, context=context):
                yield Complaint(
                    title=f"step {step.number}: there is no `{name}`",
                    location=at(runbook, line),
                    fix="`opsctl alerts list` and `opsctl explain` show what there is",
                )


@check("RBK018")
def variables(context: LintContext) -> Iterator[Complaint]:
    """A command uses a variable that `opsctl runbooks run` does not give it, so it would stop there."""
    for runbook, step in context.steps():
        for name in sorted(step.variables - context.variables - _GIVEN):
            yield Complaint(
                title=f"step {step.number} uses ${name}, which nobody sets",
                location=at(runbook, step.line),
                fix=f"one of {', '.join(f'${each}' for each in sorted(context.variables))}",
            )


def opsctl_calls(step: Step) -> Iterator[tuple[int, list[str]]]:
    """Yield the arguments of each call of opsctl, with its line; pipes, `&&` and `;` end a call."""
    for offset, line in enumerate(step.command.replace("\\\n", "  ").splitlines()):
        try:
            lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;()<>")
            lexer.whitespace_split = True
            words = list(lexer)
        except ValueError:
            continue  # a quote that is closed further on; bash has looked at the whole
        yield from ((step.line + offset, call) for call in _calls_among(words))


def _calls_among(words: list[str]) -> Iterator[list[str]]:
    call: list[str] | None = None
    is_first = True
    for word in words:
        if set(word) <= set("|&;()<>"):
            if call is not None:
                yield call
            call, is_first = None, set(word) <= set("|&;(")
        elif call is not None:
            call.append(word)
        elif is_first and word == "opsctl":
            call = []
        elif is_first and re.fullmatch(r"[A-Za-z_]\w*=.*", word) is None:
            is_first = word in ("!", "if", "then", "while", "until", "do", "else", "time", "exec", "sudo")
    if call is not None:
        yield call


def _is_changing(step: Step, context: LintContext) -> bool:
    writes_sql = "psql" in step.command and _WRITES_SQL.search(step.command) is not None
    return (
        writes_sql
        or _WRITES.search(_QUOTED.sub("''", step.command)) is not None
        or any(context.is_changing(words) for _, words in opsctl_calls(step))
    )


def _unknown_names(words: list[str], *, rules: set[str], context: LintContext) -> Iterator[str]:
    """Yield the names of a call that nothing has."""
    bare = [word for word in words if not word.startswith("-")]
    if tuple(bare[:2]) in _WITH_RULE and rules:
        first = bare[2:3] if bare[0] == "runbooks" else bare[2:]
        yield from (name for name in first if name not in rules)
    if bare[:1] == ["explain"] and context.codes:
        yield from (
            name for name in bare[1:2] if name.upper() not in context.codes and name not in context.codes
        )
