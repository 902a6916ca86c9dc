"""The nested order: its strategies, rankings from elsewhere, and images held out for validation by hash."""
