"""Which tracks make a batch, and what makes two of them alike."""
