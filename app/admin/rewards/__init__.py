"""The rewards' page of the admin: what points buy, offering more, changing and stopping what is there."""
