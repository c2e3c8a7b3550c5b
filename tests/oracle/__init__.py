"""Independent plain-Python truth for the compiled core: dicts, Decimals and the standard library's json.

Nothing here imports ``graphwiz_trader``: what the product and the oracle agree on, they agree on independently.
``recording_lines`` reads the recordings' line forms, ``books`` keeps books by the venues' rules, ``figures``
computes what a book says, ``decoder`` decides which frames are to be accepted and what they mean.
"""
