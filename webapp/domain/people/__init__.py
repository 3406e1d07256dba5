"""People: one row for everybody, whatever they are to the county."""
