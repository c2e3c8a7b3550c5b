"""The only room that knows every part: what a trader is made of, and how a session differs from a replay.

`core` wires the synchronous core, the same for every use. Around it `session` puts sockets and a clock, `replays` a
recording or a journal and virtual time.
"""
