"""Praxisschild: the German IT security directive for medical practices, applied, proven and reported."""
