"""The simulation itself: its records, its compiled rules, and the steps that repeat them."""
