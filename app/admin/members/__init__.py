"""The members' pages of the admin: who there is, found by name or address, and all that is known of one of them."""
