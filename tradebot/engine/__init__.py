"""Everything that runs, headless: no screen is known below this folder."""
