#!/bin/sh
# Starts the given arguments with the first Python on this machine that is new enough (the Makefile's way into tools/prepare.py).
# PYTHON=/path/to/python goes first.
for candidate in "${PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11 python; do
  [ -n "$candidate" ] || continue
  if "$candidate" -c 'import sys; raise SystemExit(sys.version_info < (3, 11))' 2>/dev/null; then
    exec "$candidate" "$@"
  fi
done
found=$(python3 --version 2>/dev/null || echo "no Python at all")
cat >&2 <<TEXT

Perennial needs Python 3.11 or newer; on PATH there is: $found.
  Debian, Ubuntu:  sudo apt-get install python3 python3-venv   (Debian 12, Ubuntu 24.04 and later)
  Fedora:          sudo dnf install python3.12
  macOS:           brew install python@3.13
  anywhere:        uv python install 3.13, or pyenv install 3.13
A Python that is not on PATH can be named: make PYTHON=/path/to/python3.13 …

TEXT
exit 1
