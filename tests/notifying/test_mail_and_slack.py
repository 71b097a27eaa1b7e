"""What people read: one mail for a minute, one line of Slack for each event, links when there are any."""

from datetime import timedelta
from typing import Any

import pytest

from accounts.notifying import wording
from coordinator.lib.errors import Invalid
from tests.factories import person, service
from tests.missions import world
from tests.notifying.mailbox import Mailbox
from tests.notifying.receiver import Receiver
from tests.notifying.world import Clock, endpoint, fail, happen, signed_in, work, work_until

pytestmark = pytest.mark.django_db


def test_what_happens_in_a_minute_is_one_mail(mailbox: Mailbox, clock: Clock) -> None:
    owner = person()
    place = endpoint(kind="email", owner=owner)
    happen(3)
    assert work(place, clock) == 0
    clock.pass_by(seconds=50)
    happen(2)
    assert work(place, clock) == 5
    [mail] = mailbox.mails
    assert (mail["To"], mail["From"]) == (owner.email, "coordinator@example.org")
    assert mail["Subject"] == "[Coordinator] 5 events"
    assert mail.get_content().count("Task created: Write the tests") == 5
    assert mail["Auto-Submitted"] == "auto-generated"


def test_one_event_is_the_subject_itself_and_links_to_its_page(mailbox: Mailbox, clock: Clock, settings: Any) -> None:
    settings.PUBLIC_URL = "https://coordinator.example.org"
    task = world.task()
    place = endpoint(kind="email", topics=["needs-you"])
    fail(task)
    work(place, clock)
    clock.pass_by(minutes=1)
    work(place, clock)
    [mail] = mailbox.mails
    assert mail["Subject"].startswith("[Coordinator] Task moved: pending to failed (task ")
    assert f"https://coordinator.example.org/tasks/{task.key}" in mail.get_content()
    assert "https://coordinator.example.org/notifications" in mail.get_content()


def test_a_mail_that_its_server_refuses_is_sent_later_under_the_same_id(mailbox: Mailbox, clock: Clock) -> None:
    place = endpoint(kind="email")
    mailbox.refusing = True
    happen(1)
    work_until(place, clock, clock.now + timedelta(minutes=5))
    assert "451" in place.deliveries.get().answer
    mailbox.refusing = False
    work_until(place, clock, clock.now + timedelta(minutes=30))
    [mail] = mailbox.mails
    assert mail["Message-ID"].startswith(f"<{place.deliveries.get().message_id}@")


def test_mail_goes_to_the_accounts_own_address_alone(mailbox: Mailbox) -> None:
    owner = person()
    assert endpoint(kind="email", owner=owner).address == owner.email
    with pytest.raises(Invalid, match="own address"):
        endpoint("somebody@else.example", kind="email", owner=owner)
    with pytest.raises(Invalid, match="mailbox"):
        endpoint(kind="email", by=signed_in(service()))


def test_without_a_mail_server_there_is_no_mail_and_the_refusal_says_what_to_set() -> None:
    with pytest.raises(Invalid, match="EMAIL_HOST"):
        endpoint(kind="email")


def test_slack_gets_a_text_in_which_nothing_is_markup(receiver: Receiver, clock: Clock) -> None:
    place = endpoint(receiver.url, kind="slack")
    world.task(objective="Drop <!channel> & run")
    work(place, clock)
    [got] = receiver.got
    assert set(got.frame) == {"text"}
    assert "Task created: Drop &lt;!channel&gt; &amp; run" in got.frame["text"]


def test_slack_is_told_of_much_in_few_messages(receiver: Receiver, clock: Clock) -> None:
    place = endpoint(receiver.url, kind="slack")
    happen(45)
    assert work(place, clock) == 45
    assert [got.frame["text"].count("\n") + 1 for got in receiver.got] == [20, 20, 5]


def test_a_line_of_text_cannot_add_headers_or_lines() -> None:
    frame = {
        "id": 1, "topic": "tasks", "event": "task.created", "at": "2026-11-24T12:00:00.000000Z",
        "data": {"fields": {"objective": "one\r\nBcc: all@example.org"}, "task": "t-1", "actor": "anna"},
    }  # fmt: skip
    assert wording.subject([frame]) == "[Coordinator] Task created: one Bcc: all@example.org (task t-1)"
    assert wording.line(frame, "") == (
        "2026-11-24 12:00 UTC  Task created: one Bcc: all@example.org (task t-1), by anna"
    )
