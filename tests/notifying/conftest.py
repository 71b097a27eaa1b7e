from collections.abc import Iterator
from typing import Any

import pytest

from tests.notifying.mailbox import Mailbox, open_mailbox
from tests.notifying.receiver import Receiver, listening
from tests.notifying.world import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    """A web server on the loopback, which the settings allow as an address."""
    settings.NOTIFY_PRIVATE_ADDRESSES = True
    with listening() as found:
        yield found


@pytest.fixture
def mailbox(settings: Any) -> Iterator[Mailbox]:
    """A mail server, which the settings name."""
    with open_mailbox() as box:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", box.port
        settings.EMAIL_FROM = "coordinator@example.org"
        yield box
