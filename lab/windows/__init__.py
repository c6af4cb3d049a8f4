"""A stand-in for Windows hosts: the real wire and the real C# against a strict model of a German Windows.

What it is and what it is not, its state and its wire log: README.md in this folder.
"""
