"""Addresses: what mail can reach, which are variants of one mailbox, which live for minutes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.popups.addresses import cleaned, is_disposable, mailbox


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("  Bea@Example.COM ", "bea@example.com"),
        ("o'neil+shop@mail.example.co.uk", "o'neil+shop@mail.example.co.uk"),
        ("müller@example.de", "müller@example.de"),
        ("bea@münchen.de", "bea@xn--mnchen-3ya.de"),
    ],
)
def test_addresses_are_kept_in_one_form(typed: str, address: str) -> None:
    assert cleaned(typed) == address


@pytest.mark.parametrize(
    "typed",
    ["", "bea", "bea@", "@example.com", "bea@example", "bea@-x.com", "b ea@example.com", "bea@exa mple.com", ".b@x.com",
     "b..e@x.com", "bea@x..com", "bea@127.0.0.1", "a@b@c.com", "<b>@x.com", "b\x00@x.com", "a" * 65 + "@x.com",
     "bea@" + "x" * 250 + ".com", "bea@example.com\nBcc: all@example.com"],
)  # fmt: skip
def test_what_no_mail_can_reach_is_refused(typed: str) -> None:
    assert cleaned(typed) is None


@pytest.mark.parametrize(
    ("variant", "same"),
    [
        ("bea+x@example.com", "bea@example.com"),
        ("b.e.a+shop@gmail.com", "bea@gmail.com"),
        ("b.ea@googlemail.com", "bea@gmail.com"),
        ("b.ea@example.com", "b.ea@example.com"),
        ("bea-deals@yahoo.com", "bea@yahoo.com"),
        ("bea-deals@example.com", "bea-deals@example.com"),
        ("+@example.com", "+@example.com"),
    ],
)
def test_variants_lead_to_one_mailbox(variant: str, same: str) -> None:
    assert mailbox(variant) == same


def test_mailboxes_for_minutes_are_known_with_their_parts() -> None:
    assert is_disposable("x@mailinator.com")
    assert is_disposable("x@eu.mailinator.com")
    assert not is_disposable("x@notmailinator.com")


@given(st.text(max_size=80))
def test_no_input_is_an_error_and_cleaning_twice_changes_nothing(typed: str) -> None:
    address = cleaned(typed)
    if address is not None:
        assert cleaned(address) == address
        assert cleaned(mailbox(address)) is not None
        assert mailbox(mailbox(address)) == mailbox(address)
