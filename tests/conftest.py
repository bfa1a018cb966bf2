"""What all tests share: one thread, and the kits, which every test can import."""

import os
import sys
from pathlib import Path

from hypothesis import settings

# Small products are slower on several threads, and several test processes share the cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Nothing here asks the Hugging Face hub for anything.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
# Import-mode importlib does not do this.
sys.path.insert(0, str(Path(__file__).parent / "kits"))
# A busy machine is no fault of an example.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")
