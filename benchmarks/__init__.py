"""Side-by-side measurements of the real thing. `python -m benchmarks` prints every figure of docs/benchmarks.md."""
