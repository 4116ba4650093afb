"""``python -m vpce_tui`` is ``vpce-tui``."""

from vpce_tui.cli.main import main

raise SystemExit(main())
