"""Refusals: every reason why a change is not made, raised by services and told to the caller by its face.

A refusal's docstring is the title that the caller reads; its `detail` says what to do about it.
"""

from typing import Any


class Refusal(Exception):
    """The request cannot be carried out as things stand."""

    status = 409

    def __init__(self, detail: str = "", **extra: Any) -> None:
        self.detail = detail or self.title
        self.extra = extra
        super().__init__(self.detail)

    @property
    def title(self) -> str:
        return (type(self).__doc__ or "").strip().splitlines()[0].rstrip(".")

    @property
    def slug(self) -> str:
        """The class's name in words, the last part of the problem's `type`."""
        return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in type(self).__name__).strip(
            "-"
        )


class Malformed(Refusal):
    """The request is malformed."""

    status = 400


class Invalid(Refusal):
    """The body breaks a rule.

    `errors` maps each field to its sentences.
    """

    status = 422

    def __init__(self, errors: dict[str, list[str]], detail: str = "") -> None:
        self.errors = errors
        super().__init__(
            detail or "; ".join(f"{field}: {' '.join(map(str, texts))}" for field, texts in errors.items())
        )
        self.extra = {"errors": errors}


class NotAllowed(Refusal):
    """This account may not do that."""

    status = 403


class Missing(Refusal):
    """There is no such thing here."""

    status = 404


class Conflict(Refusal):
    """The request conflicts with the present state."""

    status = 409


class Stale(Refusal):
    """The resource has changed since it was read."""

    status = 412


class ImpossibleMove(Refusal):
    """This move is not open from the present state."""

    status = 422


class TooMany(Refusal):
    """Too many requests."""

    status = 429

    def __init__(self, detail: str = "", *, retry_after_s: int = 1, **extra: Any) -> None:
        super().__init__(detail, **extra)
        self.retry_after_s = retry_after_s


class Unavailable(Refusal):
    """The service cannot answer now."""

    status = 503

    def __init__(self, detail: str = "", *, retry_after_s: int = 2, **extra: Any) -> None:
        super().__init__(detail, **extra)
        self.retry_after_s = retry_after_s
