"""Where is a bucket: endpoint, region, keys and what stands before all names?"""

from dataclasses import dataclass, field

DEFAULT_PART_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Place:
    """Where a bucket is and what of it is ours; the keys are no part of the text form.

    Args:
        endpoint: the server's address; None for Amazon's own in `region`.
        path_style: the bucket is a step of the path and not a part of the host's name.
        part_bytes: what is sent in one request. All parts of an upload are of one size, as Cloudflare wants it, and a
            server takes 10,000 of them, so this limits how large an object can be.
    """

    bucket: str
    prefix: str = ""
    endpoint: str | None = None
    region: str = "us-east-1"
    path_style: bool = True
    part_bytes: int = DEFAULT_PART_BYTES
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)

    @property
    def shown(self) -> str:
        """Return where it is, fit for messages."""
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")
