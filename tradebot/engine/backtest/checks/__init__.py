"""What speaks for a run and against it: look-ahead, re-runs, trials, reasons for trades and for none."""
