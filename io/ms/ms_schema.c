/* ms_schema.c - the columns of a Measurement Set, version 2: name, type, shape, unit, measure, comment. */
#include "io/ms/ms_schema.h"

#include <string.h>

#define NO_UNIT NULL, 0
#define NO_MEASURE NULL, NULL
#define SECONDS "s", 1
#define EPOCH "epoch", "UTC"
#define SKY "rad", 2, "direction", "J2000"
#define PLACE "m", 3, "position", "ITRF"
#define SCALAR 0, 0
#define VECTOR 1, 0
#define MATRIX 2, 0

#define FLAG_ROW(text)                                                                                                 \
    { "FLAG_ROW", MSIO_BOOL, SCALAR, NO_UNIT, NO_MEASURE, text }
#define BOOL(name, text)                                                                                               \
    { name, MSIO_BOOL, SCALAR, NO_UNIT, NO_MEASURE, text }
#define INT(name, text)                                                                                                \
    { name, MSIO_INT, SCALAR, NO_UNIT, NO_MEASURE, text }
#define TEXT(name, text)                                                                                               \
    { name, MSIO_STRING, SCALAR, NO_UNIT, NO_MEASURE, text }
#define TEXTS(name, text)                                                                                              \
    { name, MSIO_STRING, VECTOR, NO_UNIT, NO_MEASURE, text }
#define TIME(name, text)                                                                                               \
    { name, MSIO_DOUBLE, SCALAR, SECONDS, EPOCH, text }
#define SPAN(name, text)                                                                                               \
    { name, MSIO_DOUBLE, SCALAR, SECONDS, NO_MEASURE, text }

static const msio_ms_column main_columns[] = {
    {"UVW", MSIO_DOUBLE, 1, 3, "m", 3, "uvw", "ITRF", "Vector with uvw coordinates (in meters)"},
    {"FLAG", MSIO_BOOL, MATRIX, NO_UNIT, NO_MEASURE, "The data flags, array of bools with same shape as data"},
    {"FLAG_CATEGORY", MSIO_BOOL, 3, 0, NO_UNIT, NO_MEASURE, "The flag category, NUM_CAT flags for each datum"},
    {"WEIGHT", MSIO_FLOAT, VECTOR, NO_UNIT, NO_MEASURE, "Weight for each polarization spectrum"},
    {"SIGMA", MSIO_FLOAT, VECTOR, NO_UNIT, NO_MEASURE, "Estimated rms noise for channel with unity bandpass response"},
    INT("ANTENNA1", "ID of first antenna in interferometer"),
    INT("ANTENNA2", "ID of second antenna in interferometer"),
    INT("ARRAY_ID", "ID of array or subarray"),
    INT("DATA_DESC_ID", "The data description table index"),
    SPAN("EXPOSURE", "The effective integration time"),
    INT("FEED1", "The feed index for ANTENNA1"),
    INT("FEED2", "The feed index for ANTENNA2"),
    INT("FIELD_ID", "Unique id for this pointing"),
    FLAG_ROW("Row flag - flag all data in this row if True"),
    SPAN("INTERVAL", "The sampling interval"),
    INT("OBSERVATION_ID", "ID for this observation, index in OBSERVATION table"),
    INT("PROCESSOR_ID", "Id for backend processor, index in PROCESSOR table"),
    INT("SCAN_NUMBER", "Sequential scan number from on-line system"),
    INT("STATE_ID", "ID for this observing state"),
    TIME("TIME", "Modified Julian Day"),
    TIME("TIME_CENTROID", "Modified Julian Day"),
    {"DATA", MSIO_COMPLEX, MATRIX, NO_UNIT, NO_MEASURE, "The data column"},
    {"WEIGHT_SPECTRUM", MSIO_FLOAT, MATRIX, NO_UNIT, NO_MEASURE, "Weight for each data point"},
    {"MODEL_DATA", MSIO_COMPLEX, MATRIX, NO_UNIT, NO_MEASURE, "The model data column"},
    {"CORRECTED_DATA", MSIO_COMPLEX, MATRIX, NO_UNIT, NO_MEASURE, "The corrected data column"},
    {"IMAGING_WEIGHT", MSIO_FLOAT, VECTOR, NO_UNIT, NO_MEASURE, "Weight set by imaging task (e.g. uniform weighting)"},
};

static const msio_ms_column antenna_columns[] = {
    {"OFFSET", MSIO_DOUBLE, 1, 3, PLACE, "Axes offset of mount to FEED REFERENCE point"},
    {"POSITION", MSIO_DOUBLE, 1, 3, PLACE, "Antenna X,Y,Z phase reference position"},
    TEXT("TYPE", "Antenna type (e.g. SPACE-BASED)"),
    {"DISH_DIAMETER", MSIO_DOUBLE, SCALAR, "m", 1, NO_MEASURE, "Physical diameter of dish"},
    FLAG_ROW("Flag for this row"),
    TEXT("MOUNT", "Mount type e.g. alt-az, equatorial, etc."),
    TEXT("NAME", "Antenna name, e.g. VLA22, CA03"),
    TEXT("STATION", "Station (antenna pad) name"),
};

static const msio_ms_column data_description_columns[] = {
    FLAG_ROW("Flag this row"),
    INT("POLARIZATION_ID", "Pointer to polarization table"),
    INT("SPECTRAL_WINDOW_ID", "Pointer to spectralwindow table"),
};

static const msio_ms_column feed_columns[] = {
    {"POSITION", MSIO_DOUBLE, 1, 3, PLACE, "Position of feed relative to feed reference position"},
    {"BEAM_OFFSET", MSIO_DOUBLE, MATRIX, SKY, "Beam position offset (on sky but in antennareference frame)"},
    TEXTS("POLARIZATION_TYPE", "Type of polarization to which a given RECEPTOR responds"),
    {"POL_RESPONSE", MSIO_COMPLEX, MATRIX, NO_UNIT, NO_MEASURE, "D-matrix i.e. leakage between two receptors"},
    {"RECEPTOR_ANGLE", MSIO_DOUBLE, VECTOR, "rad", 1, NO_MEASURE, "The reference angle for polarization"},
    INT("ANTENNA_ID", "ID of antenna in this array"),
    INT("BEAM_ID", "Id for BEAM model"),
    INT("FEED_ID", "Feed id"),
    SPAN("INTERVAL", "Interval for which this set of parameters is accurate"),
    INT("NUM_RECEPTORS", "Number of receptors on this feed (probably 1 or 2)"),
    INT("SPECTRAL_WINDOW_ID", "ID for this spectral window setup"),
    TIME("TIME", "Midpoint of time for which this set of parameters is accurate"),
};

static const msio_ms_column field_columns[] = {
    {"DELAY_DIR", MSIO_DOUBLE, MATRIX, SKY, "Direction of delay center (e.g. RA, DEC)as polynomial in time."},
    {"PHASE_DIR", MSIO_DOUBLE, MATRIX, SKY, "Direction of phase center (e.g. RA, DEC)."},
    {"REFERENCE_DIR", MSIO_DOUBLE, MATRIX, SKY, "Direction of REFERENCE center (e.g. RA, DEC).as polynomial in time."},
    TEXT("CODE", "Special characteristics of field, e.g. Bandpass calibrator"),
    FLAG_ROW("Row Flag"),
    TEXT("NAME", "Name of this field"),
    INT("NUM_POLY", "Polynomial order of _DIR columns"),
    INT("SOURCE_ID", "Source id"),
    TIME("TIME", "Time origin for direction and rate"),
};

static const msio_ms_column flag_cmd_columns[] = {
    BOOL("APPLIED", "True if flag has been applied to main table"),
    TEXT("COMMAND", "Flagging command"),
    SPAN("INTERVAL", "Time interval for which this flag is valid"),
    INT("LEVEL", "Flag level - revision level "),
    TEXT("REASON", "Flag reason"),
    INT("SEVERITY", "Severity code (0-10) "),
    TIME("TIME", "Midpoint of interval for which this flag is valid"),
    TEXT("TYPE", "Type of flag (FLAG or UNFLAG)"),
};

static const msio_ms_column history_columns[] = {
    TEXTS("APP_PARAMS", "Application parameters"),
    TEXTS("CLI_COMMAND", "CLI command sequence"),
    TEXT("APPLICATION", "Application name"),
    TEXT("MESSAGE", "Log message"),
    INT("OBJECT_ID", "Originating ObjectID"),
    INT("OBSERVATION_ID", "Observation id (index in OBSERVATION table)"),
    TEXT("ORIGIN", "(Source code) origin from which message originated"),
    TEXT("PRIORITY", "Message priority"),
    TIME("TIME", "Timestamp of message"),
};

static const msio_ms_column observation_columns[] = {
    {"TIME_RANGE", MSIO_DOUBLE, 1, 2, SECONDS, EPOCH, "Start and end of observation"},
    TEXTS("LOG", "Observing log"),
    TEXTS("SCHEDULE", "Observing schedule"),
    FLAG_ROW("Row flag"),
    TEXT("OBSERVER", "Name of observer(s)"),
    TEXT("PROJECT", "Project identification string"),
    TIME("RELEASE_DATE", "Release date when data becomes public"),
    TEXT("SCHEDULE_TYPE", "Observing schedule type"),
    TEXT("TELESCOPE_NAME", "Telescope Name (e.g. WSRT, VLBA)"),
    {MSIO_MS_TELESCOPE_LOCATION, MSIO_DOUBLE, 1, 3, NO_UNIT, NO_MEASURE, ""},
};

static const msio_ms_column pointing_columns[] = {
    {"DIRECTION", MSIO_DOUBLE, MATRIX, SKY, "Antenna pointing direction as polynomial in time"},
    INT("ANTENNA_ID", "Antenna Id"),
    SPAN("INTERVAL", "Time interval"),
    TEXT("NAME", "Pointing position name"),
    INT("NUM_POLY", "Series order"),
    {"TARGET", MSIO_DOUBLE, -1, 0, SKY, "target direction as polynomial in time"},
    TIME("TIME", "Time interval midpoint"),
    TIME("TIME_ORIGIN", "Time origin for direction"),
    BOOL("TRACKING", "Tracking flag - True if on position"),
};

static const msio_ms_column polarization_columns[] = {
    {"CORR_TYPE", MSIO_INT, VECTOR, NO_UNIT, NO_MEASURE,
     "The polarization type for each correlation product, as a Stokes enum."},
    {"CORR_PRODUCT", MSIO_INT, MATRIX, NO_UNIT, NO_MEASURE,
     "Indices describing receptors of feed going into correlation"},
    FLAG_ROW("Row flag"),
    INT("NUM_CORR", "Number of correlation products"),
};

static const msio_ms_column processor_columns[] = {
    FLAG_ROW("Row flag"),
    INT("MODE_ID", "Processor mode id"),
    TEXT("TYPE", "Processor type"),
    INT("TYPE_ID", "Processor type id"),
    TEXT("SUB_TYPE", "Processor sub type"),
};

static const msio_ms_column spectral_window_columns[] = {
    INT("MEAS_FREQ_REF", "Frequency Measure reference"),
    {"CHAN_FREQ", MSIO_DOUBLE, VECTOR, "Hz", 1, "frequency", NULL,
     "Center frequencies for each channel in the data matrix"},
    {"REF_FREQUENCY", MSIO_DOUBLE, SCALAR, "Hz", 1, "frequency", NULL, "The reference frequency"},
    {"CHAN_WIDTH", MSIO_DOUBLE, VECTOR, "Hz", 1, NO_MEASURE, "Channel width for each channel"},
    {"EFFECTIVE_BW", MSIO_DOUBLE, VECTOR, "Hz", 1, NO_MEASURE, "Effective noise bandwidth of each channel"},
    {"RESOLUTION", MSIO_DOUBLE, VECTOR, "Hz", 1, NO_MEASURE, "The effective noise bandwidth for each channel"},
    FLAG_ROW("Row flag"),
    INT("FREQ_GROUP", "Frequency group"),
    TEXT("FREQ_GROUP_NAME", "Frequency group name"),
    INT("IF_CONV_CHAIN", "The IF conversion chain number"),
    TEXT("NAME", "Spectral window name"),
    INT("NET_SIDEBAND", "Net sideband"),
    INT("NUM_CHAN", "Number of spectral channels"),
    {"TOTAL_BANDWIDTH", MSIO_DOUBLE, SCALAR, "Hz", 1, NO_MEASURE, "The total bandwidth for this window"},
    {"ASSOC_SPW_ID", MSIO_INT, -1, 0, NO_UNIT, NO_MEASURE, "Associated spectral window id"},
    {"ASSOC_NATURE", MSIO_STRING, -1, 0, NO_UNIT, NO_MEASURE, "Nature of association with other spectral window"},
};

static const msio_ms_column source_columns[] = {
    {"DIRECTION", MSIO_DOUBLE, 1, 2, SKY, "Direction (e.g. RA, DEC)."},
    {"PROPER_MOTION", MSIO_DOUBLE, 1, 2, "rad/s", 1, NO_MEASURE, "Proper motion"},
    INT("CALIBRATION_GROUP", "Number of grouping for calibration purpose."),
    TEXT("CODE", "Special characteristics of source, e.g. Bandpass calibrator"),
    SPAN("INTERVAL", "Interval of time for which this set of parameters is accurate"),
    TEXT("NAME", "Name of source as given during observations"),
    INT("NUM_LINES", "Number of spectral lines"),
    INT("SOURCE_ID", "Source id"),
    INT("SPECTRAL_WINDOW_ID", "ID for this spectral window setup"),
    TIME("TIME", "Midpoint of time for which this set of parameters is accurate."),
    {"POSITION", MSIO_DOUBLE, -1, 0, PLACE, "Position (e.g. for solar system objects"},
    INT("PULSAR_ID", "Pulsar Id, pointer to pulsar table"),
    {"REST_FREQUENCY", MSIO_DOUBLE, -1, 0, "Hz", 1, "frequency", "LSRK", "Line rest frequency"},
    {"SOURCE_MODEL", MSIO_RECORD, SCALAR, NO_UNIT, NO_MEASURE, "Component Source Model"},
    {"SYSVEL", MSIO_DOUBLE, -1, 0, "m/s", 1, "radialvelocity", "LSRK", "Systemic velocity at reference"},
    {"TRANSITION", MSIO_STRING, -1, 0, NO_UNIT, NO_MEASURE, "Line Transition name"},
};

static const msio_ms_column state_columns[] = {
    {"CAL", MSIO_DOUBLE, SCALAR, "K", 1, NO_MEASURE, "Noise calibration temperature"},
    FLAG_ROW("Row flag"),
    {"LOAD", MSIO_DOUBLE, SCALAR, "K", 1, NO_MEASURE, "Load temperature"},
    TEXT("OBS_MODE", "Observing mode, e.g., OFF_SPECTRUM"),
    BOOL("REF", "True for a reference observation"),
    BOOL("SIG", "True for a source observation"),
    INT("SUB_SCAN", "Sub scan number, relative to scan number"),
};

#define COUNT(array) (int)(sizeof(array) / sizeof *(array))
#define COLUMNS(array) COUNT(array), COUNT(array), array
/* The last n columns are optional. */
#define COLUMNS_BUT(array, n) COUNT(array), COUNT(array) - (n), array

static const msio_ms_table tables[] = {
    {"MAIN", COLUMNS(main_columns)},
    {"ANTENNA", COLUMNS(antenna_columns)},
    {"DATA_DESCRIPTION", COLUMNS(data_description_columns)},
    {"FEED", COLUMNS(feed_columns)},
    {"FIELD", COLUMNS(field_columns)},
    {"FLAG_CMD", COLUMNS(flag_cmd_columns)},
    {"HISTORY", COLUMNS(history_columns)},
    {"OBSERVATION", COLUMNS_BUT(observation_columns, 1)},
    {"POINTING", COLUMNS(pointing_columns)},
    {"POLARIZATION", COLUMNS(polarization_columns)},
    {"PROCESSOR", COLUMNS(processor_columns)},
    {"SOURCE", COLUMNS_BUT(source_columns, 6)},
    {"SPECTRAL_WINDOW", COLUMNS_BUT(spectral_window_columns, 2)},
    {"STATE", COLUMNS(state_columns)},
};

_Static_assert(sizeof main_columns / sizeof *main_columns <= MSIO_MS_COLUMNS, "MSIO_MS_COLUMNS must cover every table");

const msio_ms_table *msio_ms_table_find(const char *name) {
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (strcmp(tables[i].name, name) == 0) return &tables[i];
    return NULL;
}

const msio_ms_column *msio_ms_column_find(const msio_ms_table *table, const char *name) {
    for (int i = 0; i < table->columns; i++)
        if (strcmp(table->column[i].name, name) == 0) return &table->column[i];
    return NULL;
}
