"""Urban management (数字城管): components and events in a closed loop. Start at ``plugin.py``."""
