/* native.h - whether files are read natively: what the caller says, then the environment. */
#ifndef MSIO_IO_NATIVE_H
#define MSIO_IO_NATIVE_H

#include "msio/io.h"

/* MSIO_NATIVE_AUTO becomes MSIO_NATIVE_NO where the environment said MSIO_NATIVE=0 when it was first asked. */
msio_native msio_native_wanted(msio_native native);

#endif
