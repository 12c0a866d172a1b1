"""The referrals' page of the admin: friends whom members brought, what became of each, and what came of it in all."""
