"""Orders that are fixed before the first decision, and what pays heed to scores by hand."""
