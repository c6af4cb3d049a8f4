"""The documents that the directive wants on paper, filled in with a practice's own data."""
