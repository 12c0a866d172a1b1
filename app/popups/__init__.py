"""Popups: what they say and to whom, who signed up, and the codes they were given."""
