"""Where things lie in a checkout, for tests in any folder."""

from pathlib import Path

KITS = Path(__file__).resolve().parent
ROOT = KITS.parents[1]
EXAMPLES = ROOT / "experiments" / "examples"
