"""Everything that watches trading from outside: it reads the journal, and trading never waits for it.

Each observer is a projection of journal records and can be thrown away and built again from them.
"""
