"""The append-only log of everything that came in and everything that was made of it.

One process writes (`writer`), any number read (`reader`), none waits for another. `layout` says what is on disk.
"""
