"""Rows for Windows as backups of group policies, for practices with a domain."""
