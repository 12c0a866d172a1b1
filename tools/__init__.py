"""What the Makefile runs: preparing a clone, finding a browser, writing docs/coverage.md. None of it ships."""
