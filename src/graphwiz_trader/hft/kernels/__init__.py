"""What Numba compiles, and nothing else: free functions over bytes, whole numbers and NumPy records.

Each has a slow, obvious Python twin in the tests and a property test between the two.
"""
