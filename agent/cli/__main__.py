"""`python -m agent.cli`, where the command `latchkey` is not on the path."""

import sys

from agent.cli.entry import main

sys.exit(main())
