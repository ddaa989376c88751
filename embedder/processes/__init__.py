"""Child processes that run Python: starting them and exchanging messages with them."""
