# The integrated hazard of a gamma distribution, and its inverse, with the same bits everywhere.
#
# Intervals of shape a, in units of their scale, are longer than x with probability Q(a, x), the
# regularised upper incomplete gamma function; their integrated hazard is H(x) = -ln Q(a, x).
# Where H has grown by an exponentially distributed number since the last spike, the next one is.
#
# Method: below x = a + 1 the power series of P = 1 - Q, above it the continued fraction of Q
# (Abramowitz and Stegun, 1964, 6.5.29 and 6.5.31), evaluated by Lentz's method as modified by
# Thompson and Barnett (1986, doi:10.1016/0021-9991(86)90046-X). Both take some sqrt(a) terms
# where x is near a. Everything is kept as a logarithm, so that neither tail under- or overflows.
# `log_factor` is ln Gamma(a + 1) throughout.


cdef double log_gamma_(double x) noexcept nogil:
    """ln Gamma(x) for x > 0, to 1e-14: Stirling's series from 10 on, 7 terms."""
    cdef double product = 1.0, z
    while x < 10.0:
        product *= x
        x += 1.0
    z = 1.0 / (x * x)
    cdef double series = 1.0 / 156.0
    series = series * z - 691.0 / 360360.0
    series = series * z + 1.0 / 1188.0
    series = series * z - 1.0 / 1680.0
    series = series * z + 1.0 / 1260.0
    series = series * z - 1.0 / 360.0
    series = series * z + 1.0 / 12.0
    return (x - 0.5) * log_(x) - x + 0.91893853320467274 + series / x - log_(product)


cdef double gamma_series(double a, double x) noexcept nogil:
    """P(a, x) Gamma(a + 1) exp(x) / x^a."""
    cdef double term = 1.0, total = 1.0, n = a
    while term > 1e-17 * total:
        n += 1.0
        term *= x / n
        total += term
    return total


cdef double gamma_fraction(double a, double x) noexcept nogil:
    """Q(a, x) Gamma(a) exp(x) / x^a, for x >= a + 1."""
    cdef double b = x + 1.0 - a, c = 1e300, d = 1.0 / b, result = d, change = 0.0, k = 0.0, term
    while (change > 1.0 + 3e-16 or change < 1.0 - 3e-16) and k < 1e6:
        k += 1.0
        term = -k * (k - a)
        b += 2.0
        d = term * d + b
        c = b + term / c
        # Neither vanishes while x >= a + 1.
        d = 1.0 / d
        change = c * d
        result *= change
    return result


cdef double log_gamma_hazard(double a, double log_factor, double x, double *slope) noexcept nogil:
    """ln H(x) for x > 0; its slope over ln x goes to `slope`."""
    cdef double log_front = a * log_(x) - x - log_factor
    cdef double log_h, h, p, q
    if x < a + 1.0:
        log_h = log_front + log_(gamma_series(a, x))    # ln P
        h = 0.0
        if log_h > -36.0:
            # -ln(1 - P) with all digits: the quotient makes up for the rounding of 1 - P.
            p = exp_(log_h)
            q = 1.0 - p
            h = -log_(q) * (p / (1.0 - q))
            log_h = log_(h)
    else:
        h = -(log_front + log_(a * gamma_fraction(a, x)))
        log_h = log_(h)
    slope[0] = a * exp_(log_front + h - log_h)
    return log_h


cdef double gamma_hazard_(double a, double log_factor, double x) noexcept nogil:
    """H(x), for any x; 0 up to 0."""
    cdef double slope
    if x <= 0.0:
        return 0.0
    return x if a == 1.0 else exp_(log_gamma_hazard(a, log_factor, x, &slope))


cdef double gamma_age_(double a, double log_factor, double hazard) noexcept nogil:
    """The x whose H(x) is `hazard`.

    Newton's method for ln H over ln x, which is nearly straight: slope a at small x, 1 at large.
    """
    cdef double target, p, low, high, log_x, error, slope
    cdef int k
    if hazard <= 0.0:
        return 0.0
    if a == 1.0:
        return hazard
    target = log_(hazard)
    # P <= x^a / Gamma(a + 1), with equality at small x, gives a lower bound;
    p = 1.0 - exp_(-hazard)
    low = ((log_(p) if hazard > 1e-8 else target) + log_factor) / a
    if low < -40.0:
        return exp_(low)
    # an upper one, Q <= (x / a)^a exp(a - x) for x > a;
    high = log_(2.0 * hazard + 4.0 * a)
    # and the hazard is below 1 if a > 1, above it if a < 1.
    if a > 1.0:
        low = target if target > low else low
        log_x = low
    else:
        high = target
        log_x = low if hazard < 1.0 else high
    for k in range(100):
        error = log_gamma_hazard(a, log_factor, exp_(log_x), &slope) - target
        if error > 0.0:
            high = log_x
        else:
            low = log_x
        log_x -= error / slope
        if not low <= log_x <= high:
            log_x = 0.5 * (low + high)
        elif -1e-9 * slope < error < 1e-9 * slope:
            break    # Newton's next error is about the square of this step
    return exp_(log_x)
