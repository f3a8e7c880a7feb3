# exp that a compiler can vectorise and that gives the same bits on every machine: no table, no
# libm, no fused multiply-add (the build passes -ffp-contract=off). Error below 1 ulp or so.
#
# Method: x = k ln 2 + r with |r| <= ln(2)/2 (Cody and Waite, 1980, two-part ln 2), a Taylor
# polynomial of degree 13 for exp(r) (remainder 5e-18), and 2^k assembled in the exponent bits.

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>
    static inline int64_t bits_of(double x) { int64_t b; memcpy(&b, &x, sizeof b); return b; }
    static inline double double_of(int64_t b) { double x; memcpy(&x, &b, sizeof x); return x; }
    """
    int64_t bits_of(double x) noexcept nogil
    double double_of(int64_t b) noexcept nogil


cdef inline double exp_(double x) noexcept nogil:
    # Below -708 the result would be subnormal: it is 0. Above 709 it saturates at exp(709).
    cdef double bounded = -708.0 if x < -708.0 else x
    bounded = 709.0 if bounded > 709.0 else bounded
    # Adding 1.5 * 2^52 rounds to an integer that then sits in the low bits.
    cdef double shifted = bounded * 1.4426950408889634 + 6755399441055744.0
    cdef double k = shifted - 6755399441055744.0
    cdef double r = (bounded - k * 6.93147180369123816490e-01) - k * 1.90821492927058770002e-10
    cdef double tail = 1.0 / 6227020800.0
    tail = tail * r + 1.0 / 479001600.0
    tail = tail * r + 1.0 / 39916800.0
    tail = tail * r + 1.0 / 3628800.0
    tail = tail * r + 1.0 / 362880.0
    tail = tail * r + 1.0 / 40320.0
    tail = tail * r + 1.0 / 5040.0
    tail = tail * r + 1.0 / 720.0
    tail = tail * r + 1.0 / 120.0
    tail = tail * r + 1.0 / 24.0
    tail = tail * r + 1.0 / 6.0
    tail = tail * r + 0.5
    cdef double power = double_of((bits_of(shifted) + 1023) << 52)
    cdef double result = power + power * (r + r * r * tail)
    return 0.0 if x < -708.0 else result
