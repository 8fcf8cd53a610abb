"""Dashboards as definitions: tiles of counts, rankings, trends and heat, each limited to what its viewer may see."""
