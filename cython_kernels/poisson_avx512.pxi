# The loop that counts Poisson events (`render.poisson_loop`) with 512-bit vectors.
#
# Written by hand, for what compilers do not find: eight products of 32-bit words by one instruction
# that ignores the upper halves of its operands, so nothing is masked; four words of a group stored
# side by side by two permutations; groups that do not fill a vector filled up with those of the
# next step. A third fewer instructions, and no more where few cells are left of a block.

cdef extern from *:
    """
    #ifdef __AVX512F__
    #include <immintrin.h>
    #define HAS_POISSON_BY_VECTORS 1
    /* Philox's counters (group, stamp, stamp_high, 0) lie in eight lanes of 64 bits, each word in
       the lower half of its lane; whatever is in upper halves is ignored. Counts of the lanes
       beyond the last group go to count, too: it has room for a multiple of eight groups. */
    static inline __attribute__((always_inline)) void poisson_by_vectors(
            int64_t n_groups, int64_t n_steps, uint32_t first_group, uint32_t stamp_low,
            uint32_t stamp_high, uint32_t key_0, uint32_t key_1, int32_t *count,
            const uint32_t *limit, int32_t *any_unsure, const int n_limits) {
        const __m512i multiplier_0 = _mm512_set1_epi64(0xD2511F53),
                      multiplier_1 = _mm512_set1_epi64(0xCD9E8D57),
                      one = _mm512_set1_epi32(1), unknown = _mm512_set1_epi32(-1),
                      low_groups = _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11),
                      high_groups = _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15),
                      end = _mm512_set1_epi64(n_groups),
                      onwards = _mm512_set1_epi64(8 % n_groups),
                      steps_onwards = _mm512_set1_epi64(8 / n_groups);
        uint64_t key[20], first[8], later[8];
        uint32_t limits[16] = {0};
        __m512i group, step, w0, w1, w2, w3, product_0, product_1, words, found, next_limit;
        __mmask16 above, unsure, any_so_far = 0;
        int64_t g, n = n_groups * n_steps;
        int k, half;
        for (k = 0; k < 10; k++) {
            key[2 * k] = key_0 + (uint32_t)k * 0x9E3779B9u;
            key[2 * k + 1] = key_1 + (uint32_t)k * 0xBB67AE85u;
        }
        for (k = 0; k < 8; k++) {
            first[k] = k % n_groups;
            later[k] = k / n_groups;
        }
        for (k = 0; k < n_limits; k++) limits[k] = limit[k];
        next_limit = _mm512_loadu_si512(limits);
        group = _mm512_loadu_si512(first);
        step = _mm512_loadu_si512(later);
        for (g = 0; g < n; g += 8) {
            w0 = _mm512_add_epi64(group, _mm512_set1_epi64(first_group));
            w1 = _mm512_add_epi64(step, _mm512_set1_epi64(stamp_low));
            w2 = _mm512_set1_epi64(stamp_high);
            w3 = _mm512_setzero_si512();
            for (k = 0; k < 20; k += 2) {
                product_0 = _mm512_mul_epu32(multiplier_0, w0);
                product_1 = _mm512_mul_epu32(multiplier_1, w2);
                w0 = _mm512_ternarylogic_epi64(_mm512_srli_epi64(product_1, 32), w1,
                                               _mm512_set1_epi64(key[k]), 0x96);
                w2 = _mm512_ternarylogic_epi64(_mm512_srli_epi64(product_0, 32), w3,
                                               _mm512_set1_epi64(key[k + 1]), 0x96);
                w1 = product_1;
                w3 = product_0;
            }
            w0 = _mm512_mask_shuffle_epi32(w0, 0xAAAA, w1, (_MM_PERM_ENUM)0xA0);
            w2 = _mm512_mask_shuffle_epi32(w2, 0xAAAA, w3, (_MM_PERM_ENUM)0xA0);
            for (half = 0; half < 2; half++) {
                words = _mm512_permutex2var_epi64(w0, half ? high_groups : low_groups, w2);
                found = _mm512_setzero_si512();
                above = 0xFFFF;
                for (k = 0; k < n_limits; k++) {
                    if (k % 4 == 0 && k && !above) break;  /* high counts are rare */
                    above = _mm512_cmpgt_epu32_mask(words, _mm512_set1_epi32(limits[k]));
                    found = _mm512_mask_add_epi32(found, above, found, one);
                }
                /* at the first limit not below, or above the last */
                unsure = _mm512_cmpeq_epi32_mask(words,
                                                 _mm512_permutexvar_epi32(found, next_limit));
                if (k == n_limits) unsure |= above;
                any_so_far |= unsure;
                _mm512_storeu_si512(count + 4 * g + 16 * half,
                                    _mm512_mask_mov_epi32(found, unsure, unknown));
            }
            group = _mm512_add_epi64(group, onwards);
            step = _mm512_add_epi64(step, steps_onwards);
            above = _mm512_cmpge_epi64_mask(group, end);
            group = _mm512_mask_sub_epi64(group, (__mmask8)above, group, end);
            step = _mm512_mask_add_epi64(step, (__mmask8)above, step, _mm512_set1_epi64(1));
        }
        *any_unsure = any_so_far != 0;
    }
    #else
    #define HAS_POISSON_BY_VECTORS 0
    #define poisson_by_vectors(...) ((void)0)
    #endif
    """
    const bint HAS_POISSON_BY_VECTORS
    void poisson_by_vectors(int64_t n_groups, int64_t n_steps, uint32_t first_group,
                            uint32_t stamp_low, uint32_t stamp_high, uint32_t key_0,
                            uint32_t key_1, int32_t *count, const uint32_t *limit,
                            int32_t *any_unsure, const int n_limits) noexcept nogil
