"""The control layer: settings, log, events, clock, services, jobs."""
