"""The rules of cases: reporting, moving, reading, timers, history. One module a use."""
