/* native.c - whether files are read natively: what the caller says, then the environment. */
#include "io/files/native.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static pthread_once_t environment_once = PTHREAD_ONCE_INIT;
static bool environment_says_no;

static void read_environment(void) {
    const char *native = getenv("MSIO_NATIVE");
    environment_says_no = native && strcmp(native, "0") == 0;
}

msio_native msio_native_wanted(msio_native native) {
    pthread_once(&environment_once, read_environment);
    return native == MSIO_NATIVE_AUTO && environment_says_no ? MSIO_NATIVE_NO : native;
}
