"""From strategies and a store to what the kernel is given: symbols, bars, marks, funding, decisions."""
