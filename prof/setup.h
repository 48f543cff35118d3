/* setup.h - the mode that MSIO_PROF or msio_prof_setup chose, and what it makes happen at exit. */
#ifndef MSIO_PROF_SETUP_H
#define MSIO_PROF_SETUP_H

/* Reads MSIO_PROF once. An unknown value is told on standard error in one line. To be called once, at load. */
void msio_setup_from_environment(void);

/* Writes the report that the mode asks for. To be called once, when the process exits or the library is unloaded. */
void msio_setup_at_exit(void);

#endif
