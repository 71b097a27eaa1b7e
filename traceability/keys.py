"""Ed25519 keys of checkpoints, in the text forms of C2SP signed-note: `name+id+base64` is public.

The secret key is never in the database: it stands in a file of mode 0600, or in the environment.
"""

import base64
import hashlib
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from traceability import durable

ED25519 = b"\x01"
SECRET = "PRIVATE+KEY+"


class KeyProblem(RuntimeError):
    """A key of the checkpoints cannot be used; the text says what to do."""


@dataclass(frozen=True)
class PublicKey:
    """Whom a signature is of."""

    name: str
    raw: bytes

    @classmethod
    def read(cls, text: str) -> "PublicKey":
        """From its line `name+id+base64`. Raises KeyProblem."""
        try:
            name, number, coded = text.strip().split("+", 2)
            found = cls(name, _after_type(coded))
        except ValueError as problem:
            raise KeyProblem(f"This is no public key of a checkpoint: {text[:80]!r}.") from problem
        if found.number.hex() != number:
            raise KeyProblem(f"The id of the key {text[:80]!r} is not that of its bytes.")
        return found

    @cached_property
    def number(self) -> bytes:
        """The four bytes by which a signature names its key."""
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.raw).digest()[:4]

    def signed(self, text: str, signature: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, text.encode())
        except (InvalidSignature, ValueError):
            return False
        return True

    def __str__(self) -> str:
        return f"{self.name}+{self.number.hex()}+{base64.b64encode(ED25519 + self.raw).decode()}"


@dataclass(frozen=True, repr=False)
class SecretKey:
    """Who signs."""

    name: str
    raw: bytes

    @classmethod
    def made(cls, name: str) -> "SecretKey":
        return cls(name, os.urandom(32))

    @classmethod
    def read(cls, text: str) -> "SecretKey":
        """From `PRIVATE+KEY+name+id+base64`. Raises KeyProblem, which does not repeat the key."""
        try:
            name, number, coded = text.strip().removeprefix(SECRET).split("+", 2)
            found = cls(name, _after_type(coded))
        except ValueError as problem:
            raise KeyProblem("The checkpoints' key is not in its form PRIVATE+KEY+name+id+base64.") from problem
        if found.public.number.hex() != number:
            raise KeyProblem("The checkpoints' key is damaged: its id is not that of its bytes.")
        return found

    @cached_property
    def public(self) -> PublicKey:
        return PublicKey(self.name, Ed25519PrivateKey.from_private_bytes(self.raw).public_key().public_bytes_raw())

    def sign(self, text: str) -> bytes:
        return Ed25519PrivateKey.from_private_bytes(self.raw).sign(text.encode())

    def written(self) -> str:
        """The secret form, for a file that only its owner may read."""
        coded = base64.b64encode(ED25519 + self.raw).decode()
        return f"{SECRET}{self.name}+{self.public.number.hex()}+{coded}"


@dataclass(frozen=True)
class Keyring:
    """Where the secret key is: given as text, else in a file that is made at first use."""

    file: Path
    given: str = ""

    def key(self, name: str) -> SecretKey:
        """The key that signs, made when there is none. Raises KeyProblem."""
        if not self.given and not self.file.exists():
            durable.write(self.file, f"{SecretKey.made(name).written()}\n".encode(), private=True, new=True)
        try:
            found = SecretKey.read(self.given or self.file.read_text())
        except OSError as problem:
            raise KeyProblem(f"The checkpoints' key cannot be read: {problem.strerror} ({self.file}).") from problem
        if found.name != name:
            raise KeyProblem(f"The checkpoints' key is that of {found.name}, this is {name}.")
        return found

    @property
    def next(self) -> Path:
        """Where a new key lies until the checkpoint that tells of it is written."""
        return self.file.with_name(f"{self.file.name}.next")


def _after_type(coded: str) -> bytes:
    raw = base64.b64decode(coded, validate=True)
    if raw[:1] != ED25519 or len(raw) != 33:
        raise ValueError("no Ed25519 key")
    return raw[1:]
