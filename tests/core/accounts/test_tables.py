"""The schema keeps agencies apart even when the code above it forgets to."""
from __future__ import annotations
def test_smoke(session): 
    from sqlalchemy import text
    assert session.execute(text("select 1")).scalar()==1
