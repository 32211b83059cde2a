"""Everything that is seen. Screens know the engine's handle and its messages, nothing deeper."""
