"""What Subsonic players ask: `/rest/…`, after OpenSubsonic 1.16.1.

A handler takes a visit (the library and the parameters) and gives a mapping; `replies` writes it
as XML or JSON. Every player logs in with a password that was set for players.
"""
