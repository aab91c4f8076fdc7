"""The benchmarks behind every figure in the README; each prints a table with ratios."""
