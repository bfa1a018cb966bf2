"""Code of one's own: where it lies, whether it may be imported, what it imports, how it looks."""
