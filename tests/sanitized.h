/* sanitized.h - for tests: which sanitizer they are built with: ADDRESS_SANITIZED, THREAD_SANITIZED, or neither;
 * SANITIZED with any of the two. */
#ifndef MSIO_TESTS_SANITIZED_H
#define MSIO_TESTS_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__)
#define ADDRESS_SANITIZED 1
#endif
#if defined(__SANITIZE_THREAD__)
#define THREAD_SANITIZED 1
#endif
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ADDRESS_SANITIZED 1
#endif
#if __has_feature(thread_sanitizer)
#define THREAD_SANITIZED 1
#endif
#endif
#if defined(ADDRESS_SANITIZED) || defined(THREAD_SANITIZED)
#define SANITIZED 1
#endif

#endif
