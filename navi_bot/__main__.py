"""The command `navi-bot`, also `python -m navi_bot`."""

import sys

from navi_bot.errors import ConfigurationError
from navi_bot.guard import refuse_foreign_packages

EXIT_CONFIGURATION = 78
"""EX_CONFIG of sysexits.h: the operator must mend something first."""


def main() -> int:
    try:
        refuse_foreign_packages()
    except ConfigurationError as error:
        print(*error.faults, sep="\n", file=sys.stderr)
        return EXIT_CONFIGURATION
    # After the guard: the program imports the packages that the guard looks at.
    from navi_bot.cli import run_command  # noqa: PLC0415  # see above

    return run_command(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
