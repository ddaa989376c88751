"""Where a playlist leads: routes, arcs, and what they cost."""
