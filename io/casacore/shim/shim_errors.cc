// shim_errors.cc - the casacore module: what its calls say of exceptions.

#include "io/casacore/shim/shim_errors.h"

#include <casacore/tables/Tables/TableError.h>

#include <exception>
#include <new>
#include <string>

namespace cc = casacore;

namespace shim {

[[noreturn]] void refuse(msio_status status, const std::string &text) { throw Refusal{status, text}; }

void say(msio_casa_message *message, const char *text) noexcept {
    if (!message) return;
    size_t n = 0;
    for (; *text && n + 1 < sizeof message->text; text++) {
        const bool blank = *text == '\n' || *text == '\t' || *text == ' ';
        if (!blank)
            message->text[n++] = *text;
        else if (n && message->text[n - 1] != ' ')
            message->text[n++] = ' ';
    }
    while (n && message->text[n - 1] == ' ') n--;
    message->text[n] = '\0';
}

msio_status caught(msio_casa_message *message) noexcept {
    try {
        throw;
    } catch (const Refusal &refusal) {
        say(message, refusal.text.c_str());
        return refusal.status;
    } catch (const std::bad_alloc &) {
        say(message, "no memory left inside casacore");
        return MSIO_E_MEMORY;
    } catch (const cc::TableNoFile &error) {
        say(message, error.what());
        return MSIO_E_NOT_FOUND;
    } catch (const std::exception &error) {
        const std::string text = error.what(); // of a full disk casacore tells the wrong reason
        say(message, (text + (text.find("write error") == std::string::npos ? "" : " (is the disk full?)")).c_str());
        return MSIO_E_CASACORE;
    } catch (...) {
        say(message, "casacore threw something that is no std::exception");
        return MSIO_E_CASACORE;
    }
}

} // namespace shim
