# Philox 4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw (2011),
# "Parallel random numbers: as easy as 1, 2, 3", doi:10.1145/2063384.2063405.
# A draw is a function of (key, counter) alone: it depends on no thread and on no earlier draw.

cdef inline void philox_4x32(uint32_t *words, uint32_t k0, uint32_t k1) noexcept nogil:
    # words: the counter IN, the four random words OUT
    cdef uint64_t product_0, product_1
    cdef uint32_t w0 = words[0], w1 = words[1], w2 = words[2], w3 = words[3]
    cdef int i
    for i in range(10):
        product_0 = <uint64_t>0xD2511F53u * w0
        product_1 = <uint64_t>0xCD9E8D57u * w2
        w0 = <uint32_t>(product_1 >> 32) ^ w1 ^ k0
        w1 = <uint32_t>product_1
        w2 = <uint32_t>(product_0 >> 32) ^ w3 ^ k1
        w3 = <uint32_t>product_0
        k0 = k0 + 0x9E3779B9u
        k1 = k1 + 0xBB67AE85u
    words[0] = w0
    words[1] = w1
    words[2] = w2
    words[3] = w3
