"""`python -m generating` writes what is stale."""

import sys

from generating import write

sys.stdout.write("".join(f"renewed {path}\n" for path in write()))
