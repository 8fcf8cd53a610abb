"""The domains that ship with Wangge; each folder is one plugin."""
