/* msio.h - all of msio's public interface. */
#ifndef MSIO_MSIO_H
#define MSIO_MSIO_H

#include "msio/cache.h"
#include "msio/casacore.h"
#include "msio/convert.h"
#include "msio/core.h"
#include "msio/files.h"
#include "msio/hdf5.h"
#include "msio/io.h"
#include "msio/load.h"
#include "msio/locate.h"
#include "msio/prof.h"
#include "msio/subbands.h"
#include "msio/uvh5.h"
#include "msio/view.h"
#include "msio/visibility.h"
#include "msio/write.h"

#endif
