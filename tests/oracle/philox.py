# SPDX-License-Identifier: GPL-3.0-or-later
"""Our random numbers: Philox4x32-10 (Salmon et al. 2011), key = seed, counter = (index / 4, count, purpose)."""

MASK = 2**32 - 1
PURPOSES = {"order": 3, "removal": 9, "augment": 10, "mask": 11, "mask of a test": 12}


def block(seed, purpose, count, index):
    """Four 32-bit words."""
    c = [index & MASK, index >> 32, count, PURPOSES[purpose]]
    key = [seed & MASK, seed >> 32]
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ key[0], b & MASK, (a >> 32) ^ c[3] ^ key[1], a & MASK]
        key = [(key[0] + 0x9E3779B9) & MASK, (key[1] + 0xBB67AE85) & MASK]
    return c


def below(seed, purpose, count, index, bound):
    words = block(seed, purpose, count, index // 2)[2 * (index % 2):]
    return (words[0] << 32 | words[1]) * bound >> 64


def permutation(seed, purpose, count, n):
    """Fisher-Yates from the end."""
    order = list(range(n))
    for i in range(n, 1, -1):
        j = below(seed, purpose, count, i, i)
        order[i - 1], order[j] = order[j], order[i - 1]
    return order
