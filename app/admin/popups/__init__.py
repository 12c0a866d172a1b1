"""The popups' pages of the admin: what came of each, the editor, and a preview by the storefront's own script."""
