"""Entry point: finds the verb, runs it, turns errors into one line and an exit code."""


def main() -> int:
    """Exit code of the command."""
    raise SystemExit("not wired yet")
