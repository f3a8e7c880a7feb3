# How far each thread is, and how one waits for others: it spins, then sleeps.
#
# Where other programs want the processor, who sleeps is woken at once, but who yields waits until
# their time is up. No result passes through this.
#
# Linux may start a thread on the processor of the thread that starts it, or wake it there, and
# leave both on one for 10 ms while another is idle. So each thread begins on a processor of its
# own, if there is one, and does not let go of it while it sleeps; awake it may be moved anywhere.

cdef extern from *:
    """
    #include <pthread.h>
    #include <sched.h>
    #include <stdint.h>
    #include <stdlib.h>
    /* Each `done` has the two cache lines to itself that are fetched together: who waits looks at
       it, and one thread writes it. */
    typedef struct {
        int64_t done; char rest[120];
        int processor;    /* where the thread was when it last looked; -1: it has not */
        int crowded;      /* whether another was there, too */
        int pinned;
        #if defined(__linux__)
        cpu_set_t free;   /* where it may be when it is not pinned */
        #endif
        char more[120];
    } Progress;
    typedef struct {
        void *memory; Progress *progress;
        int n_threads, sleeping; pthread_mutex_t mutex; pthread_cond_t passed;
    } Meeting;
    /* A third of a us; then, if those waited for have processors of their own, some 300 us: to wake
       a processor takes 100. */
    #define SPINS 1000
    #define PAUSES 20000
    static inline void pause_(void) {  /* leaves a core to its other thread for a while */
        #if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
        #elif defined(__aarch64__)
        __asm__ volatile("isb");
        #endif
    }
    static inline int is_at(Meeting *m, int thread) {
        return __atomic_load_n(&m->progress[thread].processor, __ATOMIC_RELAXED);
    }
    /* Note where the thread is, and whether one of the first n_others is there, too. */
    static inline void look_around(Meeting *m, int thread, int n_others) {
        #if defined(__linux__)
        int k, here = sched_getcpu(), crowded = 0;
        __atomic_store_n(&m->progress[thread].processor, here, __ATOMIC_RELAXED);
        for (k = 0; k < n_others; k++) crowded |= k != thread && is_at(m, k) == here;
        m->progress[thread].crowded = crowded;
        #endif
    }
    /* Go where none of the threads is, if one of the first n_others is here. */
    static void keep_apart(Meeting *m, int thread, int n_others) {
        look_around(m, thread, n_others);
        #if defined(__linux__)
        cpu_set_t all, others;
        int k;
        if (!m->progress[thread].crowded || sched_getaffinity(0, sizeof all, &all)) return;
        others = all;
        for (k = 0; k < m->n_threads; k++)
            if (is_at(m, k) >= 0 && is_at(m, k) < CPU_SETSIZE) CPU_CLR(is_at(m, k), &others);
        if (!CPU_COUNT(&others) || sched_setaffinity(0, sizeof others, &others)) return;
        sched_setaffinity(0, sizeof all, &all);
        look_around(m, thread, n_others);
        #endif
    }
    /* Stay on this processor until `unpin`, unless another thread is here. */
    static void pin(Meeting *m, int thread) {
        #if defined(__linux__)
        Progress *own = &m->progress[thread];
        cpu_set_t here;
        look_around(m, thread, m->n_threads);
        if (own->crowded || own->processor < 0 || own->processor >= CPU_SETSIZE) return;
        CPU_ZERO(&here);
        CPU_SET(own->processor, &here);
        own->pinned = !sched_getaffinity(0, sizeof own->free, &own->free)
            && !sched_setaffinity(0, sizeof here, &here);
        #endif
    }
    static void unpin(Meeting *m, int thread) {
        #if defined(__linux__)
        Progress *own = &m->progress[thread];
        if (own->pinned) sched_setaffinity(0, sizeof own->free, &own->free);
        own->pinned = 0;
        #endif
    }
    static void sleep_until(Meeting *m, int thread, const int64_t *number, int64_t done) {
        pin(m, thread);
        pthread_mutex_lock(&m->mutex);
        __atomic_add_fetch(&m->sleeping, 1, __ATOMIC_SEQ_CST);
        while (__atomic_load_n(number, __ATOMIC_SEQ_CST) < done)
            pthread_cond_wait(&m->passed, &m->mutex);
        __atomic_sub_fetch(&m->sleeping, 1, __ATOMIC_SEQ_CST);
        pthread_mutex_unlock(&m->mutex);
        unpin(m, thread);
        keep_apart(m, thread, m->n_threads);
    }
    static inline void has_done(Meeting *m, int thread, int64_t done) {
        __atomic_store_n(&m->progress[thread].done, done, __ATOMIC_SEQ_CST);
        if (__atomic_load_n(&m->sleeping, __ATOMIC_SEQ_CST)) {
            look_around(m, thread, m->n_threads);
            pthread_mutex_lock(&m->mutex);
            pthread_cond_broadcast(&m->passed);
            pthread_mutex_unlock(&m->mutex);
        }
    }
    /* `thread` waits until all have done so much. */
    static inline void wait_until(Meeting *m, int thread, int64_t done) {
        for (int k = 0; k < m->n_threads; k++) {
            const int64_t *number = &m->progress[k].done;
            int spins = 0;
            while (__atomic_load_n(number, __ATOMIC_ACQUIRE) < done) {
                if (++spins <= SPINS) continue;
                if (spins > SPINS + PAUSES || m->progress[thread].crowded) {
                    sleep_until(m, thread, number, done);
                    break;
                }
                pause_();
            }
        }
    }
    static int meeting_init(Meeting *m, int n_threads) {
        m->n_threads = n_threads;
        m->sleeping = 0;
        pthread_mutex_init(&m->mutex, NULL);
        pthread_cond_init(&m->passed, NULL);
        m->memory = calloc(n_threads + 1, sizeof(Progress));
        if (!m->memory) return 0;
        m->progress = (Progress *)(((uintptr_t)m->memory + 127) & ~(uintptr_t)127);
        for (int k = 0; k < n_threads; k++) m->progress[k].processor = -1;
        return 1;
    }
    static void meeting_destroy(Meeting *m) {
        pthread_cond_destroy(&m->passed);
        pthread_mutex_destroy(&m->mutex);
        free(m->memory);
    }
    """
    ctypedef struct Progress:
        int64_t done
    ctypedef struct Meeting:
        Progress *progress
    int meeting_init(Meeting *m, int n_threads) noexcept nogil
    void meeting_destroy(Meeting *m) noexcept nogil
    void has_done(Meeting *m, int thread, int64_t done) noexcept nogil
    void look_around(Meeting *m, int thread, int n_others) noexcept nogil
    void keep_apart(Meeting *m, int thread, int n_others) noexcept nogil
    void pin(Meeting *m, int thread) noexcept nogil
    void unpin(Meeting *m, int thread) noexcept nogil
    void wait_until(Meeting *m, int thread, int64_t done) noexcept nogil
