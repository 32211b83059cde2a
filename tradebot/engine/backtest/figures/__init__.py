"""What a run's ledger says: metrics, series, sums, intervals."""
