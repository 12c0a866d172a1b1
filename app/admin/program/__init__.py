"""The program's pages of the admin: its rules in plain words, its versions, changing it with a look at who wins."""
