"""The collector for Linux: ``main`` prints the document, one module per topic reads its sections."""
