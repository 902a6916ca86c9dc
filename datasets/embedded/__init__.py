"""Data sets that are made on the spot: scanned digits and printed letters on textured backgrounds."""
