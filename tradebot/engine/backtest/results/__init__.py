"""Results as folders: written, read, listed, compared, put aside, searched."""
