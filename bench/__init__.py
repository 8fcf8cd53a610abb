"""The measured workloads: each figure stands beside its floor, taken in turn in the same run."""
