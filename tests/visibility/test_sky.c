/* test_sky.c - models of the sky as text: what is read, and what is refused, by line and column. */
#include "msio/visibility.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define DEGREE (3.14159265358979323846 / 180.0)
#define ARCSEC (DEGREE / 3600.0)
#define HEAD                                                                                                           \
    "Format = Name, Type, Ra, Dec, I, Q, U, V, ReferenceFrequency='1e9', SpectralIndex='[]', MajorAxis, MinorAxis, Orientation, LogarithmicSI\n"

static msio_sky *parse(const char *text) {
    msio_sky *sky = NULL;
    assert_int_equal(msio_sky_parse(text, strlen(text), "sky.txt", &sky), MSIO_OK);
    return sky;
}

static void assert_near(double a, double b) {
    if (fabs(a - b) > 1e-14 * (1.0 + fabs(b))) fail_msg("%.17g instead of %.17g", a, b);
}

static void points(void **state) {
    (void)state;
    msio_sky *sky = parse(HEAD "# a comment\n\n"
                               " , , patch, 1:0:0, 2.0.0\r\n"
                               "3C48, POINT, 01:37:41.299, +33.09.35.13, 16, 0.1, -0.2, .3, 1.5e9, [-0.8, -0.1]\r\n"
                               "'b, c', point, 359.5deg, -0.25rad, 1e-3\n"
                               ",POINT,1h2m3.5s,-0d30m36,2,,,,,,,,,");
    assert_int_equal(msio_sky_count(sky), 3);
    assert_null(msio_sky_at(sky, 3));
    assert_null(msio_sky_at(sky, -1));
    const msio_sky_component *c = msio_sky_at(sky, 0);
    assert_string_equal(c->name, "3C48");
    assert_int_equal(c->shape, MSIO_SKY_POINT);
    assert_near(c->ra, (1 + 37 / 60.0 + 41.299 / 3600) * 15 * DEGREE);
    assert_near(c->dec, (33 + 9 / 60.0 + 35.13 / 3600) * DEGREE);
    const double stokes[4] = {16, 0.1, -0.2, 0.3};
    assert_memory_equal(c->stokes, stokes, sizeof stokes);
    assert_int_equal(c->terms, 2);
    assert_near(c->term[1], -0.1);
    assert_true(c->logarithmic);
    assert_near(c->reference_frequency, 1.5e9);
    c = msio_sky_at(sky, 1);
    assert_string_equal(c->name, "b, c");
    assert_near(c->ra, 359.5 * DEGREE);
    assert_near(c->dec, -0.25);
    assert_int_equal(c->terms, 0);
    c = msio_sky_at(sky, 2);
    assert_string_equal(c->name, "");
    assert_near(c->ra, (1 + 2 / 60.0 + 3.5 / 3600) * 15 * DEGREE);
    assert_near(c->dec, -(30 / 60.0 + 36 / 3600.0) * DEGREE);
    msio_sky_free(sky);
}

static void gaussians_and_spectra(void **state) {
    (void)state;
    double stokes[4];
    msio_sky *sky = parse(
        "# (Name, Type, Ra, Dec, I, Q, ReferenceFrequency='1e9', SpectralIndex='[-0.5]', MajorAxis='20', MinorAxis, "
        "Orientation, LogarithmicSI='true') = format\n"
        "g, GAUSSIAN, 10deg, 20deg, 2, 1, , , , 10, 30\n"
        "o, POINT, 10deg, 20deg, 2, 1, , [0.5, 0.25], , , , false\n"
        "l, POINT, 10deg, 20deg, 2, 1, , [0.5, 0.25]\n"
        "n, POINT, 10deg, 20deg, 2, 1, , [0, 0]\n");
    const msio_sky_component *c = msio_sky_at(sky, 0);
    assert_int_equal(c->shape, MSIO_SKY_GAUSSIAN);
    assert_near(c->major, 20 * ARCSEC);
    assert_near(c->minor, 10 * ARCSEC);
    assert_near(c->angle, 30 * DEGREE);
    msio_sky_stokes(c, 4e9, stokes);
    assert_near(stokes[0], 1.0);
    assert_near(stokes[1], 1.0);
    c = msio_sky_at(sky, 1);
    msio_sky_stokes(c, 3e9, stokes);
    assert_near(stokes[0], 2 + 0.5 * 2 + 0.25 * 4);
    c = msio_sky_at(sky, 2);
    msio_sky_stokes(c, 1e10, stokes);
    assert_near(stokes[0], 2 * pow(10, 0.5 + 0.25));
    assert_int_equal(msio_sky_at(sky, 3)->terms, 0);
    msio_sky_free(sky);
}

/* Text, the status, and what the message says. */
static void refused(void **state) {
    (void)state;
    const struct {
        const char *text;
        msio_status status;
        const char *words;
    } all[] = {
        {"", MSIO_E_FORMAT, "no line \"Format"},
        {HEAD, MSIO_E_FORMAT, "no component"},
        {"a, POINT, 1deg, 1deg, 1\n", MSIO_E_FORMAT, "line 1, column 1: a component before"},
        {"Format = Name, Type, Ra, Dec\n", MSIO_E_FORMAT, "no column I"},
        {"Format = Name, Name, Type, Ra, Dec, I\n", MSIO_E_FORMAT, "line 1, column 16: Name stands twice"},
        {"Format = Type, Ra, Dec, I, Beam='3'\n", MSIO_E_UNSUPPORTED, "line 1, column 28: Beam is not done"},
        {HEAD HEAD, MSIO_E_FORMAT, "line 2, column 10: a second format"},
        {"Format = Type, Ra, Dec, I, RotationMeasure\nPOINT, 1deg, 1deg, 1,\nPOINT, 1deg, 1deg, 1, 0.5\n",
         MSIO_E_UNSUPPORTED, "line 3, column 23: RotationMeasure is not done: \"0.5\""},
        {HEAD "a, SHAPELET, 1deg, 1deg, 1\n", MSIO_E_UNSUPPORTED, "line 2, column 4: type \"SHAPELET\""},
        {HEAD "a, POINT, 1deg, 1deg, 1x\n", MSIO_E_FORMAT, "line 2, column 23: I is no number: \"1x\""},
        {HEAD "a, POINT, 1deg, 1deg, inf\n", MSIO_E_FORMAT, "I is no number"},
        {HEAD "a, POINT, 1deg, 1deg,\n", MSIO_E_FORMAT, "I is missing"},
        {HEAD "a, POINT, , 1deg, 1\n", MSIO_E_FORMAT, "Ra is missing"},
        {HEAD "a, POINT, 1deg, 10:00:00, 1\n", MSIO_E_FORMAT, "Dec with colons may mean hours"},
        {HEAD "a, POINT, 1:60:00, 1deg, 1\n", MSIO_E_FORMAT, "60 minutes"},
        {HEAD "a, POINT, 1deg, 91deg, 1\n", MSIO_E_FORMAT, "line 2, column 17: Dec lies beyond"},
        {HEAD "a, POINT, 1:2, 1deg, 1\n", MSIO_E_FORMAT, "needs three parts"},
        {HEAD "a, POINT, 1deg, 1deg, 1,,,,1e9,[0.5\n", MSIO_E_FORMAT, "line 2, column 32: the bracket is not closed"},
        {HEAD "'a, POINT, 1deg, 1deg, 1\n", MSIO_E_FORMAT, "line 2, column 1: the quote is not closed"},
        {HEAD "a, POINT, 1deg, 1deg, 1,,,,0,[0.5]\n", MSIO_E_FORMAT, "needs a ReferenceFrequency"},
        {HEAD "a, POINT, 1deg, 1deg, 1,,,,,,,,,,extra\n", MSIO_E_FORMAT, "more fields than the 14"},
        {HEAD "a, POINT, 1deg, 1deg, 1,,,,,[1],,,,maybe\n", MSIO_E_FORMAT, "true or false"},
        {HEAD "a, GAUSSIAN, 1deg, 1deg, 1,,,,,,-1,,\n", MSIO_E_FORMAT, "from 0 to 180 degrees"},
        {"Format = Type, Ra, Dec, I, OrientationIsAbsolute\nGAUSSIAN, 1deg, 1deg, 1, true\n", MSIO_E_UNSUPPORTED,
         "OrientationIsAbsolute true is not done"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        msio_sky *sky = NULL;
        const msio_status status = msio_sky_parse(all[i].text, strlen(all[i].text), "sky.txt", &sky);
        if (status != all[i].status || !strstr(msio_last_error()->message, all[i].words))
            fail_msg("%s\ngave %s: %s", all[i].text, msio_status_name(status),
                     status ? msio_last_error()->message : "");
        assert_null(sky);
    }
}

static void files(void **state) {
    (void)state;
    msio_sky *sky = NULL;
    char path[] = "/tmp/msio-sky-XXXXXX";
    assert_int_equal(msio_sky_open("/nowhere/sky.txt", &sky), MSIO_E_NOT_FOUND);
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    const char text[] = HEAD "a, POINT, 1deg, 1deg, 1\n";
    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    assert_int_equal(msio_sky_open(path, &sky), MSIO_OK);
    assert_int_equal(msio_sky_count(sky), 1);
    msio_sky_free(sky);
    assert_int_equal(write(fd, "\0", 1), 1);
    sky = NULL;
    assert_int_equal(msio_sky_open(path, &sky), MSIO_E_FORMAT);
    assert_non_null(strstr(msio_last_error()->message, "line 3, column 1: a NUL byte"));
    close(fd);
    unlink(path);
    assert_int_equal(msio_sky_parse(NULL, 0, NULL, &sky), MSIO_E_ARGUMENT);
    msio_sky_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points),
        cmocka_unit_test(gaussians_and_spectra),
        cmocka_unit_test(refused),
        cmocka_unit_test(files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
