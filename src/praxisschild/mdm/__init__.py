"""Smartphones and tablets: what a mobile device management is to set, and what its device lists say."""
