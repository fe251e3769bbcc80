"""The daemon, with the tools of this package beside the shipped ones."""

import sys

from navi_bot.cli import run_command

if __name__ == "__main__":
    sys.exit(run_command(sys.argv[1:], ("tools", "stopping.tools")))
