"""Who did what: every change that a person or a key made to programs, rewards, balances, imports and replays."""
