"""Training over several processes: a batch in parts, and statistics over all of them."""
