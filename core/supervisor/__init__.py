"""Keeping an installation's processes alive: database, web, worker and beat, started and stopped in order.

The supervisor knows commands, ports and files, never what the processes do.
"""
