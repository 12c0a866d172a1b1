"""A code that came late is sent, once, in the language that was read; a server's refusals end it or put it off."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from types import SimpleNamespace
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import select, text, update
from structlog.testing import capture_logs

from app import mail
from app.config import MailServer
from app.demo.processes import free_port
from app.discounts.pools.models import PoolCode
from app.popups import jobs
from app.popups.models import Popup, SignUp
from app.popups.sign_up import Answer, Wish, sign_up
from app.runtime import Runtime
from app.shops.models import Shop

ANN, BEA = "ann@example.com", "bea@example.com"


@dataclass
class PostOffice:
    """A mail server: keeps what it is given, and answers recipients with what is on the list."""

    answers: dict[str, str] = field(default_factory=dict)
    letters: list[EmailMessage] = field(default_factory=list)

    async def take_recipient(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        answer = self.answers.get(address, "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def take_letter(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.letters.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"


@dataclass(frozen=True)
class Mailing:
    """A shop with a popup and a mail server."""

    runtime: Runtime
    shop: Shop
    popup: Popup
    office: PostOffice

    def sign_up(self, email: str, language: str = "en") -> Answer:
        words = self.popup.definition["texts"]["en"]["consent_version"]
        with self.runtime.database.shop(self.shop.id) as session:
            return sign_up(
                session, self.shop.id, Wish(popup_id=self.popup.id, email=email, consent=words, language=language)
            )

    def late(self, *people: tuple[str, str]) -> None:
        """People sign up while there is no code; then there are codes."""
        with self.runtime.database.system() as session:
            session.execute(update(PoolCode).values(state="given"))
        for email, language in people:
            assert self.sign_up(email, language) == Answer("later")
        with self.runtime.database.system() as session:
            session.execute(update(PoolCode).values(state="free"))
        jobs.hand_out(self.runtime, shop_id=self.shop.id, popup_id=self.popup.id)

    def send(self) -> None:
        jobs.mail_owed(self.runtime, shop_id=self.shop.id, popup_id=self.popup.id)

    def sign_ups(self) -> list[SignUp]:
        with self.runtime.database.shop(self.shop.id) as session:
            found = list(session.scalars(select(SignUp).order_by(SignUp.id)))
            session.expunge_all()
            return found

    def planned(self) -> int:
        with self.runtime.database.system() as session:
            wanted = text("select count(*) from procrastinate_jobs where task_name = 'popups.mail_owed'")
            return int(session.scalar(wanted) or 0)


@pytest.fixture
def mailing(runtime: Runtime, shop: Shop, popup: Popup) -> Iterator[Mailing]:
    office = PostOffice()
    server = MailServer(host="127.0.0.1", port=free_port(0), sender="shop@example.com", encrypted=False, plain=True)
    commands = SimpleNamespace(handle_RCPT=office.take_recipient, handle_DATA=office.take_letter)
    controller = Controller(commands, hostname=server.host, port=server.port)
    controller.start()
    try:
        with_mail = replace(runtime, settings=replace(runtime.settings, mail=server))
        yield Mailing(with_mail, shop, popup, office)
    finally:
        controller.stop()


@pytest.mark.requirement(12)
@pytest.mark.requirement(17, partly=True)
@pytest.mark.requirement(42, partly=True)
def test_each_gets_a_letter_with_a_code_of_their_own_in_their_language_once(mailing: Mailing) -> None:
    mailing.late((ANN, "en"), (BEA, "de-AT"))
    assert mailing.planned() == 1
    assert [row.mailed_at for row in mailing.sign_ups()] == [None, None]
    mailing.send()
    mailing.send()
    first, second = mailing.office.letters
    codes = [row.code for row in mailing.sign_ups()]
    assert len(set(codes)) == 2
    assert all(row.mailed_at for row in mailing.sign_ups())
    assert (first["To"], second["To"]) == (ANN, BEA)
    assert first["Subject"] == f"Your code from {mailing.shop.name or mailing.shop.domain}"
    assert second["Subject"] == f"Ihr Code von {mailing.shop.name or mailing.shop.domain}"
    for letter, code, row in zip((first, second), codes, mailing.sign_ups(), strict=True):
        body = letter.get_content()
        link = (
            f"https://{mailing.shop.domain}/discount/{code}?redirect=%2F%3Futm_source%3Dperennial%26utm_medium%3Demail"
        )
        assert f": {code}" in body
        assert f"{link}%26utm_campaign%3Dpopup-{mailing.popup.id}" in body
        assert letter["Message-ID"] == f"<sign-up.{mailing.shop.id}.{row.id}@example.com>"
        assert letter["From"].addresses[0].addr_spec == "shop@example.com"
        assert letter["Auto-Submitted"] == "auto-generated"


def test_what_the_server_will_never_have_is_noted_and_not_tried_again(mailing: Mailing) -> None:
    mailing.late((ANN, "en"), (BEA, "en"))
    mailing.office.answers[ANN] = "550 no such user: ann@example.com"
    with capture_logs() as logs:
        mailing.send()
    mailing.office.answers.clear()
    mailing.send()
    assert [letter["To"] for letter in mailing.office.letters] == [BEA]
    assert [(row.mail_refused, row.mailed_at is None) for row in mailing.sign_ups()] == [("550", True), (None, False)]
    assert ANN not in str(logs)


def test_what_the_server_will_not_have_now_is_tried_again_and_holds_up_nobody(mailing: Mailing) -> None:
    mailing.late((ANN, "en"), (BEA, "en"))
    mailing.office.answers[ANN] = "451 come back later, ann@example.com"
    with pytest.raises(mail.Delayed, match=r"^451$"):
        mailing.send()
    assert [letter["To"] for letter in mailing.office.letters] == [BEA]
    mailing.office.answers.clear()
    mailing.send()
    assert [letter["To"] for letter in mailing.office.letters] == [BEA, ANN]


def test_a_server_that_is_not_there_loses_nothing(mailing: Mailing) -> None:
    mailing.late((ANN, "en"))
    assert mailing.runtime.settings.mail is not None
    nowhere = replace(mailing.runtime.settings.mail, port=free_port(0))
    away = replace(mailing.runtime, settings=replace(mailing.runtime.settings, mail=nowhere))
    with pytest.raises(OSError, match="refused"):
        jobs.mail_owed(away, shop_id=mailing.shop.id, popup_id=mailing.popup.id)
    mailing.send()
    assert [letter["To"] for letter in mailing.office.letters] == [ANN]


def test_a_letter_that_was_lost_is_planned_again_while_it_is_worth_sending(mailing: Mailing) -> None:
    mailing.late((ANN, "en"))
    with mailing.runtime.database.system() as session:
        session.execute(text("delete from procrastinate_jobs"))
    for age, planned in (("1 minute", 0), ("4 days", 0), ("1 hour", 1)):
        with mailing.runtime.database.system() as session:
            session.execute(text(f"update sign_ups set owed_at = now() - interval '{age}'"))
        jobs.sweep_untold(mailing.runtime)
        assert mailing.planned() == planned, age


def test_who_was_forgotten_meanwhile_gets_no_letter(mailing: Mailing) -> None:
    mailing.late((ANN, "en"))
    with mailing.runtime.database.system() as session:
        session.execute(text("update sign_ups set email = null, code = null"))
    mailing.send()
    assert mailing.office.letters == []


def test_a_name_with_line_breaks_stays_one_line_of_the_letters_head(mailing: Mailing) -> None:
    with mailing.runtime.database.system() as session:
        session.execute(update(Shop).values(name="Fun\r\nBcc: everybody@example.com"))
    mailing.late((ANN, "ja"))
    mailing.send()
    [letter] = mailing.office.letters
    assert letter["Bcc"] is None
    assert letter["Subject"] == "Fun Bcc: everybody@example.comからのコード"


def test_without_a_mail_server_nothing_is_planned(runtime: Runtime, mailing: Mailing) -> None:
    silent = replace(mailing, runtime=runtime)
    silent.late((ANN, "en"))
    silent.send()
    assert (silent.planned(), silent.office.letters) == (0, [])
