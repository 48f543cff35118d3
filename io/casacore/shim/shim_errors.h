// shim_errors.h - the casacore module: how its calls fail, in words and a status.
#ifndef MSIO_IO_SHIM_ERRORS_H
#define MSIO_IO_SHIM_ERRORS_H

#include "io/casacore/casacore_shim.h"

#include <string>

namespace shim {

// Leaves a call with a status and words of our own.
struct Refusal {
    msio_status status;
    std::string text;
};

[[noreturn]] void refuse(msio_status status, const std::string &text);

// The status of the exception that is being handled; its words go into the caller's buffer.
msio_status caught(msio_casa_message *message) noexcept;

// Writes the words into the caller's buffer: one line, cut where it is full.
void say(msio_casa_message *message, const char *text) noexcept;

// Runs the body of a call; whatever it throws becomes a status and a message.
template <typename Body> msio_status guarded(msio_casa_message *message, Body body) noexcept {
    try {
        body();
        return MSIO_OK;
    } catch (...) {
        return caught(message);
    }
}

} // namespace shim

#endif
