"""`python -m streams`: the same as the command `offerstream`."""

import sys

from streams.early_stop import end_early_if_told


def main() -> None:
    """Run the command; a worker is ready for a signal before the rest is even imported."""
    end_early_if_told(sys.argv[1:])
    try:
        from streams.cli import main as command
    except KeyboardInterrupt:  # Ctrl-C while the rest is imported
        sys.stderr.write("offerstream: interrupted\n")
        sys.exit(130)
    command()


if __name__ == "__main__":
    main()
