"""The software-defined assets: each reads, computes, writes and reports."""
