"""Parts of one's own, `module:name`: what they are, and whether they keep to it."""

from .findings import Finding, check_own_part

__all__ = ["Finding", "check_own_part"]
