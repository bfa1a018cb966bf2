"""Rules that learn within one lifetime, as published."""
