"""What is answered where numbers say nothing: a reason with a code, never NaN."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CannotTell:
    """No answer, and why there is none.

    Args:
        code: `opsctl explain` knows it.
        because: the reason, in lower case, to be read after "cannot tell, because".
    """

    code: str
    because: str

    def of(self, what: str) -> "CannotTell":
        """Return the same reason with the name of what it is about in front."""
        return CannotTell(code=self.code, because=f"{what}: {self.because}")
