"""Use-cases of rosters: each module one part; what others call is named here."""
