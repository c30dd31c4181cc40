"""Which kinds of entries are there, by the name that the book, the metrics and the keys use?"""

from enum import StrEnum


class Kind(StrEnum):
    """The kinds; the command line imports this for its help, so nothing else is here."""

    FEED = "feed"
    USER_EMBEDDING = "user_embedding"
    THOMPSON = "thompson"
    CONTENT_EMBEDDING = "content_embedding"
    QUALITY_SCORE = "quality_score"
    AGENT_SCORE = "agent_score"
