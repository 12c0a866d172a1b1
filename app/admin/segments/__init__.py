"""The segments' pages of the admin: which there are, how they grow, who is in them, and the editor of their queries."""
