"""exp, its regular companions, log and Philox random words for NumPy arrays.

NumPy's and the C library's own differ in the last bit between processors and versions; step
constants computed with them would make a network's result depend on the machine. These do not.
"""

from libc.stdint cimport int64_t, uint32_t, uint64_t
import numpy as np

include "vector_math.pxi"
include "philox.pxi"


def exp(x):
    """exp(x) for a float or array, error about 1 ulp, 0 below -708."""
    values = np.array(x, dtype=np.float64, order="C")
    cdef double[::1] flat = values.reshape(-1)
    cdef Py_ssize_t i
    for i in range(flat.shape[0]):
        flat[i] = exp_(flat[i])
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
            flat[i] = 1.0 - flat[i] * (0.5 - flat[i] * (1.0 / 3.0 - flat[i] * (0.25 - flat[i] * 0.2)))
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
