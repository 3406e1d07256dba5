"""Use-cases of volunteers: each module one part; what others call is named here."""
