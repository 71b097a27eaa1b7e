"""One e-mail by the SMTP server of the settings."""

import smtplib
import time
from email.utils import make_msgid

from django.core.mail import EmailMessage, get_connection

from accounts.notifying.outcome import Outcome

TIMEOUT_S = 10


def send(*, to: str, subject: str, text: str, message_id: str, sender: str) -> Outcome:
    """Hands the mail to the server; whatever goes wrong is the outcome, never an exception."""
    began = time.monotonic()
    name = f"<{message_id}@{make_msgid().rpartition('@')[2]}"
    mail = EmailMessage(subject, text, sender, [to], headers={"Message-ID": name, "Auto-Submitted": "auto-generated"})
    mail.connection = get_connection(timeout=TIMEOUT_S)
    try:
        mail.send()
    except (OSError, smtplib.SMTPException, ValueError) as problem:
        return Outcome(ok=False, said=f"{type(problem).__name__}: {problem}", took_ms=_ms(began))
    return Outcome(ok=True, said="The mail server took it.", took_ms=_ms(began))


def _ms(began: float) -> int:
    return int((time.monotonic() - began) * 1000)
