"""What a batch changed: the note that projections hand to `app.reactions`, so that each account is settled once."""

from dataclasses import dataclass, field

# (shop id, id)
Key = tuple[int, int]


@dataclass
class Changes:
    """Touched rows of one transaction. Emails are those whose owner may be another account now."""

    orders: set[Key] = field(default_factory=set)
    accounts: set[Key] = field(default_factory=set)
    emails: set[tuple[int, str]] = field(default_factory=set)
    rereads: set[Key] = field(default_factory=set)
    # Accounts of whose persons something new was told.
    people: set[Key] = field(default_factory=set)
    # Orders of forgotten persons that were told of again with their names.
    erased: set[Key] = field(default_factory=set)

    def add(self, other: "Changes") -> None:
        """Take in what another step changed."""
        self.orders |= other.orders
        self.accounts |= other.accounts
        self.emails |= other.emails
        self.rereads |= other.rereads
        self.people |= other.people
        self.erased |= other.erased
