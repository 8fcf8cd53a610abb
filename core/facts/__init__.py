"""What the cases come to, as plain rows: derived from their histories, kept up with them, and proven against them."""
