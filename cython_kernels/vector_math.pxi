# exp and log that a compiler can vectorise and that give the same bits on every machine: no table,
# no libm, no fused multiply-add (the build passes -ffp-contract=off). Error below 1 ulp or so.
#
# Method of exp: x = k ln 2 + r with |r| <= ln(2)/2 (Cody and Waite, 1980, two-part ln 2), a
# polynomial of degree 11 for exp(r) (1 + r + r^2 q(r), q interpolating at Chebyshev's nodes:
# relative error 2e-17, where Taylor's needs degree 13), and 2^k assembled in the exponent bits.
#
# Method of log: x = 2^k (1 + f) with 1 + f from sqrt(1/2) to sqrt(2); with s = f / (2 + f),
# log(1 + f) = 2 artanh(s), whose series in s^2 <= 0.0295 is cut after s^21 (remainder 2e-18 of
# the result). Summed as f - (f^2/2 - s (f^2/2 + R)), since f is exact and dominates (the
# arrangement of FreeBSD's msun); k ln 2 as in exp.

cdef extern from *:
    """
    #include <math.h>
    #include <stdint.h>
    #include <string.h>
    static inline int64_t bits_of(double x) { int64_t b; memcpy(&b, &x, sizeof b); return b; }
    static inline double double_of(int64_t b) { double x; memcpy(&x, &b, sizeof x); return x; }
    static inline int64_t exponent_bits(int64_t b) { return (int64_t)((uint64_t)b >> 52); }
    /* The bounds of exp's argument. Not constants: with these gcc 12 takes a comparison and a
       selection where a maximum or minimum would do (2 % of an update of IF_cond_exp). */
    #if defined(__GNUC__)
    __attribute__((visibility("hidden")))
    #else
    static
    #endif
    double exp_bounds[2] = {-708.0, 709.0};
    /* NaN stays NaN. */
    static inline double not_below_bound(double x) {
        return x < exp_bounds[0] ? exp_bounds[0] : x; }
    static inline double not_above_bound(double x) {
        return x > exp_bounds[1] ? exp_bounds[1] : x; }
    /* NaN becomes the bound. */
    static inline double above_bound(double x) {
        return x > exp_bounds[0] ? x : exp_bounds[0]; }
    """
    int64_t bits_of(double x) noexcept nogil
    double double_of(int64_t b) noexcept nogil
    int64_t exponent_bits(int64_t b) noexcept nogil
    double not_below_bound(double x) noexcept nogil
    double not_above_bound(double x) noexcept nogil
    double above_bound(double x) noexcept nogil
    const double INFINITY, NAN


cdef inline double expm1_near_0_(double r) noexcept nogil:
    # exp(r) - 1 for |r| <= ln(2)/2, to an error of 1 ulp of exp(r). Where |r| <= 0.34, 1 plus this
    # is `exp_of_negative_` to the last bit: k is 0 there.
    # Estrin's scheme: the chain of dependent operations is a third of Horner's.
    cdef double r_2 = r * r
    cdef double r_4 = r_2 * r_2
    cdef double low = (0.5000000000000001 + r * 0.16666666666666669) \
        + r_2 * (0.04166666666662413 + r * 0.008333333333330062)
    cdef double middle = (0.0013888888917213717 + r * 0.00019841269863053618) \
        + r_2 * (2.4801521295954376e-05 + r * 2.7557268459997064e-06)
    cdef double high = 2.7620088445409746e-07 + r * 2.510038549551032e-08
    return r + r_2 * (low + r_4 * (middle + r_4 * high))


cdef inline double exp_within_(double x) noexcept nogil:
    # For arguments from -708 to 709.
    # Adding 1.5 * 2^52 rounds to an integer that then sits in the low bits.
    cdef double shifted = x * 1.4426950408889634 + 6755399441055744.0
    cdef double k = shifted - 6755399441055744.0
    cdef double r = (x - k * 6.93147180369123816490e-01) - k * 1.90821492927058770002e-10
    cdef double power = double_of((bits_of(shifted) + 1023) << 52)
    return power + power * expm1_near_0_(r)


cdef inline double exp_of_negative_(double x) noexcept nogil:
    # For arguments up to 709. Below -708 the result stays what it is there, 3e-308.
    return exp_within_(not_below_bound(x))


cdef inline double expm1_near_0_to_9_digits_(double r) noexcept nogil:
    # The same for `exp_to_9_digits_`, to an error of 3e-10 of exp(r): degree 7.
    cdef double r_2 = r * r
    cdef double low = (0.5000000013457727 + r * 0.16666666681614256) \
        + r_2 * (0.04166646500604005 + r * 0.008333310934448869)
    cdef double tail = low + (r_2 * r_2) * (0.0013933641031986701 + r * 0.00019890980869750327)
    return r + r_2 * tail


cdef inline double exp_to_9_digits_(double x) noexcept nogil:
    # For arguments up to 709, as `exp_of_negative_`, with a relative error of 3e-10.
    # NaN counts as -708.
    cdef double within = above_bound(x)
    cdef double shifted = within * 1.4426950408889634 + 6755399441055744.0
    cdef double r = within - (shifted - 6755399441055744.0) * 0.6931471805599453
    cdef double power = double_of((bits_of(shifted) + 1023) << 52)
    return power + power * expm1_near_0_to_9_digits_(r)


cdef inline double exprel_near_0_to_10_digits_(double r) noexcept nogil:
    # (exp(r) - 1) / r for |r| <= 0.34, to a relative error of 2e-11, and much less nearer to 0:
    # 1 + r/2 + r^2 q(r), q interpolating at Chebyshev's nodes.
    cdef double r_2 = r * r
    cdef double middle = 0.16666666679990988 + r * 0.04166666667998749
    cdef double high = (0.008333312587329467 + r * 0.001388886814813313) \
        + r_2 * (0.00019889110769648918 + r * 2.4849418802078102e-05)
    return (1.0 + 0.5 * r) + r_2 * (middle + r_2 * high)


cdef inline double exp_(double x) noexcept nogil:
    # Below -708 the result would be subnormal: it is 0. Above 709 it saturates at exp(709).
    cdef double result = exp_of_negative_(not_above_bound(x))
    return 0.0 if x < -708.0 else result


cdef inline double log_of_normal_(double x) noexcept nogil:
    # For arguments from 2^-1022 to the largest number.
    # Moved so that the exponent changes at sqrt(1/2), where the interval of 1 + f begins.
    cdef int64_t moved = bits_of(x) + <int64_t>0x00095F619980C433
    # The low bits of 2^52 + an integer are that integer.
    cdef double k = double_of(exponent_bits(moved) | <int64_t>0x4330000000000000) \
        - 4503599627371519.0
    cdef int64_t mantissa = moved & <int64_t>0x000FFFFFFFFFFFFF
    cdef double f = double_of(mantissa + <int64_t>0x3FE6A09E667F3BCD) - 1.0
    cdef double s = f / (2.0 + f)
    cdef double z = s * s
    cdef double half_square = 0.5 * f * f
    cdef double z_2 = z * z
    cdef double z_4 = z_2 * z_2
    cdef double low = (2.0 / 3.0 + z * (2.0 / 5.0)) + z_2 * (2.0 / 7.0 + z * (2.0 / 9.0))
    cdef double middle = (2.0 / 11.0 + z * (2.0 / 13.0)) + z_2 * (2.0 / 15.0 + z * (2.0 / 17.0))
    cdef double tail = low + z_4 * (middle + z_4 * (2.0 / 19.0 + z * (2.0 / 21.0)))
    cdef double correction = s * (half_square + z * tail) + k * 1.90821492927058770002e-10
    return k * 6.93147180369123816490e-01 - ((half_square - correction) - f)


cdef inline double log_(double x) noexcept nogil:
    # Subnormal arguments are as exact as others. log(0) = -inf, log(inf) = inf; NaN below 0.
    cdef bint subnormal = x < 2.2250738585072014e-308
    cdef double normal = x * 18014398509481984.0 if subnormal else x  # * 2^54
    cdef double result = log_of_normal_(normal)
    result = result - 54.0 * 6.93147180559945286227e-01 if subnormal else result
    result = INFINITY if x > 1.7976931348623157e308 else result
    result = result if x > 0.0 else NAN
    return -INFINITY if x == 0.0 else result
