"""python -m msio.scan SRC...: the same as python -m msio scan."""
import sys

from . import main

sys.exit(main())
