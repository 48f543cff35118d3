/* msio.h - all of msio's public interface. */
#ifndef MSIO_MSIO_H
#define MSIO_MSIO_H

#include "msio/core.h"
#include "msio/io.h"
#include "msio/prof.h"

#endif
