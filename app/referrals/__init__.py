"""Friends that members bring: codes and links, which order came through whom, and what came of it."""
