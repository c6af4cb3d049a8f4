"""A run, written down: one module per format, each with `render(run) -> str`."""
