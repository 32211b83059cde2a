"""The commands of the console interface, one module each; heavy rooms are imported only when a command runs."""
