"""What tests stand on, for core and for plugins alike."""
