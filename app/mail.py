"""Handing a letter to the mail server. No database here; called by jobs, which keep what was to be sent and what was.

A letter is text. Its id is made from what it is about, so that a mail program shows one that was sent twice, because an
answer was lost, as one.
"""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

from app import clock
from app.config import MailServer

_SECONDS = 20


class Undeliverable(Exception):
    """The server will not have this letter, now or later; the text is the number of its answer, which names nobody."""


class Delayed(Exception):
    """The server will not have this letter now; the text is the number of its answer."""


@dataclass(frozen=True)
class Letter:
    """What is written to whom; `about` is unique among all that this installation sends."""

    to: str
    sender_name: str
    subject: str
    text: str
    about: str


@contextmanager
def connected(server: MailServer) -> Iterator[smtplib.SMTP]:
    """A server that has let us in. Raises OSError and SMTPException: try again later."""
    if server.encrypted:
        made: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=_SECONDS, context=_trusted())
    else:
        made = smtplib.SMTP(server.host, server.port, timeout=_SECONDS)
    with made as connection:
        if not server.encrypted and not server.plain:
            connection.starttls(context=_trusted())
        if server.user is not None:
            connection.login(server.user, server.password or "")
        yield connection


def _trusted() -> ssl.SSLContext:
    return ssl.create_default_context()


def send(connection: smtplib.SMTP, server: MailServer, letter: Letter) -> None:
    """Hand a letter over. Raises Undeliverable or Delayed; OSError and SMTPException when the server is gone."""
    try:
        connection.send_message(_message(server, letter), from_addr=server.sender, to_addrs=[letter.to])
    except smtplib.SMTPRecipientsRefused as refused:
        [(code, _text)] = refused.recipients.values()
        raise _refusal(code) from None
    except smtplib.SMTPResponseException as refused:
        raise _refusal(refused.smtp_code) from None
    except (ValueError, smtplib.SMTPNotSupportedError):
        raise Undeliverable("address") from None  # letters that this server cannot carry


def _refusal(code: int) -> Exception:
    return Undeliverable(str(code)) if code >= 500 else Delayed(str(code))


def _message(server: MailServer, letter: Letter) -> EmailMessage:
    message = EmailMessage()
    local, _at, domain = server.sender.rpartition("@")
    message["From"] = Address(_line(letter.sender_name), local, domain)
    message["To"] = letter.to
    message["Subject"] = _line(letter.subject)
    message["Date"] = format_datetime(clock.now())
    message["Message-ID"] = f"<{letter.about}@{domain}>"
    # Nobody's holiday should answer it (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    return message


def _line(text: str) -> str:
    """Names of shops hold what merchants typed; a header is one line."""
    return " ".join(text.split())
