"""The whole system on one machine, with simulated kiosks: what `tools/demo` runs."""
