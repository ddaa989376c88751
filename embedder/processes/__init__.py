"""Python processes beside this one: how they are started and talked to."""
