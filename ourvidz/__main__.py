"""``python -m ourvidz``: the same as ``ourvidz``."""

from ourvidz.cli.main import main

main()
