"""What residents say: an answer after a case is closed, and surveys sampled over the land."""
