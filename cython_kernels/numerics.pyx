"""exp, its regular companions, log, sine and Philox random numbers for NumPy arrays.

NumPy's and the C library's own differ in the last bit between processors and versions; step
constants computed with them would make a network's result depend on the machine. These do not.
"""

from libc.math cimport sqrt
from libc.stdint cimport int64_t, uint32_t, uint64_t
import numpy as np

include "vector_math.pxi"
include "philox.pxi"
include "incomplete_gamma.pxi"


def exp(x):
    """exp(x) for a float or array, error about 1 ulp, 0 below -708."""
    values = np.array(x, dtype=np.float64, order="C")
    cdef double[::1] flat = values.reshape(-1)
    cdef Py_ssize_t i
    for i in range(flat.shape[0]):
        flat[i] = exp_(flat[i])
    return values if values.ndim else float(values)


def exp_to_9_digits(x):
    """exp(x) for a float or array up to 709, of a relative error of 3e-10; NaN counts as -708.

    With it quadrature weighs, and GIF_cond_exp computes its rate.
    """
    values = np.array(x, dtype=np.float64, order="C")
    cdef double[::1] flat = values.reshape(-1)
    cdef Py_ssize_t i
    for i in range(flat.shape[0]):
        flat[i] = exp_to_9_digits_(flat[i])
    return values if values.ndim else float(values)


def exprel_near_0_to_10_digits(x):
    """(exp(x) - 1) / x for a float or array from -0.34 to 0.34, of a relative error of 2e-11.

    With it conductances that are not large move v.
    """
    values = np.array(x, dtype=np.float64, order="C")
    cdef double[::1] flat = values.reshape(-1)
    cdef Py_ssize_t i
    for i in range(flat.shape[0]):
        flat[i] = exprel_near_0_to_10_digits_(flat[i])
    return values if values.ndim else float(values)


def log(x):
    """The natural logarithm of a float or array, error about 1 ulp for every positive double.

    -inf at 0, inf at inf, NaN for negative arguments and NaN.
    """
    values = np.array(x, dtype=np.float64, order="C")
    cdef double[::1] flat = values.reshape(-1)
    cdef Py_ssize_t i
    for i in range(flat.shape[0]):
        flat[i] = log_(flat[i])
    return values if values.ndim else float(values)


cdef double series_phi(double x) noexcept nogil:
    # sum of x^k / (k+1)!, for |x| <= 0.5: 14 terms reach 1 ulp.
    cdef double total = 1.0
    cdef int k
    for k in range(15, 1, -1):
        total = 1.0 + total * x / k
    return total


cdef double series_psi(double x) noexcept nogil:
    # sum of (-x)^k / (k! (k+2)), for |x| <= 0.5
    cdef double total = 0.0
    cdef double term = 1.0
    cdef int k
    for k in range(18):
        total += term / (k + 2)
        term *= -x / (k + 1)
    return total


def phi(x):
    """(exp(x) - 1) / x for a float or array, regular at 0, relative error a few ulp."""
    values = np.array(x, dtype=np.float64, order="C")
    cdef double[::1] flat = values.reshape(-1)
    cdef Py_ssize_t i
    for i in range(flat.shape[0]):
        if -0.5 <= flat[i] <= 0.5:
            flat[i] = series_phi(flat[i])
        else:
            flat[i] = (exp_(flat[i]) - 1.0) / flat[i]
    return values if values.ndim else float(values)


def psi(x):
    """The integral of s exp(-x s) over 0 <= s <= 1, for a float or array, regular at 0."""
    values = np.array(x, dtype=np.float64, order="C")
    cdef double[::1] flat = values.reshape(-1)
    cdef Py_ssize_t i
    cdef double decay
    for i in range(flat.shape[0]):
        if -0.5 <= flat[i] <= 0.5:
            flat[i] = series_psi(flat[i])
        else:
            decay = exp_(-flat[i])
            flat[i] = (1.0 - decay - flat[i] * decay) / (flat[i] * flat[i])
    return values if values.ndim else float(values)


def expm1(x):
    """exp(x) - 1 for a float or array, accurate near 0."""
    return np.multiply(x, phi(x))


def log1p_ratio(x):
    """log(1 + x) / x for a float or array above -1, regular at 0, relative error below 1e-11."""
    values = np.array(x, dtype=np.float64, order="C")
    cdef double[::1] flat = values.reshape(-1)
    cdef Py_ssize_t i
    for i in range(flat.shape[0]):
        if -1e-3 <= flat[i] <= 1e-3:
            flat[i] = 1.0 - flat[i] * (
                0.5 - flat[i] * (1.0 / 3.0 - flat[i] * (0.25 - flat[i] * 0.2)))
        else:
            flat[i] = log_(1.0 + flat[i]) / flat[i]
    return values if values.ndim else float(values)


def philox(counter, key):
    """The four 32-bit words of Philox 4x32-10 (Salmon et al. 2011, doi:10.1145/2063384.2063405).

    counter: 4 integers; key: 2 integers, each below 2**32. Returns a tuple of 4 integers.
    """
    cdef uint32_t words[4]
    cdef uint32_t k0 = key[0], k1 = key[1]
    words[0] = counter[0]
    words[1] = counter[1]
    words[2] = counter[2]
    words[3] = counter[3]
    philox_4x32(words, k0, k1)
    return words[0], words[1], words[2], words[3]


def log_gamma(x):
    """ln Gamma(x) for a positive float or array, error below 1e-14 of the larger of it and 1."""
    values = np.array(x, dtype=np.float64, order="C")
    cdef double[::1] flat = values.reshape(-1)
    cdef Py_ssize_t i
    for i in range(flat.shape[0]):
        flat[i] = log_gamma_(flat[i])
    return values if values.ndim else float(values)


def gamma_hazard(double shape, x):
    """-ln Q(shape, x): the integrated hazard of a gamma distribution of scale 1, at x."""
    values = np.array(x, dtype=np.float64, order="C")
    cdef double[::1] flat = values.reshape(-1)
    cdef double log_factor = log_gamma_(shape + 1.0)
    cdef Py_ssize_t i
    for i in range(flat.shape[0]):
        flat[i] = gamma_hazard_(shape, log_factor, flat[i])
    return values if values.ndim else float(values)


def gamma_age(double shape, hazard):
    """The x at which `gamma_hazard` is `hazard`, a float or array."""
    values = np.array(hazard, dtype=np.float64, order="C")
    cdef double[::1] flat = values.reshape(-1)
    cdef double log_factor = log_gamma_(shape + 1.0)
    cdef Py_ssize_t i
    for i in range(flat.shape[0]):
        flat[i] = gamma_age_(shape, log_factor, flat[i])
    return values if values.ndim else float(values)


# --- waves and noise -------------------------------------------------------------------------

cdef double sine(double turns) noexcept nogil:
    # The distances from the nearest half turn and from the nearest odd quarter are exact; the
    # smaller one, an eighth of a turn at the most, goes into the Taylor series of sine or cosine.
    cdef double shifted = turns + 6755399441055744.0
    cdef double part = turns - (shifted - 6755399441055744.0)
    cdef double sign = 1.0 if part > 0.0 else -1.0
    cdef double to_quarter = 0.25 - sign * part
    cdef double y, square, total = 0.0
    cdef int k
    if -0.125 <= to_quarter <= 0.125:
        square = (6.283185307179586 * to_quarter) * (6.283185307179586 * to_quarter)
        for k in range(17, 0, -2):
            total = (square - square * total) / (k * (k + 1))
        return sign * (1.0 - total)
    y = 6.283185307179586 * (part if to_quarter > 0.0 else sign * 0.5 - part)
    square = y * y
    for k in range(16, 0, -2):
        total = (square - square * total) / (k * (k + 1))
    return y - y * total


def sine_of_turns(x):
    """sin(2 pi x) for a float or array, |x| < 2**51, error about 1 ulp; exactly 0 at half turns."""
    values = np.array(x, dtype=np.float64, order="C")
    cdef double[::1] flat = values.reshape(-1)
    cdef Py_ssize_t i
    for i in range(flat.shape[0]):
        flat[i] = sine(flat[i])
    return values if values.ndim else float(values)


# Wichura (1988), "The percentage points of the normal distribution", Applied Statistics 37,
# algorithm AS 241, doi:10.2307/2347330: ratios of polynomials with a relative error of 1e-16, for
# probabilities within 0.425 of 1/2, for those beyond, and for those within e^-25 of 0 or 1.
cdef double[8] MIDDLE_ABOVE = [
    3.3871328727963666080, 1.3314166789178437745e+2, 1.9715909503065514427e+3,
    1.3731693765509461125e+4, 4.5921953931549871457e+4, 6.7265770927008700853e+4,
    3.3430575583588128105e+4, 2.5090809287301226727e+3]
cdef double[8] MIDDLE_BELOW = [
    1.0, 4.2313330701600911252e+1, 6.8718700749205790830e+2, 5.3941960214247511077e+3,
    2.1213794301586595867e+4, 3.9307895800092710610e+4, 2.8729085735721942674e+4,
    5.2264952788528545610e+3]
cdef double[8] TAIL_ABOVE = [
    1.42343711074968357734, 4.63033784615654529590, 5.76949722146069140550,
    3.64784832476320460504, 1.27045825245236838258, 2.41780725177450611770e-1,
    2.27238449892691845833e-2, 7.74545014278341407640e-4]
cdef double[8] TAIL_BELOW = [
    1.0, 2.05319162663775882187, 1.67638483018380384940, 6.89767334985100004550e-1,
    1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
    1.05075007164441684324e-9]
cdef double[8] FAR_ABOVE = [
    6.65790464350110377720, 5.46378491116411436990, 1.78482653991729133580,
    2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
    2.71155556874348757815e-5, 2.01033439929228813265e-7]
cdef double[8] FAR_BELOW = [
    1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
    7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
    2.04426310338993978564e-15]


cdef double ratio(const double *above, const double *below, double x) noexcept nogil:
    cdef double numerator = above[7], denominator = below[7]
    cdef int k
    for k in range(6, -1, -1):
        numerator = numerator * x + above[k]
        denominator = denominator * x + below[k]
    return numerator / denominator


cdef double quantile(double p) noexcept nogil:
    cdef double q = p - 0.5
    cdef double r
    if -0.425 <= q <= 0.425:
        return q * ratio(MIDDLE_ABOVE, MIDDLE_BELOW, 0.180625 - q * q)
    r = sqrt(-log_(p if q < 0.0 else 1.0 - p))
    if r <= 5.0:
        r = ratio(TAIL_ABOVE, TAIL_BELOW, r - 1.6)
    else:
        r = ratio(FAR_ABOVE, FAR_BELOW, r - 5.0)
    return -r if q < 0.0 else r


def normal_quantile(p):
    """The x below which a standard normal deviate lies with probability p, 0 < p < 1.

    p: float or array. Relative error a few ulp.
    """
    values = np.array(p, dtype=np.float64, order="C")
    cdef double[::1] flat = values.reshape(-1)
    cdef Py_ssize_t i
    for i in range(flat.shape[0]):
        flat[i] = quantile(flat[i])
    return values if values.ndim else float(values)


def normal(counter, key):
    """Standard normal deviates, functions of (key; counter) alone.

    counter: int64 array; key: 2 integers, each below 2**32. Returns float64 of counter's shape.
    One Philox draw of 52 bits each, through the inverse of the distribution function: no deviate
    lies beyond 8.3.
    """
    counters = np.ascontiguousarray(counter, dtype=np.int64)
    deviates = np.empty(counters.shape)
    cdef const int64_t[::1] at = counters.reshape(-1)
    cdef double[::1] out = deviates.reshape(-1)
    cdef uint32_t k0 = key[0], k1 = key[1]
    cdef uint32_t words[4]
    cdef uint64_t bits
    cdef Py_ssize_t i
    for i in range(out.shape[0]):
        words[0] = <uint32_t>at[i]
        words[1] = <uint32_t>(at[i] >> 32)
        words[2] = 0
        words[3] = 0
        philox_4x32(words, k0, k1)
        bits = (<uint64_t>words[0] << 32 | words[1]) >> 12
        # The middle of one of 2^52 equal parts of (0, 1): exact, as is its distance from 1.
        out[i] = quantile((bits + 0.5) * 2.220446049250313e-16)
    return deviates
