"""Run a supervisor over the commands in the JSON object of the command line: {"name": ["word", …], …}."""

from __future__ import annotations

import json
import sys

from app.supervisor import Program, Supervisor

if __name__ == "__main__":
    programs = [Program(name, command) for name, command in json.loads(sys.argv[1]).items()]
    sys.exit(Supervisor(programs, stop_seconds=float(sys.argv[2])).run())
